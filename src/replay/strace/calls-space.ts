/** Calls on the size and the blocks of files. */

import { copyFileRange } from '../../engine/calls/data.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, fallocate, ftruncate, truncate } from '../../engine/calls/space.ts';
import { O_RDWR, OpenFile } from '../../engine/open-files.ts';
import { fallocateFlags, hasFlag } from './flags.ts';
import type { Outcome, Player } from './player.ts';
import { numberOf } from './token.ts';

export function truncateCall(player: Player): Outcome {
  const [path, size] = player.args;
  const target = player.target(player.task.fs.cwd, path, true);
  switch (target.kind) {
    case 'outside':
      return 'outside';
    case 'inside':
      return truncate(player.caller, target.start, target.name, numberOf(size)) || 'applied';
    case 'file':
      return ftruncate(player.handle(target.file, O_RDWR), numberOf(size)) || 'applied';
  }
}

export function ftruncateCall(player: Player): Outcome {
  const [fd, size] = player.args;
  const file = player.description(fd)?.file ?? null;
  if (file === null) return 'outside';
  const from = numberOf(size);
  player.accessed(file, { from, to: Number.POSITIVE_INFINITY, isWrite: true, isAppend: false, offsetOf: null });
  return ftruncate(file, from) || 'applied';
}

export function fallocateCall(player: Player): Outcome {
  const [fd, mode, offset, length] = player.args;
  const file = player.description(fd)?.file ?? null;
  if (file === null) return 'outside';
  const from = numberOf(offset);
  const bytes = numberOf(length);
  const isShift = hasFlag(mode, 'FALLOC_FL_COLLAPSE_RANGE') || hasFlag(mode, 'FALLOC_FL_INSERT_RANGE');
  const to = isShift ? Number.POSITIVE_INFINITY : from + bytes;
  player.accessed(file, { from, to, isWrite: true, isAppend: false, offsetOf: null });
  const both = player.handle(file, O_RDWR);
  if (hasFlag(mode, 'FALLOC_FL_COLLAPSE_RANGE')) return collapse(both, from, bytes) || 'applied';
  if (hasFlag(mode, 'FALLOC_FL_INSERT_RANGE')) return insert(both, from, bytes) || 'applied';
  return fallocate(file, fallocateFlags(mode), from, bytes) || 'applied';
}

const sizeOf = (file: OpenFile): number => file.mount.overlay.tree.get(file.ino)?.size ?? 0;

/** FALLOC_FL_COLLAPSE_RANGE: takes a stretch out; what is behind it moves up, a stretch of its length at a time. */
function collapse(file: OpenFile, offset: number, length: number): number {
  const size = sizeOf(file);
  for (let at = offset + length; at < size; at += length) {
    const moved = copyFileRange(file, at, file, at - length, length);
    if (moved < 0) return moved;
  }
  return ftruncate(file, size - length);
}

/** FALLOC_FL_INSERT_RANGE: makes room by moving what is behind the offset down, from its end on; the room is a hole. */
function insert(file: OpenFile, offset: number, length: number): number {
  for (let end = sizeOf(file); end > offset; end -= length) {
    const at = Math.max(offset, end - length);
    const moved = copyFileRange(file, at, file, at + length, end - at);
    if (moved < 0) return moved;
  }
  return fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}
