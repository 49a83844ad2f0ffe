/** Random calls by several users on a few names, and the tree that root makes for them. */

import * as fc from 'fast-check';
import type { FileCall } from '../../../src/testing/kernel/kernel-call.ts';
import { AclTag, aclText } from '../../../src/testing/kernel/acl-texts.ts';

/** The callers: root, and three users of whom two share a group. */
export const USERS = [
  null,
  { uid: 1000, gid: 1000, groups: [2000] },
  { uid: 1001, gid: 1001, groups: [] },
  { uid: 1002, gid: 2000, groups: [1001] },
] as const;

/** What is compared without regard to who asks is left out. */
type KernelOnly = 'seek' | 'listdir' | 'futimes' | 'copy' | 'linkfile' | 'utimes' | 'remount';

/** A call of oracle.py, and who makes it: a place in {@link USERS}. A slot belongs to the user that opens it. */
export type UserCall = { readonly user: number } & (
  | Exclude<FileCall, { op: KernelOnly }>
  /** null: the time of the call. */
  | { op: 'utimes'; path: string; atime: number | null; mtime: number | null; follow: boolean }
  | { op: 'listxattr'; path: string }
);

const user = fc.constantFrom(0, 1, 1, 1, 1, 2, 2, 2, 3, 3);
const name = fc.constantFrom('a', 'a', 'b', 'b', 'c');
const directory = fc.constantFrom('', '', 'a/', 'a/', 'b/', 'a/b/');
const path = fc.tuple(directory, name).map(([parent, last]) => `/${parent}${last}`);
const slot = fc.constantFrom(0, 0, 1);
const permissions = fc.oneof(
  fc.constantFrom(0o644, 0o666, 0o755, 0o777, 0o700, 0o640, 0o750, 0o775, 0o711, 0o733),
  fc.constantFrom(0o4755, 0o4777, 0o2755, 0o2777, 0o2766, 0o6775, 0o1777, 0o1775, 0o3777, 0),
);
const id = fc.constantFrom(-1, 0, 1000, 1000, 1001, 2000);
const flags = fc
  .tuple(
    fc.constantFrom(0, 0, 1, 2),
    fc.constantFrom(0, 0, 0, 0o100, 0o100, 0o300),
    fc.constantFrom(0, 0, 0, 0o1000, 0o2000, 0o200000, 0o400000, 0o10000000, 0o1000000, 0o20200000),
  )
  .map(([access, create, more]) => access | create | more)
  .filter((all) => (all & 0o2003) !== 0o2000);

const xattrName = fc.constantFrom('user.one', 'user.two', 'trusted.three', 'security.four', 'bad.name', 'system.other');
const CAPABILITY = { name: 'security.capability', value: '\u0001\0\0\u0002\0\u0020\0\0'.padEnd(20, '\0') };
const plainXattr = fc.record({ name: xattrName, value: fc.constantFrom('', 'v', 'w') });
const aclEntry = fc.constantFrom(0, 1, 2, 4, 5, 6, 7);
/** The bits of owner, group, mask and others; a user and a group that the callers are, or are not. */
const aclValue = fc
  .tuple(aclEntry, aclEntry, aclEntry, aclEntry, aclEntry, aclEntry, fc.constantFrom(1000, 1001, 1002, 3000))
  .map(([owner, named, group, groupNamed, mask, other, who]) =>
    aclText(
      [AclTag.USER_OBJ, owner],
      [AclTag.USER, named, who],
      [AclTag.GROUP_OBJ, group],
      [AclTag.GROUP, groupNamed, who === 1000 ? 2000 : 1001],
      [AclTag.MASK, mask],
      [AclTag.OTHER, other],
    ),
  );
const acl = fc.record({
  name: fc.constantFrom('system.posix_acl_access', 'system.posix_acl_access', 'system.posix_acl_default'),
  value: fc.oneof(
    { weight: 8, arbitrary: aclValue },
    { weight: 1, arbitrary: fc.constant(aclText([AclTag.USER_OBJ, 6], [AclTag.GROUP_OBJ, 4], [AclTag.OTHER, 0])) },
    { weight: 1, arbitrary: fc.constant(aclText()) },
  ),
});
const xattr = fc.oneof(
  { weight: 3, arbitrary: plainXattr },
  { weight: 3, arbitrary: acl },
  { weight: 1, arbitrary: fc.constant(CAPABILITY) },
);

type Op = UserCall['op'];
type CallOf<T extends Op, C = UserCall> = C extends { readonly op: infer K } ? (T extends K ? C : never) : never;
type Fields<T extends Op> = {
  readonly [K in Exclude<keyof CallOf<T>, 'op' | 'user'>]-?: fc.Arbitrary<CallOf<T>[K]>;
};

