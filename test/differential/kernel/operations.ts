import { release } from 'node:os';
import * as fc from 'fast-check';

/** One call, as both sides understand it; the fields are those of oracle.py. */
export type Operation =
  | { op: 'open'; slot: number; path: string; flags: number; mode: number }
  | { op: 'close'; slot: number }
  | { op: 'read'; slot: number; length: number; position: number | null }
  | { op: 'write'; slot: number; data: string; position: number | null }
  | { op: 'seek'; slot: number; offset: number; whence: number }
  | { op: 'ftruncate'; slot: number; size: number }
  | { op: 'fallocate'; slot: number; mode: number; offset: number; length: number }
  | { op: 'fstat'; slot: number }
  | { op: 'fchmod'; slot: number; mode: number }
  | { op: 'copy'; from: number; to: number; fromPosition: number; toPosition: number; length: number }
  | { op: 'truncate'; path: string; size: number }
  | { op: 'mkdir'; path: string; mode: number }
  | { op: 'rmdir' | 'unlink' | 'readlink' | 'readdir'; path: string }
  | { op: 'symlink'; target: string; path: string }
  | { op: 'link'; from: string; to: string }
  | { op: 'rename'; from: string; to: string; flags: number }
  | { op: 'mknod'; path: string; mode: number; major: number; minor: number }
  | { op: 'chmod'; path: string; mode: number }
  | { op: 'chown'; path: string; uid: number; gid: number; follow: boolean }
  | { op: 'utimes'; path: string; atime: number; mtime: number; follow: boolean }
  | { op: 'setxattr'; path: string; name: string; value: string; flags: number }
  | { op: 'removexattr' | 'getxattr'; path: string; name: string }
  | { op: 'stat'; path: string; follow: boolean }
  | { op: 'access'; path: string; mode: number };

const name = fc.constantFrom('a', 'a', 'b', 'b', 'c');
const directory = fc.constantFrom('', '', 'a/', 'a/', 'b/', 'a/b/');
const plainPath = fc.tuple(directory, name).map(([dir, last]) => `/${dir}${last}`);
const path = fc.oneof(
  { weight: 30, arbitrary: plainPath },
  { weight: 1, arbitrary: plainPath.map((text) => `${text}/`) },
  { weight: 1, arbitrary: plainPath.map((text) => `${text}/.`) },
  { weight: 1, arbitrary: plainPath.map((text) => `${text}/..`) },
  { weight: 1, arbitrary: fc.constantFrom('/', '', '/a/../b', '//a//b', 'a') },
);
const slot = fc.constantFrom(0, 0, 1);
const permissions = fc.constantFrom(0o644, 0o600, 0o755, 0o777, 0o4755, 0o2755, 0o1777, 0);
const offset = fc.constantFrom(0, 1, 5, 100, 4095, 4096, 5000, 16384, 20000, 70000);
const text = fc.oneof(
  fc.constantFrom('', 'x', 'hello', 'a longer piece of text'),
  fc.constantFrom(4096, 5000, 16384, 70000).map((length) => 'z'.repeat(length)),
);
const openFlags = fc
  .tuple(
    fc.constantFrom(0, 0, 1, 2),
    fc.constantFrom(0, 0, 0, 0o100, 0o100, 0o300),
    fc.constantFrom(0, 0, 0, 0o1000, 0o2000, 0o200000, 0o400000, 0o10000000),
  )
  .map(([access, create, more]) => access | create | more)
  .filter((flags) => (flags & 0o2003) !== 0o2000);
/** Overlays of kernel 6.7 on can be nested: they escape what others refuse (W12). */
const [major, minor] = release().split('.').map(Number);
const nested =
  major > 6 || (major === 6 && minor >= 7) ? ['trusted.overlay.opaque', 'trusted.overlay.overlay.five'] : [];
const xattrName = fc.constantFrom(
  'user.one',
  'user.two',
  'trusted.three',
  'user.',
  'bad.name',
  'security.four',
  ...nested,
);

/** A POSIX ACL as Linux keeps it, as latin-1: entries of tag, permissions, id. */
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

