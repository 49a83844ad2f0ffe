import { randomInt } from 'node:crypto';
import { dirname } from 'node:path';
import { type LogFileSystem, syncDirectory, writeFully } from './log-file-system.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader, segmentPath } from './segment.ts';

/**
 * Makes a segment. It appears under its name when it is whole and on the disk.
 *
 * @returns A descriptor for writing.
 */
export function createSegment(files: LogFileSystem, directory: string, header: SegmentHeader): number {
  const path = segmentPath(directory, header.number);
  const unfinished = `${path}.tmp`;
  const fd = files.openSync(unfinished, 'wx+');
  try {
    writeFully(files, fd, encodeSegmentHeader(header), SEGMENT_HEADER_BYTES, 0);
    files.fsyncSync(fd);
    files.renameSync(unfinished, path);
    syncDirectory(files, dirname(path));
    return fd;
  } catch (error) {
    files.closeSync(fd);
    throw error;
  }
}

export const randomSalt = (): number => randomInt(0x1_0000_0000);
