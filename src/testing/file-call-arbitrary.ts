/** Random file calls, on few names, so that calls meet. */

import fc from 'fast-check';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK } from '../events/mode.ts';
import {
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
} from '../engine/open-files.ts';
import type { FileCall } from './file-call.ts';

export interface FileCallOptions {
  /** Names to choose from, in the directories `/`, `a`, `b`, `c`, `d` and `a/b`. Default: a, b, c, and a few odd ones. */
  readonly names?: readonly string[];
  /** Slots for open files, from 0. Default 2. */
  readonly slots?: number;
}

/** `__proto__` is no key, `é` is two bytes, U+DCFF stands for the byte FF, which is no UTF-8. */
const NAMES: readonly string[] = 'a a a a a a b b b b b b c c c c __proto__ é \udcff'.split(' ').concat('new\nline');

const PERMISSIONS = fc.constantFrom(0o644, 0o600, 0o755, 0o4755, 0o2755, 0o2777, 0o1777, 0);
const OFFSETS = fc.constantFrom(0, 1, 5, 100, 4095, 4096, 5000, 16_384, 20_000, 70_000);
const SMALL_TEXT = fc.constantFrom('', 'x', 'hello', 'a longer piece of text');
const LARGE_TEXT = fc.constantFrom(4096, 5000, 16_384, 70_000).map((length) => 'z'.repeat(length));
const TEXT = fc.oneof({ weight: 5, arbitrary: SMALL_TEXT }, { weight: 1, arbitrary: LARGE_TEXT });
const XATTR_NAMES = fc.constantFrom('user.one', 'user.two', 'trusted.three', 'security.four', 'user.', 'bad.name');
const OWNERS = fc.constantFrom(-1, 0, 1000);

/** Open flags as programs give them, and some that are refused. */
const OPEN_FLAGS = fc
  .tuple(
    fc.constantFrom(O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR),
    fc.constantFrom(0, 0, 0, O_CREAT, O_CREAT, O_CREAT | O_EXCL),
    fc.constantFrom(0, 0, 0, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH),
  )
  .map(([access, create, more]) => access | create | more);

/** A path of at most three names, sometimes spelled in an odd way. */
export function filePath(options: FileCallOptions = {}): fc.Arbitrary<string> {
  const { names = NAMES } = options;
  const name = fc.constantFrom(...names);
  const directory = fc.constantFrom('', '', 'a/', 'a/', 'b/', 'c/', 'd/', 'a/b/');
  const plain = fc.tuple(directory, name).map(([parent, last]) => `/${parent}${last}`);
  return fc.oneof(
    { weight: 30, arbitrary: plain },
    { weight: 1, arbitrary: plain.map((path) => `${path}/`) },
    { weight: 1, arbitrary: plain.map((path) => `${path}/.`) },
    { weight: 1, arbitrary: plain.map((path) => `${path}/..`) },
    { weight: 1, arbitrary: fc.constantFrom('/', '/a/../b', '//a//b', 'a') },
  );
}

/** Any call. Changing calls outweigh looking ones; names are made more often than removed. */
export function fileCall(options: FileCallOptions = {}): fc.Arbitrary<FileCall> {
  const path = filePath(options);
  const slot = fc.nat({ max: (options.slots ?? 2) - 1 });
  const target = fc.oneof(path, fc.constantFrom('..', '../b', 'a', 'a/b', 'c'));
  const position = fc.option(OFFSETS);
  const of = <T extends FileCall['call']>(weight: number, call: T, fields: Fields<T>) => ({
    weight,
    arbitrary: fc.record({ call: fc.constant(call), ...fields }) as unknown as fc.Arbitrary<FileCall>,
  });
  return fc.oneof(
    of(8, 'open', { slot, path, flags: OPEN_FLAGS, mode: PERMISSIONS }),
    of(2, 'openTemporary', { slot, path }),
    of(3, 'close', { slot }),
    of(2, 'fstat', { slot }),
    of(2, 'getdents', { slot }),
    of(4, 'read', { slot, length: fc.constantFrom(10, 5000, 100_000), position }),
    of(6, 'write', { slot, data: TEXT, position }),
    of(2, 'seek', { slot, offset: OFFSETS, whence: fc.constantFrom(0, 1, 2) }),
    of(2, 'ftruncate', { slot, size: OFFSETS }),
    of(3, 'fallocate', {
      slot,
      mode: fc.constantFrom(0, 0, 1, 3, 16, 17, 2),
      offset: OFFSETS,
      length: fc.constantFrom(0, 1, 4096, 10_000, 30_000),
    }),
    of(2, 'fchmod', { slot, mode: PERMISSIONS }),
    of(2, 'copy', {
      from: slot,
      to: slot,
      fromPosition: OFFSETS,
      toPosition: OFFSETS,
      length: fc.constantFrom(1, 100, 5000, 100_000),
    }),
    of(4, 'linkDescriptor', { slot, path }),
    of(2, 'truncate', { path, size: OFFSETS }),
    of(6, 'writeFile', { path, data: TEXT }),
    of(3, 'appendFile', { path, data: TEXT }),
    of(2, 'readFile', { path }),
    of(9, 'mkdir', { path, mode: PERMISSIONS }),
    of(4, 'chmod', { path, mode: PERMISSIONS }),
    of(4, 'rmdir', { path }),
    of(6, 'unlink', { path }),
    of(1, 'readlink', { path }),
    of(2, 'readdir', { path }),
    of(5, 'removeAll', { path }),
    of(3, 'symlink', { target, path }),
    of(4, 'link', { from: path, to: path }),
    of(9, 'rename', { from: path, to: path, flags: fc.constantFrom(0, 0, 0, 1, 2) }),
    of(1, 'mknod', {
      path,
      mode: fc.constantFrom(S_IFIFO | 0o644, S_IFCHR | 0o600, S_IFBLK | 0o640, S_IFREG | 0o644, S_IFSOCK | 0o755),
      rdev: fc.constantFrom(0, 0x103),
    }),
    of(5, 'chown', { path, uid: OWNERS, gid: OWNERS, follow: fc.boolean() }),
    of(1, 'utimes', {
      path,
      atime: fc.constantFrom(0, 1000),
      mtime: fc.constantFrom(-1, 2000),
      follow: fc.boolean(),
    }),
    of(3, 'setxattr', {
      path,
      name: XATTR_NAMES,
      value: fc.constantFrom('', 'v', 'w'),
      flags: fc.constantFrom(0, 0, 1, 2),
    }),
    of(1, 'removexattr', { path, name: XATTR_NAMES }),
    of(1, 'getxattr', { path, name: XATTR_NAMES }),
    of(4, 'stat', { path, follow: fc.boolean() }),
    of(1, 'access', { path, mode: fc.constantFrom(0, 1, 2, 4) }),
  );
}

