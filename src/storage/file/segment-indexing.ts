import type { LogFileSystem } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import { SEGMENT_HEADER_BYTES } from './segment.ts';
import { type SegmentState, writeSegmentIndex } from './segment-index.ts';

/** Bytes of a segment that no index file covers, from which on one is worth it: less is scanned in a millisecond. */
const UNCOVERED_BYTES_MIN = 1 << 20;

/**
 * Writes index files for what the next opening would otherwise have to scan: sealed segments, and with `isClosed` the last
 * one, too, which has to end with a commit frame then. What fails is left out: it costs time only.
 */
export function indexSegments(files: LogFileSystem, directory: string, index: LogIndex, isClosed: boolean): void {
  index.segments.forEach((segment, at) => {
    const known = index.states.get(segment.number)?.end ?? SEGMENT_HEADER_BYTES;
    if (index.ends[at] - known < UNCOVERED_BYTES_MIN) return;
    const state = stateOf(index, at, isClosed);
    if (state === null) return;
    try {
      writeSegmentIndex(files, directory, segment, {
        ...state,
        seqs: index.seqs.pack(at, segment.firstSeq),
        chunks: index.chunks.pack(segment.firstChunk, state.chunkHead),
      });
      index.states.set(segment.number, state);
    } catch {
      // A full disk, say. The segment is scanned at the next opening.
    }
  });
}

function stateOf(index: LogIndex, at: number, isClosed: boolean): SegmentState | null {
  const end = index.ends[at];
  const next = index.segments[at + 1];
  const found = index.seals.get(index.segments[at].number);
  const seal = found === undefined ? null : { end: found.end, chain: found.chain.toString('hex') };
  if (next !== undefined) {
    const { firstSeq, firstChunk } = next;
    const chain = index.endChains[at].toString('hex');
    return { end, head: firstSeq - 1, chunkHead: firstChunk - 1, chain, seal };
  }
  const { commit, head, chunks } = index;
  if (!isClosed || commit.end !== end) return null;
  return { end, head, chunkHead: chunks.head, chain: commit.chain.toString('hex'), seal };
}
