/**
 * POSIX ACLs as the bytes that Linux keeps in extended attributes.
 *
 * ```
 * u32 version = 2, then entries of u16 tag, u16 permissions (rwx = 4 2 1), u32 id     (all little-endian)
 * ```
 * Tags and layout: include/uapi/linux/posix_acl_xattr.h; rules of inheritance: acl(5), "Object creation and default ACLs".
 */

export const ACL_ACCESS = 'system.posix_acl_access';
export const ACL_DEFAULT = 'system.posix_acl_default';

const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const USER_OBJ = 0x01;
const USER = 0x02;
const GROUP_OBJ = 0x04;
const GROUP = 0x08;
const MASK = 0x10;
const OTHER = 0x20;
const TAGS_IN_ORDER = [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER];

/**
 * Whether the bytes are an ACL at all (posix_acl_from_xattr): `version` for one that nobody knows, `form` for anything
 * else that is wrong.
 */
export function aclFault(acl: Uint8Array): 'version' | 'form' | null {
  if (acl.length < HEADER_BYTES) return 'form';
  const view = viewOf(acl);
  if (view.getUint32(0, true) !== VERSION) return 'version';
  if ((acl.length - HEADER_BYTES) % ENTRY_BYTES !== 0) return 'form';
  let fault: 'form' | null = null;
  forEachEntry(view, (tag) => {
    if (!TAGS_IN_ORDER.includes(tag)) fault = 'form';
  });
  return fault;
}

/** An ACL without entries stands for none. */
export const isEmptyAcl = (acl: Uint8Array): boolean => acl.length === HEADER_BYTES;

/** Whether the ACL makes sense (posix_acl_valid): entries in order, each base entry once, a mask where one is needed. */
export function isValidAcl(acl: Uint8Array): boolean {
  const view = viewOf(acl);
  let last = 0;
  let isInOrder = true;
  let seen = 0;
  forEachEntry(view, (tag, at) => {
    if (view.getUint16(at + 2, true) > 7) isInOrder = false;
    const isNamed = tag === USER || tag === GROUP;
    if (tag < last || (tag === last && !isNamed)) isInOrder = false;
    last = tag;
    seen |= tag;
  });
  const base = USER_OBJ | GROUP_OBJ | OTHER;
  const hasNamed = (seen & (USER | GROUP)) !== 0;
  return isInOrder && (seen & base) === base && (!hasNamed || (seen & MASK) !== 0);
}

/**
 * What a new node gets from its directory's default ACL.
 *
 * @param mode - Mode as asked; the umask does not apply.
 * @returns `access`: its ACL, or null where the mode bits say it all.
 */
export function inheritAcl(defaultAcl: Uint8Array, mode: number): { mode: number; access: Uint8Array | null } {
  const acl = Uint8Array.from(defaultAcl);
  const view = viewOf(acl);
  let permissions = 0;
  const mask = entryAt(view, MASK);
  forEachEntry(view, (tag, at) => {
    const granted = view.getUint16(at + 2, true);
    const shift = tag === USER_OBJ ? 6 : tag === OTHER ? 0 : -1;
    const isGroupClass = tag === MASK || (tag === GROUP_OBJ && mask < 0);
    if (shift < 0 && !isGroupClass) return;
    const bits = granted & (mode >> (isGroupClass ? 3 : shift)) & 7;
    view.setUint16(at + 2, bits, true);
    permissions |= bits << (isGroupClass ? 3 : shift);
  });
  return { mode: (mode & ~0o777) | permissions, access: isMinimal(view) ? null : acl };
}

/** Permission bits that an access ACL stands for, and whether it says no more than they do. */
export function modeOfAcl(acl: Uint8Array): { permissions: number; isMinimal: boolean } {
  const view = viewOf(acl);
  const mask = entryAt(view, MASK);
  let permissions = 0;
  forEachEntry(view, (tag, at) => {
    const bits = view.getUint16(at + 2, true);
    if (tag === USER_OBJ) permissions |= bits << 6;
    else if (tag === OTHER) permissions |= bits;
    else if (tag === MASK || (tag === GROUP_OBJ && mask < 0)) permissions |= bits << 3;
  });
  return { permissions, isMinimal: isMinimal(view) };
}

/**
 * Whether an access ACL grants somebody who does not own the file what is wanted (posix_acl_permission).
 *
 * @param wanted - Bits as in an entry: read 4, write 2, execute 1.
 * @param group - Of the file.
 */
export function aclPermits(
  acl: Uint8Array,
  wanted: number,
  uid: number,
  isInGroup: (gid: number) => boolean,
  group: number,
): boolean {
  const view = viewOf(acl);
  const maskAt = entryAt(view, MASK);
  const mask = maskAt < 0 ? 7 : view.getUint16(maskAt + 2, true);
  let isOfGroup = false;
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
    const tag = view.getUint16(at, true);
    const granted = view.getUint16(at + 2, true);
    const id = view.getUint32(at + 4, true);
    if (tag === USER && id === uid) return (granted & mask & wanted) === wanted;
    if (tag === GROUP_OBJ || tag === GROUP) {
      if (!isInGroup(tag === GROUP_OBJ ? group : id)) continue;
      isOfGroup = true;
      if ((granted & wanted) === wanted) return (granted & mask & wanted) === wanted;
    }
    if (tag === OTHER) return !isOfGroup && (granted & wanted) === wanted;
  }
  return false;
}

/** The access ACL after chmod: owner, mask (or group) and other follow the mode. */
export function aclAfterChmod(acl: Uint8Array, mode: number): Uint8Array {
  const changed = Uint8Array.from(acl);
  const view = viewOf(changed);
  const mask = entryAt(view, MASK);
  forEachEntry(view, (tag, at) => {
    if (tag === USER_OBJ) view.setUint16(at + 2, (mode >> 6) & 7, true);
    else if (tag === OTHER) view.setUint16(at + 2, mode & 7, true);
    else if (tag === MASK || (tag === GROUP_OBJ && mask < 0)) view.setUint16(at + 2, (mode >> 3) & 7, true);
  });
  return changed;
}

function viewOf(acl: Uint8Array): DataView {
  return new DataView(acl.buffer, acl.byteOffset, acl.byteLength);
}

function forEachEntry(view: DataView, visit: (tag: number, at: number) => void): void {
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES)
    visit(view.getUint16(at, true), at);
}

function entryAt(view: DataView, wanted: number): number {
  let found = -1;
  forEachEntry(view, (tag, at) => {
    if (tag === wanted) found = at;
  });
  return found;
}

function isMinimal(view: DataView): boolean {
  let minimal = true;
  forEachEntry(view, (tag) => {
    if (tag === USER || tag === GROUP || tag === MASK) minimal = false;
  });
  return minimal;
}
