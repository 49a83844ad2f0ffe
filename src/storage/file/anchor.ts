import type { LogAnchor } from '../../events/node-store.ts';
import {
  COMMIT_FRAME_BYTES,
  COMMIT_PREFIX_BYTES,
  FRAME_HEADER_BYTES,
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
  const frame = Buffer.alloc(COMMIT_FRAME_BYTES);
  const read = readFully(files, open.descriptor(segment), frame, COMMIT_FRAME_BYTES, anchor.offset);
  if (read < COMMIT_FRAME_BYTES || frame[8] !== KIND_COMMIT) return false;
  const payload = FRAME_HEADER_BYTES;
  return (
    isFrameWhole(frame, 0, COMMIT_FRAME_BYTES, segment.salt) &&
    readUint64(frame, payload) === anchor.offset &&
    readUint64(frame, payload + 16) === anchor.head &&
    frame.toString('hex', payload + COMMIT_PREFIX_BYTES) === anchor.chain
  );
}
