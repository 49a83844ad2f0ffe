/** Calls that copy inside the kernel: the log has lengths and offsets, not the data. */

import { copyFileRange, read } from '../../engine/calls/data.ts';
import { ftruncate } from '../../engine/calls/space.ts';
import { EIO } from '../../engine/errno.ts';
import { O_APPEND } from '../../engine/open-files.ts';
import { put } from './calls-data.ts';
import { Description } from './descriptors.ts';
import type { Segment } from './pipe.ts';
import type { Outcome, Player } from './player.ts';
import { listOf, memberOf, numberOf, type Token, wordOf } from './token.ts';

/** copy_file_range and splice: in, offset in, out, offset out. */
export function copyCall(player: Player): Outcome {
  const [from, fromOffset, to, toOffset] = player.args;
  return copy(player, from, offsetOf(fromOffset), to, offsetOf(toOffset));
}

/** sendfile: out, in, offset in. */
export function sendfileCall(player: Player): Outcome {
  const [to, from, offset] = player.args;
  return copy(player, from, offsetOf(offset), to, null);
}

export function teeCall(player: Player): Outcome {
  const [from, to] = player.args;
  const segments = player.description(from)?.pipe?.look(player.value) ?? [{ bytes: null, length: player.value }];
  return put(player, player.description(to), segments, null, 'data-from-outside');
}

/** `[100]`, or NULL: the description's own, which moves. */
function offsetOf(token: Token | undefined): number | null {
  const list = listOf(token);
  return list === null ? null : numberOf(list.items[0]);
}

function copy(
  player: Player,
  fromToken: Token | undefined,
  fromOffset: number | null,
  toToken: Token | undefined,
  toOffset: number | null,
): Outcome {
  const from = player.description(fromToken);
  const to = player.description(toToken);
  const length = player.value;
  const source = from?.file ?? null;
  const target = to?.file ?? null;
  if (source !== null && from !== undefined) {
    const at = fromOffset ?? source.position;
    const isOwnOffset = fromOffset === null;
    player.accessed(source, {
      from: at,
      to: at + length,
      isWrite: false,
      isAppend: false,
      offsetOf: isOwnOffset ? from : null,
      ...(target !== null && { affects: target }),
    });
  }
  if (source !== null && target !== null && to !== undefined && !(target.flags & O_APPEND) && source.canRead) {
    const start = toOffset ?? target.position;
    const copied = copyFileRange(source, fromOffset, target, toOffset, length);
    if (copied < 0) return copied;
    const offsetOfTarget = toOffset === null ? to : null;
    player.accessed(target, {
      from: start,
      to: start + length,
      isWrite: true,
      isAppend: false,
      offsetOf: offsetOfTarget,
    });
    if (player.exactness.has(source.ino)) player.inexact(target, 'copy-of-inexact');
    return copied === length ? 'applied' : EIO;
  }
  return put(player, to, take(player, from, fromOffset, length), toOffset, 'data-from-outside');
}

function take(
  player: Player,
  from: Description | undefined,
  offset: number | null,
  length: number,
): readonly Segment[] {
  if (from?.pipe) return from.pipe.take(length);
  const source = from?.file ?? null;
  if (source === null) return [{ bytes: null, length }];
  const bytes = Buffer.alloc(length);
  const got = read(source, bytes, 0, length, offset);
  if (got < 0) return [{ bytes: null, length }];
  const isTainted = player.exactness.has(source.ino);
  const known: Segment = { bytes: bytes.subarray(0, got), length: got, isTainted };
  return got === length ? [known] : [known, { bytes: null, length: length - got }];
}

/** FICLONE and FICLONERANGE; other requests say nothing about the tree. */
export function ioctlCall(player: Player): Outcome {
  const [fd, request, argument] = player.args;
  const name = wordOf(request);
  const descriptor = player.descriptor(fd);
  if (descriptor !== undefined && name.includes('FIOCLEX')) descriptor.closesOnExec = true;
  if (descriptor !== undefined && name.includes('FIONCLEX')) descriptor.closesOnExec = false;
  if (!/FICLONE|BTRFS_IOC_CLONE/.test(name)) return 'outside';
  const target = player.description(fd)?.file ?? null;
  if (target === null) return 'outside';
  const isRange = argument?.kind === 'list';
  const sourceToken = isRange ? memberOf(argument, 'src_fd') : argument;
  const source = player.description(sourceToken)?.file ?? null;
  if (source === null) {
    player.inexact(target, 'data-from-outside');
    return 'applied';
  }
  const size = source.mount.overlay.tree.at(source.ino).size;
  const from = isRange ? numberOf(memberOf(argument, 'src_offset')) : 0;
  const to = isRange ? numberOf(memberOf(argument, 'dest_offset')) : 0;
  const length = (isRange ? numberOf(memberOf(argument, 'src_length')) : 0) || size - from;
  if (length === 0) return ftruncate(target, Math.max(to, target.mount.overlay.tree.at(target.ino).size)) || 'applied';
  const copied = copyFileRange(source, from, target, to, length);
  if (copied >= 0 && player.exactness.has(source.ino)) player.inexact(target, 'copy-of-inexact');
  return copied < 0 ? copied : 'applied';
}
