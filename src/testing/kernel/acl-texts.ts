/** Access control lists as the kernel takes them in `system.posix_acl_*`, as latin-1: entries of tag, permissions, id. */

export const AclTag = { USER_OBJ: 1, USER: 2, GROUP_OBJ: 4, GROUP: 8, MASK: 0x10, OTHER: 0x20 } as const;
const { USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER } = AclTag;

const NOBODY = 0xffff_ffff;

/** @param entries - Tag, permissions (read 4, write 2, execute 1), and of a user or a group its id. */
export function aclText(...entries: readonly (readonly [tag: number, permissions: number, id?: number])[]): string {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [index, [tag, permissions, id = NOBODY]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(permissions, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return bytes.toString('latin1');
}

/** One that the mode can say, two that it cannot, one without the mask that it needs, and none. */
export const ACL_TEXTS: readonly string[] = [
  aclText([USER_OBJ, 7], [GROUP_OBJ, 5], [OTHER, 1]),
  aclText([USER_OBJ, 7], [USER, 6, 1000], [GROUP_OBJ, 5], [MASK, 7], [OTHER, 0]),
  aclText([USER_OBJ, 6], [USER, 7, 1000], [GROUP_OBJ, 7], [GROUP, 1, 1000], [MASK, 3], [OTHER, 4]),
  aclText([USER_OBJ, 7], [USER, 6, 1000], [GROUP_OBJ, 5], [OTHER, 0]),
  'no acl',
];