const aclName = fc.constantFrom('system.posix_acl_access', 'system.posix_acl_default');
const NOBODY = 0xffff_ffff;
const aclValue = fc.constantFrom(
  acl([1, 7, NOBODY], [4, 5, NOBODY], [0x20, 1, NOBODY]),
  acl([1, 7, NOBODY], [2, 6, 1000], [4, 5, NOBODY], [0x10, 7, NOBODY], [0x20, 0, NOBODY]),
  acl([1, 6, NOBODY], [2, 7, 1000], [4, 7, NOBODY], [8, 1, 1000], [0x10, 3, NOBODY], [0x20, 4, NOBODY]),
  acl([1, 7, NOBODY], [2, 6, 1000], [4, 5, NOBODY], [0x20, 0, NOBODY]),
  'no acl',
);

/** Any call, on a few names, so that calls meet. */
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('open' as const), slot, path, flags: openFlags, mode: permissions }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('close' as const), slot }) },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('read' as const),
      slot,
      length: fc.constantFrom(10, 5000, 100000),
      position: fc.option(offset),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant('write' as const), slot, data: text, position: fc.option(offset) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('seek' as const), slot, offset, whence: fc.constantFrom(0, 1, 2, 3, 4) }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('ftruncate' as const), slot, size: offset }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('fallocate' as const),
      slot,
      mode: fc.constantFrom(0, 1, 3, 16, 17, 2),
      offset,
      length: fc.constantFrom(0, 1, 4096, 10000, 30000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('fstat' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fchmod' as const), slot, mode: permissions }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('copy' as const),
      from: slot,
      to: slot,
      fromPosition: offset,
      toPosition: offset,
      length: fc.constantFrom(1, 100, 5000, 100000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('truncate' as const), path, size: offset }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('mkdir' as const), path, mode: permissions }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('rmdir' as const), path }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant('unlink' as const), path }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('readlink' as const), path }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('readdir' as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('symlink' as const),
      target: fc.oneof(plainPath, name, fc.constantFrom('..', '../b', 'a/b')),
      path,
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('link' as const), from: path, to: path }) },
  {
    weight: 9,
    arbitrary: fc.record({
      op: fc.constant('rename' as const),
      from: path,
      to: path,
      flags: fc.constantFrom(0, 0, 0, 1, 2, 4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('mknod' as const),
      path,
      mode: fc.constantFrom(0o10644, 0o20600, 0o60640, 0o100644, 0o140755),
      major: fc.constantFrom(0, 1, 300),
      minor: fc.constantFrom(0, 3, 70000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('chmod' as const), path, mode: permissions }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('chown' as const),
      path,
      uid: fc.constantFrom(-1, 0, 1000),
      gid: fc.constantFrom(-1, 0, 1000),
      follow: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('utimes' as const),
      path,
      atime: fc.constantFrom(0, 1_000_000_000_123),
      mtime: fc.constantFrom(0, 2_000_000_000_456),
      follow: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('setxattr' as const),
      path,
      name: xattrName,
      value: fc.constantFrom('', 'v', 'w'),
      flags: fc.constantFrom(0, 0, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('setxattr' as const),
      path,
      name: aclName,
      value: aclValue,
      flags: fc.constantFrom(0, 0, 0, 1, 2),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('removexattr' as const), path, name: fc.oneof(xattrName, aclName) }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('getxattr' as const), path, name: xattrName }) },
  { weight: 5, arbitrary: fc.record({ op: fc.constant('stat' as const), path, follow: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('access' as const), path, mode: fc.constantFrom(0, 1, 2, 4) }) },
);

/** Calls that build a lower layer: more making than asking. */
export const building: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ op: fc.constant('mkdir' as const), path: plainPath, mode: permissions }) },
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant('open' as const),
        slot,
        path: plainPath,
        flags: fc.constant(0o102),
        mode: permissions,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ op: fc.constant('write' as const), slot, data: text, position: fc.option(offset) }),
    },
    { weight: 6, arbitrary: operation },
  ),
  { minLength: 8, maxLength: 25, size: 'max' },
);

/** A container's life: enough calls that they meet. */
export const operations: fc.Arbitrary<Operation[]> = fc.array(operation, { minLength: 15, maxLength: 60, size: 'max' });

/**
 * The calls without those that reserve blocks. For a list whose upper becomes a lower: whether copy-up finds a reserved
 * block to be data depends on what the kernel's page cache holds of it (a reader may have brought it in).
 */
export function withoutReservations(list: readonly Operation[]): Operation[] {
  return list.filter((operation) => operation.op !== 'fallocate' || operation.mode === 3);
}
