/** Access control lists as the kernel takes them in `system.posix_acl_*`, as latin-1: entries of tag, permissions, id. */

const USER_OBJ = 1;
const USER = 2;
const GROUP_OBJ = 4;
const GROUP = 8;
const MASK = 0x10;
const OTHER = 0x20;
const NOBODY = 0xffff_ffff;

function acl(...entries: readonly (readonly [tag: number, permissions: number, id: number])[]): string {
  const bytes = Buffer.alloc(4 + entries.length * 8);
  bytes.writeUInt32LE(2);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + index * 8);
    bytes.writeUInt16LE(permissions, 6 + index * 8);
    bytes.writeUInt32LE(id, 8 + index * 8);
  }
  return bytes.toString('latin1');
}

/** One that the mode can say, two that it cannot, one without the mask that it needs, and none. */
export const ACL_TEXTS: readonly string[] = [
  acl([USER_OBJ, 7, NOBODY], [GROUP_OBJ, 5, NOBODY], [OTHER, 1, NOBODY]),
  acl([USER_OBJ, 7, NOBODY], [USER, 6, 1000], [GROUP_OBJ, 5, NOBODY], [MASK, 7, NOBODY], [OTHER, 0, NOBODY]),
  acl(
    [USER_OBJ, 6, NOBODY],
    [USER, 7, 1000],
    [GROUP_OBJ, 7, NOBODY],
    [GROUP, 1, 1000],
    [MASK, 3, NOBODY],
    [OTHER, 4, NOBODY],
  ),
  acl([USER_OBJ, 7, NOBODY], [USER, 6, 1000], [GROUP_OBJ, 5, NOBODY], [OTHER, 0, NOBODY]),
  'no acl',
];
