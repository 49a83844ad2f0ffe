/** Random calls for the kernel oracle: on a few names, so that calls meet. */

import { release } from 'node:os';
import * as fc from 'fast-check';
import { SEEK_DATA } from '../../engine/calls/data.ts';
import type { OverlayProfile } from '../../events/event.ts';
import { ACL_TEXTS } from './acl-texts.ts';
import type { FileCall, KernelCall } from './kernel-call.ts';
import type { KernelSequence } from './kernel-oracle.ts';

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
const slot = fc.constantFrom(0, 0, 1, 2);
const mode = fc.constantFrom(0o644, 0o600, 0o755, 0o777, 0o4755, 0o2755, 0o1777, 0);
const offset = fc.constantFrom(0, 1, 5, 100, 4095, 4096, 5000, 16384, 20000, 70000);
const data = fc.oneof(
  fc.constantFrom('', 'x', 'hello', 'a longer piece of text'),
  fc.constantFrom(4096, 5000, 16384, 70000).map((length) => 'z'.repeat(length)),
);
const owner = fc.constantFrom(-1, 0, 1000);
const atime = fc.constantFrom(0, 1_000_000_000_123);
const mtime = fc.constantFrom(0, 2_000_000_000_456);

const O_RDWR = 2;
const O_CREAT = 0o100;
const O_DIRECTORY = 0o200000;
const O_TMPFILE = 0o20200000;
const openFlags = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(
        fc.constantFrom(0, 0, 1, 2),
        fc.constantFrom(0, 0, 0, 0o100, 0o100, 0o300),
        fc.constantFrom(0, 0, 0, 0o1000, 0o2000, 0o200000, 0o400000, 0o10000000),
      )
      .map(([access, create, more]) => access | create | more)
      .filter((flags) => (flags & 0o2003) !== 0o2000),
  },
  { weight: 1, arbitrary: fc.constantFrom(O_TMPFILE | 2, O_TMPFILE | 1) },
);

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
const aclName = fc.constantFrom('system.posix_acl_access', 'system.posix_acl_default');
const xattrValue = fc.constantFrom('', 'v', 'w');
const xattrFlags = fc.constantFrom(0, 0, 1, 2);

/** The member of the union that says one operation; some members say several. */
type CallOf<Op extends FileCall['op']> = FileCall extends infer Call
  ? Call extends { op: infer Ops }
    ? Op extends Ops
      ? Call
      : never
    : never
  : never;
type Fields<Op extends FileCall['op']> = { [Key in Exclude<keyof CallOf<Op>, 'op'>]: fc.Arbitrary<CallOf<Op>[Key]> };
type Weighted = fc.WeightedArbitrary<FileCall>;

function weighted<Op extends FileCall['op']>(weight: number, op: Op, fields: Fields<Op>): Weighted {
  const record = fc.record({ ...fields, op: fc.constant(op) });
  return { weight, arbitrary: record as unknown as fc.Arbitrary<FileCall> };
}

const onDescriptors: Weighted[] = [
  weighted(8, 'open', { slot, path, flags: openFlags, mode }),
  weighted(3, 'close', { slot }),
  weighted(4, 'read', { slot, length: fc.constantFrom(10, 5000, 100000), position: fc.option(offset) }),
  weighted(6, 'write', { slot, data, position: fc.option(offset) }),
  weighted(2, 'seek', { slot, offset, whence: fc.constantFrom(0, 1, 2, 3, 4) }),
  weighted(3, 'listdir', { slot, rewind: fc.boolean() }),
  weighted(2, 'ftruncate', { slot, size: offset }),
  weighted(3, 'fallocate', {
    slot,
    mode: fc.constantFrom(0, 1, 3, 16, 17, 2),
    offset,
    length: fc.constantFrom(0, 1, 4096, 10000, 30000),
  }),
  weighted(2, 'fstat', { slot }),
  weighted(1, 'fchmod', { slot, mode }),
  weighted(1, 'fchown', { slot, uid: owner, gid: owner }),
  weighted(1, 'futimes', { slot, atime, mtime }),
  weighted(1, 'fsetxattr', { slot, name: xattrName, value: xattrValue, flags: xattrFlags }),
  weighted(1, 'linkfile', { slot, path }),
  weighted(2, 'copy', {
    from: slot,
    to: slot,
    fromPosition: offset,
    toPosition: offset,
    length: fc.constantFrom(1, 100, 5000, 100000),
  }),
];

const onNames: Weighted[] = [
  weighted(2, 'truncate', { path, size: offset }),
  weighted(6, 'mkdir', { path, mode }),
  weighted(4, 'rmdir', { path }),
  weighted(6, 'unlink', { path }),
  weighted(3, 'symlink', { target: fc.oneof(plainPath, name, fc.constantFrom('..', '../b', 'a/b')), path }),
  weighted(4, 'link', { from: path, to: path }),
  weighted(9, 'rename', { from: path, to: path, flags: fc.constantFrom(0, 0, 0, 1, 2, 4) }),
  weighted(3, 'rename', { from: plainPath, to: plainPath, flags: fc.constant(0) }),
  weighted(1, 'mknod', {
    path,
    mode: fc.constantFrom(0o10644, 0o20600, 0o60640, 0o100644, 0o140755),
    major: fc.constantFrom(0, 1, 300),
    minor: fc.constantFrom(0, 3, 70000),
  }),
];

