import { decodeName, encodeName } from '../events/name.ts';
import type { LowerMarks } from '../engine/layer-sink.ts';

/** How a kernel overlay marks its upper directory (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories"). */

/** What an upperdir's entry means besides its own attributes. */
export interface OverlayMarks {
  /** The directory hides what lower layers hold below it. */
  readonly isOpaque: boolean;
  /** The empty file stands for a whiteout (kernel 6.7 on, where device nodes cannot be made). */
  readonly isWhiteout: boolean;
  /** Where its content comes from, if not from the entry itself or from below its own name. */
  readonly lower: LowerMarks | null;
  /** The xattrs of the object itself, overlay's own taken out and escaped ones unescaped. */
  readonly xattrs: readonly (readonly [string, Uint8Array])[];
  /** Whether anything was taken out. */
  readonly hasMarks: boolean;
}

const PREFIX = /^(trusted|user)\.overlay\.(.*)$/s;

/** Separates overlay's xattrs from the object's own. The given list is returned as it is when it holds none. */
export function readOverlayMarks(xattrs: readonly (readonly [string, Uint8Array])[]): OverlayMarks {
  if (xattrs.length === 0) return NO_MARKS;
  if (!xattrs.some(([name]) => PREFIX.test(name) || name === FUSE_OPAQUE)) return { ...NO_MARKS, xattrs };
  let isOpaque = false;
  let isWhiteout = false;
  let redirect: string | null = null;
  let isMetacopy = false;
  const own: (readonly [string, Uint8Array])[] = [];
  for (const [name, value] of xattrs) {
    const match = PREFIX.exec(name);
    const mark = name === FUSE_OPAQUE ? 'opaque' : match?.[2];
    if (mark === undefined) own.push([name, value]);
    else if (mark === 'opaque') isOpaque ||= value.length === 1 && value[0] === 0x79; // 'y'; 'x' only says "look for xattr whiteouts"
    else if (mark === 'whiteout') isWhiteout = true;
    else if (mark === 'redirect') redirect = decodeName(value);
    else if (mark === 'metacopy') isMetacopy = true;
    else if (mark.startsWith('overlay.')) own.push([`${match?.[1]}.${mark}`, value]); // an escaped xattr of a nested overlay
  }
  const lower = redirect !== null || isMetacopy ? { redirect, isMetacopy } : null;
  return { isOpaque, isWhiteout, lower, xattrs: own, hasMarks: true };
}

/** What a sink is told of them: a redirect of a directory, and of a file that its data is below. */
export function lowerMarksOf(kind: string, { lower }: OverlayMarks): { lower?: LowerMarks } {
  if (lower === null) return {};
  const counts = (kind === 'dir' && lower.redirect !== null) || (kind === 'file' && lower.isMetacopy);
  return counts ? { lower } : {};
}

/** Marks as attributes of an upperdir's object. */
export function lowerMarkXattrs({ redirect, isMetacopy }: LowerMarks): (readonly [string, Uint8Array])[] {
  const xattrs: (readonly [string, Uint8Array])[] = [];
  if (isMetacopy) xattrs.push(['trusted.overlay.metacopy', new Uint8Array(0)]);
  if (redirect !== null) xattrs.push(['trusted.overlay.redirect', encodeName(redirect)]);
  return xattrs;
}

/** fuse-overlayfs's mark where it may not set trusted xattrs. */
const FUSE_OPAQUE = 'user.fuseoverlayfs.opaque';

const NO_MARKS: OverlayMarks = { isOpaque: false, isWhiteout: false, lower: null, xattrs: [], hasMarks: false };
