/** Calls that read and write, and calls that move the offset of a description. */

import { ftruncate } from '../../engine/calls/space.ts';
import { write } from '../../engine/calls/data.ts';
import { O_APPEND } from '../../engine/open-files.ts';
import type { Description } from './descriptors.ts';
import { hasFlag } from './flags.ts';
import type { Segment } from './pipe.ts';
import type { Outcome, Player } from './player.ts';
import { listOf, memberOf, numberOf, stringOf, type Token } from './token.ts';

export function writeCall(player: Player): Outcome {
  const [fd, data, , position] = player.args;
  const segments = segmentsOf([{ token: data, length: player.value }], player.value);
  return put(player, player.description(fd), segments, position === undefined ? null : numberOf(position));
}

/** writev, pwritev, pwritev2 and vmsplice. */
export function vectorWrite(player: Player): Outcome {
  const [fd, vector, , position, flags] = player.args;
  const parts = (listOf(vector)?.items ?? []).map((item) => ({
    token: memberOf(item, 'iov_base'),
    length: numberOf(memberOf(item, 'iov_len')),
  }));
  const at = player.record.name.startsWith('pwritev') ? numberOf(position) : null;
  const file = player.description(fd)?.file ?? null;
  const appends = file !== null && hasFlag(flags, 'RWF_APPEND') && !(file.flags & O_APPEND);
  if (appends) file.flags |= O_APPEND;
  const outcome = put(player, player.description(fd), segmentsOf(parts, player.value), at === -1 ? null : at);
  if (appends) file.flags &= ~O_APPEND;
  return outcome;
}

/** What the log holds of the data: all of it, or up to where strace cut a string. */
function segmentsOf(parts: readonly { token: Token | undefined; length: number }[], total: number): Segment[] {
  const segments: Segment[] = [];
  let left = total;
  for (const { token, length } of parts) {
    if (left <= 0) break;
    const bytes = Math.min(left, Number.isNaN(length) ? left : length);
    const known = stringOf(token)?.bytes.subarray(0, bytes) ?? Buffer.alloc(0);
    if (known.length > 0) segments.push({ bytes: known, length: known.length });
    if (known.length < bytes) segments.push({ bytes: null, length: bytes - known.length });
    left -= bytes;
  }
  if (left > 0) segments.push({ bytes: null, length: left });
  return segments;
}

/**
 * Puts data where a descriptor leads. Data that the log does not hold becomes a hole, so that sizes and offsets stay
 * right, and the file is reported.
 *
 * @param position - null: at the description's offset, which moves.
 */
export function put(
  player: Player,
  description: Description | undefined,
  segments: readonly Segment[],
  position: number | null,
  lacks: 'cut-string' | 'data-from-outside' = 'cut-string',
): Outcome {
  description?.pipe?.put(segments);
  const file = description?.file ?? null;
  if (description === undefined || file === null) return 'outside';
  const isAppend = (file.flags & O_APPEND) !== 0;
  if (description.isOffsetUnknown && position === null && !isAppend) {
    player.inexact(file, 'unknown-offset');
    return 'applied';
  }
  const size = file.mount.overlay.tree.get(file.ino)?.size ?? 0;
  const start = isAppend ? size : (position ?? file.position);
  let at = start;
  for (const { bytes, length, isTainted } of segments) {
    if (bytes !== null) {
      const written = write(file, bytes, 0, length, at);
      if (written < 0) return written;
    } else {
      const end = at + length;
      const extended = end > (file.mount.overlay.tree.get(file.ino)?.size ?? 0) ? ftruncate(file, end) : 0;
      if (extended < 0) return extended;
      player.inexact(file, lacks);
    }
    if (isTainted) player.inexact(file, 'copy-of-inexact');
    at += length;
  }
  if (position === null) file.position = at;
  const offsetOf = position === null ? description : null;
  player.accessed(file, { from: start, to: at, isWrite: true, isAppend, offsetOf });
  return 'applied';
}

/** read and readv: only the offset matters, and what goes out of a pipe. */
export function readCall(player: Player): Outcome {
  const [fd] = player.args;
  const description = player.description(fd);
  return moveBy(player, description);
}

/** preadv2 with offset -1 reads at the description's own. */
export function vectorReadAt(player: Player): Outcome {
  const position = player.args[3];
  const isOwn = player.record.name === 'preadv2' && (numberOf(position) === -1 || numberOf(position) >= 2 ** 63);
  return isOwn ? moveBy(player, player.description(player.args[0])) : 'outside';
}

function moveBy(player: Player, description: Description | undefined): Outcome {
  description?.pipe?.take(player.value);
  const file = description?.file ?? null;
  if (description === undefined || file === null) return 'outside';
  const from = file.position;
  file.position += player.value;
  player.accessed(file, { from, to: file.position, isWrite: false, isAppend: false, offsetOf: description });
  return 'applied';
}

export const lseekCall = (player: Player): Outcome => seek(player, player.value);

/** _llseek(fd, offset, [result], whence) of 32-bit programs. */
export const longSeekCall = (player: Player): Outcome => seek(player, numberOf(listOf(player.args[2])?.items[0]));

function seek(player: Player, position: number): Outcome {
  const description = player.description(player.args[0]);
  const file = description?.file ?? null;
  if (description === undefined || file === null) return 'outside';
  file.position = position;
  description.isOffsetUnknown = false;
  player.accessed(file, { from: 0, to: 0, isWrite: false, isAppend: false, offsetOf: description });
  return 'applied';
}
