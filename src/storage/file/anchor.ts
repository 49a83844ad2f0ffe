import type { LogAnchor } from '../../events/node-store.ts';
import {
  COMMIT_FRAME_BYTES,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
  type FrameFormat,
  isFrameWhole,
  KIND_COMMIT,
  readUint64,
} from './frame.ts';
import { type LogFileSystem, readFully } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';

/** The newest commit frame of the last segment. What lies beside the log and depends on it names one. */
export function anchorOf(index: LogIndex): LogAnchor | null {
  const { commit, last } = index;
  if (commit.end <= SEGMENT_HEADER_BYTES) return null;
  return {
    segment: last.number,
    offset: commit.end - COMMIT_FRAME_BYTES,
    head: commit.head,
    chain: commit.chain.toString('hex'),
  };
}

/** Whether that commit frame is there: its chain hash stands for everything in front of it. */
export function holdsAnchor(files: LogFileSystem, open: OpenSegments, index: LogIndex, anchor: LogAnchor): boolean {
  const segment = index.segments[anchor.segment - index.segments[0].number];
  if (segment === undefined) return false;
  const commit = readCommit(files, open.descriptor(segment), anchor.offset, segment);
  return commit !== null && commit.head === anchor.head && commit.chain === anchor.chain;
}

/** The commit frame at an offset; null when there is none that is whole and states that offset. */
export function readCommit(
  files: LogFileSystem,
  fd: number,
  offset: number,
  format: FrameFormat,
): { durable: number; head: number; chain: string } | null {
  if (offset < SEGMENT_HEADER_BYTES || offset + COMMIT_FRAME_BYTES > files.sizeSync(fd)) return null;
  const frame = Buffer.alloc(COMMIT_FRAME_BYTES);
  const read = readFully(files, fd, frame, COMMIT_FRAME_BYTES, offset);
  if (read < COMMIT_FRAME_BYTES || frame[8] !== KIND_COMMIT) return null;
  const payload = FRAME_HEADER_BYTES;
  if (!isFrameWhole(frame, 0, COMMIT_FRAME_BYTES, format) || readUint64(frame, payload) !== offset) return null;
  return {
    durable: readUint64(frame, payload + 8),
    head: readUint64(frame, payload + 16),
    chain: frame.toString('hex', payload + COMMIT_PREFIX_BYTES),
  };
}
