/**
 * What a call that has begun may touch before it ends: two calls at the same time on one file or one name may leave it
 * uncertain. A call that waits on a pipe or a socket touches neither, however long it waits.
 */

import { isDirectoryMode, isFileMode } from '../../events/mode.ts';
import type { Descriptor } from './descriptors.ts';
import { hasFlag } from './flags.ts';
import type { Player } from './player.ts';
import type { StraceRecord } from './record.ts';
import type { Touches } from './tasks.ts';
import { memberOf, type Token } from './token.ts';

const DATA_CALLS: ReadonlySet<string> = new Set([
  'read',
  'readv',
  'preadv2',
  'write',
  'pwrite64',
  'writev',
  'pwritev',
  'pwritev2',
  'lseek',
  '_llseek',
  'ftruncate',
  'ftruncate64',
  'fallocate',
  'copy_file_range',
  'splice',
  'sendfile',
  'sendfile64',
]);

const TAKING_CALLS: ReadonlySet<string> = new Set(['unlink', 'unlinkat', 'rename', 'renameat', 'renameat2']);

/** @param descriptors - Those among its arguments; `player` has begun the call. */
export function touchesOf(player: Player, record: StraceRecord, descriptors: ReadonlyMap<number, Descriptor>): Touches {
  const { name, args } = record;
  if (DATA_CALLS.has(name)) {
    const files = Array.from(descriptors.values(), ({ description }) => description.file);
    return { content: files.some((file) => file !== null), names: false };
  }
  if (TAKING_CALLS.has(name)) return { content: false, names: true };
  switch (name) {
    case 'open':
      return openTouches(player, undefined, args[0], args[1]);
    case 'creat':
      return { content: true, names: true };
    case 'openat':
      return openTouches(player, args[0], args[1], args[2]);
    case 'openat2':
      return openTouches(player, args[0], args[1], memberOf(args[2], 'flags'));
    default:
      return { content: false, names: false };
  }
}

function openTouches(player: Player, directory: Token | undefined, path: Token | undefined, flags: Token | undefined) {
  const writes = hasFlag(flags, 'O_WRONLY') || hasFlag(flags, 'O_RDWR');
  if (!writes) return { content: false, names: false };
  const start = directory === undefined ? player.task.fs.cwd : player.start(directory);
  const target = player.target(start, path, !hasFlag(flags, 'O_NOFOLLOW'));
  if (target.kind === 'outside') return { content: false, names: false };
  // Opening a FIFO waits for somebody at its other end.
  const ino = target.kind === 'file' ? target.file.ino : target.ino;
  const node = ino === 0 ? undefined : player.namespace.root.overlay.tree.get(ino);
  const isPlain = node === undefined || isFileMode(node.mode) || isDirectoryMode(node.mode);
  return { content: isPlain && hasFlag(flags, 'O_TRUNC'), names: isPlain };
}