function call<T extends Op>(weight: number, op: T, fields: Fields<T>, who = user) {
  const arbitrary = fc.record({ op: fc.constant(op), user: who, ...fields }) as unknown as fc.Arbitrary<UserCall>;
  return { weight, arbitrary };
}

/** Any call by anybody. */
const userCall: fc.Arbitrary<UserCall> = fc.oneof(
  call(10, 'open', { slot, path, flags, mode: permissions }),
  call(2, 'close', { slot }),
  call(1, 'fstat', { slot }),
  call(1, 'read', { slot, length: fc.constant(10), position: fc.constant(0) }),
  call(5, 'write', { slot, data: fc.constantFrom('x', 'hello', ''), position: fc.constantFrom(0, 3) }),
  call(2, 'ftruncate', { slot, size: fc.constantFrom(0, 2, 100) }),
  call(1, 'fallocate', { slot, mode: fc.constantFrom(0, 1), offset: fc.constant(0), length: fc.constant(10) }),
  call(2, 'fchmod', { slot, mode: permissions }),
  call(2, 'fchown', { slot, uid: id, gid: id }),
  call(1, 'truncate', { path, size: fc.constantFrom(0, 2, 100) }),
  call(5, 'mkdir', { path, mode: permissions }),
  call(3, 'rmdir', { path }),
  call(5, 'unlink', { path }),
  call(1, 'readlink', { path }),
  call(2, 'readdir', { path }),
  call(2, 'symlink', { target: fc.oneof(path, name), path }),
  call(4, 'link', { from: path, to: path }),
  call(8, 'rename', { from: path, to: path, flags: fc.constantFrom(0, 0, 0, 1, 2) }),
  call(2, 'mknod', {
    path,
    mode: fc.constantFrom(0o10644, 0o20600, 0o60640, 0o102755, 0o140755),
    major: fc.constantFrom(0, 1),
    minor: fc.constantFrom(0, 3),
  }),
  call(6, 'chmod', { path, mode: permissions }),
  call(6, 'chown', { path, uid: id, gid: id, follow: fc.boolean() }),
  call(3, 'utimes', {
    path,
    atime: fc.constantFrom(null, 1_000_000_000_123),
    mtime: fc.constantFrom(null, 2_000_000_000_456),
    follow: fc.boolean(),
  }),
  {
    weight: 6,
    arbitrary: fc
      .tuple(user, path, xattr, fc.constantFrom(0, 0, 0, 1, 2))
      .map(([who, at, pair, how]): UserCall => ({ op: 'setxattr', user: who, path: at, ...pair, flags: how })),
  },
  call(2, 'removexattr', { path, name: xattr.map((pair) => pair.name) }),
  call(2, 'getxattr', { path, name: xattr.map((pair) => pair.name) }),
  call(1, 'listxattr', { path }),
  call(3, 'stat', { path, follow: fc.boolean() }),
  call(4, 'access', { path, mode: fc.constantFrom(0, 1, 2, 4, 6, 7) }),
);

/** What users do. */
export const userCalls: fc.Arbitrary<UserCall[]> = fc.array(userCall, { minLength: 15, maxLength: 50, size: 'max' });

const root = fc.constant(0);
/** A name with an owner, a mode, and now and then an ACL: what a caller is refused depends on it. */
const made: fc.Arbitrary<UserCall[]> = fc
  .tuple(path, fc.boolean(), permissions, id, id, fc.option(xattr))
  .map(([at, isDirectory, mode, uid, gid, pair]) => [
    isDirectory
      ? { op: 'mkdir', user: 0, path: at, mode: 0o755 }
      : { op: 'open', user: 0, slot: 0, path: at, flags: 0o102, mode: 0o644 },
    ...(isDirectory ? [] : [{ op: 'write', user: 0, slot: 0, data: 'content', position: 0 } as const]),
    { op: 'chown', user: 0, path: at, uid, gid, follow: false },
    { op: 'chmod', user: 0, path: at, mode },
    ...(pair === null ? [] : [{ op: 'setxattr', user: 0, path: at, ...pair, flags: 0 } as const]),
  ]);

/** The tree that the users find: made by root, its top open to all or not. */
export const rootCalls: fc.Arbitrary<UserCall[]> = fc
  .tuple(
    fc.array(made, { minLength: 3, maxLength: 8, size: 'max' }),
    fc.constantFrom(0o777, 0o777, 0o1777, 0o755),
    root,
  )
  .map(([parts, mode]) => [...parts.flat(), { op: 'chmod', user: 0, path: '/', mode }]);
