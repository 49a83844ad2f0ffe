import { FRAME_HEADER_BYTES, type FrameFormat, isFrameWhole, isPayloadLength } from './frame.ts';
import { type LogReader, readInto } from './log-file-system.ts';

/** Bytes that are read at once; more only for a frame that is larger. */
const WINDOW_BYTES = 1 << 20;

/** What a write that was cut off leaves. */
export const ENDS_INSIDE = 'the file ends inside of a frame';

/** Why a scan ended before the end of the file. */
export interface BadFrame {
  /** Of the frame in the segment. */
  readonly offset: number;
  readonly reason: string;
}

/** What a scan ends with: the offset behind the last whole frame, and what stands there if that is not the end. */
export interface ScanEnd {
  readonly end: number;
  readonly bad: BadFrame | null;
}

/**
 * Takes a whole frame. Its payload is `buffer` from `start` to `end`, valid only during the call; `offset` is that of
 * the frame in the segment.
 */
export type FrameVisitor = (kind: number, buffer: Buffer, start: number, end: number, offset: number) => void;

/**
 * Reads the frames of a segment in order and checks their checksums, with bounded memory and without decoding.
 *
 * @param from - Offset of a frame.
 */
export function scanFrames(
  files: LogReader,
  fd: number,
  from: number,
  segment: FrameFormat,
  visit: FrameVisitor,
  windowBytes: number = WINDOW_BYTES,
): ScanEnd {
  let buffer = Buffer.allocUnsafeSlow(windowBytes);
  let base = from; // offset in the segment of the buffer's first byte
  let filled = 0;
  let at = 0;
  let wanted = FRAME_HEADER_BYTES;
  for (;;) {
    if (filled - at < wanted) {
      if (wanted > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(wanted);
        buffer.copy(larger, 0, at, filled);
        buffer = larger;
      } else {
        buffer.copyWithin(0, at, filled);
      }
      base += at;
      filled -= at;
      at = 0;
      filled += readInto(files, fd, buffer, filled, buffer.length - filled, base + filled);
      if (filled === 0) return { end: base, bad: null };
      if (filled < wanted) return bad(base, ENDS_INSIDE);
    }
    const length = buffer.readUInt32LE(at + 4);
    const kind = buffer[at + 8];
    if (!isPayloadLength(kind, length, segment.format))
      return bad(base + at, `no frame has kind ${kind} and ${length} bytes`);
    const frameBytes = FRAME_HEADER_BYTES + length;
    if (filled - at < frameBytes) {
      wanted = frameBytes;
      continue;
    }
    wanted = FRAME_HEADER_BYTES;
    const end = at + frameBytes;
    if (!isFrameWhole(buffer, at, end, segment)) return bad(base + at, 'a frame does not match its checksum');
    visit(kind, buffer, at + FRAME_HEADER_BYTES, end, base + at);
    at = end;
  }
}

function bad(offset: number, reason: string): ScanEnd {
  return { end: offset, bad: { offset, reason } };
}