/**
 * A few calls that mean something together and would seldom meet by chance: a nameless file gets a name, a directory is
 * removed and made again, a file outlives its name, a directory moves, a group is inherited, an open directory changes.
 */
export function fileCallIdiom(options: FileCallOptions = {}): fc.Arbitrary<FileCall[]> {
  const path = filePath(options);
  const slot = fc.nat({ max: (options.slots ?? 2) - 1 });
  const first = fc.constantFrom(...(options.names ?? NAMES));
  return fc
    .tuple(path, path, first, slot, fileCall(options), fc.nat({ max: 5 }))
    .map(([at, to, name, slot1, any, which]) => {
      const within = `${at}/${name}`;
      switch (which) {
        case 0:
          return [
            { call: 'openTemporary', slot: slot1, path: at },
            { call: 'write', slot: slot1, data: 'nameless', position: null },
            { call: 'linkDescriptor', slot: slot1, path: to },
          ];
        case 1:
          return [
            { call: 'removeAll', path: at },
            { call: 'mkdir', path: at, mode: 0o755 },
            { call: 'writeFile', path: within, data: 'again' },
          ];
        case 2:
          return [
            { call: 'open', slot: slot1, path: at, flags: O_RDONLY, mode: 0 },
            any,
            { call: 'unlink', path: at },
            { call: 'fchmod', slot: slot1, mode: 0o600 },
          ];
        case 3:
          return [
            { call: 'mkdir', path: at, mode: 0o755 },
            { call: 'mkdir', path: within, mode: 0o755 },
            { call: 'rename', from: within, to: `${at}/moved`, flags: 0 },
            { call: 'rename', from: at, to, flags: 0 },
          ];
        case 4:
          return [
            { call: 'open', slot: slot1, path: at, flags: O_RDONLY | O_DIRECTORY, mode: 0 },
            { call: 'getdents', slot: slot1 },
            { call: 'writeFile', path: within, data: 'new' },
            any,
            { call: 'getdents', slot: slot1 },
            { call: 'seek', slot: slot1, offset: 0, whence: 0 },
            { call: 'getdents', slot: slot1 },
          ];
        default:
          return [
            { call: 'chown', path: at, uid: 0, gid: 1000, follow: true },
            { call: 'chmod', path: at, mode: 0o2775 },
            any,
            { call: 'mkdir', path: within, mode: 0o755 },
          ];
      }
    });
}

/** Calls in a row, idioms among them. */
export function fileCalls(options: FileCallOptions & { readonly maxLength: number }): fc.Arbitrary<FileCall[]> {
  const single = fileCall(options).map((call) => [call]);
  const either = fc.oneof({ weight: 8, arbitrary: single }, { weight: 1, arbitrary: fileCallIdiom(options) });
  return fc.array(either, { minLength: 1, maxLength: options.maxLength, size: 'max' }).map((parts) => parts.flat());
}

type CallOf<T, C = FileCall> = C extends { readonly call: infer K } ? (T extends K ? C : never) : never;

/** An arbitrary for each field of a call. */
type Fields<T extends FileCall['call']> = {
  readonly [K in Exclude<keyof CallOf<T>, 'call'>]-?: fc.Arbitrary<CallOf<T>[K]>;
};
