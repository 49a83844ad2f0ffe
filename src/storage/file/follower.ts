import type { LogFileSystem } from './log-file-system.ts';
import type { LogIndex } from './log-index.ts';
import type { OpenSegments } from './open-segments.ts';
import { rewritten, saltOf } from './segment.ts';
import { corruptFrame, followSegment, openSegment, scanLast, segmentNumbers } from './recovery.ts';

/**
 * Brings the index of a follower up to what the writer has handed to the operating system.
 *
 * A bad frame at the end is one that is being written: not yet there. The list of segments is read before the frames: if
 * it holds a next one, the last known one is complete.
 */
export function follow(files: LogFileSystem, directory: string, open: OpenSegments, index: LogIndex): void {
  expectSame(files, index);
  const numbers = segmentNumbers(files, directory).filter((number) => number > index.last.number);
  for (const number of numbers) {
    const { bad } = scanLast(files, open, index);
    if (bad !== null) throw corruptFrame(index, bad);
    followSegment(index, openSegment(files, directory, open, number));
  }
  scanLast(files, open, index);
}

/** A last segment that was written anew has another file: what is appended would never be seen. */
function expectSame(files: LogFileSystem, { last }: LogIndex): void {
  const fd = files.openSync(last.path, 'r');
  try {
    if (saltOf(files, fd) !== last.salt) throw rewritten(last);
  } finally {
    files.closeSync(fd);
  }
}