const onAttributes: Weighted[] = [
  weighted(4, 'chmod', { path, mode }),
  weighted(3, 'chown', { path, uid: owner, gid: owner, follow: fc.boolean() }),
  weighted(1, 'utimes', { path, atime, mtime, follow: fc.boolean() }),
  weighted(3, 'setxattr', { path, name: xattrName, value: xattrValue, flags: xattrFlags }),
  weighted(2, 'setxattr', { path, name: aclName, value: fc.constantFrom(...ACL_TEXTS), flags: xattrFlags }),
  weighted(1, 'removexattr', { path, name: fc.oneof(xattrName, aclName) }),
];

const asking: Weighted[] = [
  weighted(1, 'readlink', { path }),
  weighted(3, 'readdir', { path }),
  weighted(1, 'getxattr', { path, name: xattrName }),
  weighted(5, 'stat', { path, follow: fc.boolean() }),
  weighted(1, 'access', { path, mode: fc.constantFrom(0, 1, 2, 4) }),
];

/** Any call. */
const anyCall = fc.oneof(...onDescriptors, ...onNames, ...onAttributes, ...asking);

/** Calls that build a lower layer: more making than asking. */
const buildingCall = fc.oneof(
  weighted(4, 'mkdir', { path: plainPath, mode }),
  weighted(4, 'open', { slot, path: plainPath, flags: fc.constant(O_CREAT | O_RDWR), mode }),
  weighted(4, 'write', { slot, data, position: fc.option(offset) }),
  weighted(2, 'link', { from: plainPath, to: plainPath }),
  { weight: 6, arbitrary: anyCall },
);

/** Calls that belong together and would seldom meet by chance: what is read, changed and read again through one handle. */
const idiom = fc.oneof(
  fc
    .tuple(slot, directory, anyCall, anyCall, fc.boolean())
    .map(([handle, dir, first, second, rewind]): FileCall[] => [
      { op: 'open', slot: handle, path: `/${dir}`, flags: O_DIRECTORY, mode: 0 },
      { op: 'listdir', slot: handle, rewind: true },
      first,
      second,
      { op: 'listdir', slot: handle, rewind },
    ]),
  fc.tuple(plainPath, plainPath, mode, fc.constantFrom(0, 0, 1, 2)).map(([from, to, bits, flags]): FileCall[] => [
    { op: 'mkdir', path: from, mode: bits },
    { op: 'rename', from, to, flags },
  ]),
);

const inFirst = (call: FileCall): KernelCall => ({ ...call, in: 0 });

/** A file with two names. */
const hardLink = fc.tuple(slot, plainPath, plainPath, mode).map(([handle, path, to, bits]): FileCall[] => [
  { op: 'open', slot: handle, path, flags: O_CREAT | O_RDWR, mode: bits },
  { op: 'link', from: path, to },
]);

const building = fc
  .array(fc.oneof({ weight: 20, arbitrary: buildingCall.map((call) => [call]) }, { weight: 1, arbitrary: hardLink }), {
    maxLength: 25,
    size: 'max',
  })
  .map((parts) => parts.flat().map(inFirst));

/** A container's life, and beside it now and then another one's; mounts come and go. */
const living = fc
  .array(
    fc.oneof(
      { weight: 60, arbitrary: anyCall.map((call) => [inFirst(call)]) },
      { weight: 4, arbitrary: idiom.map((calls) => calls.map(inFirst)) },
      { weight: 8, arbitrary: anyCall.map((call): KernelCall[] => [{ ...call, in: 1 }]) },
      { weight: 1, arbitrary: fc.constantFrom<KernelCall[]>([{ op: 'remount', in: 0 }], [{ op: 'remount', in: 1 }]) },
    ),
    { maxLength: 60, size: 'max' },
  )
  .map((parts) => parts.flat());

/**
 * Sequences of about 90 calls in three stages: a lower is built, a container lives on it, and containers live on what both
 * have left.
 */
export function kernelSequences(profile: OverlayProfile): fc.Arbitrary<KernelSequence> {
  return fc.tuple(building, living, living).map(([first, second, third]) => ({
    profile,
    stages: [withoutReservations(first), withoutReservations(second), withoutSeeksInReservations(third)],
  }));
}

/**
 * The calls without those that reserve blocks. For a stage whose upper becomes a lower: whether copy-up finds a reserved
 * block to be data depends on what the kernel's page cache holds of it (deviation D4).
 */
function withoutReservations(calls: readonly KernelCall[]): KernelCall[] {
  return calls.filter((call) => !isReservation(call));
}

/** The calls without those that look for data or a hole where blocks may be reserved: the same deviation, as each call is read behind. */
function withoutSeeksInReservations(calls: readonly KernelCall[]): KernelCall[] {
  const first = calls.findIndex(isReservation);
  return first < 0
    ? [...calls]
    : calls.filter((call, at) => at < first || call.op !== 'seek' || call.whence < SEEK_DATA);
}

const isReservation = (call: KernelCall): boolean => call.op === 'fallocate' && call.mode !== 3;
