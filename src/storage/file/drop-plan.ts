import { join } from 'node:path';
import type { ChunkNumber } from '../../events/event.ts';
import { crc32 } from '../crc32.ts';
import { isErrno, type LogFileSystem, nodeFileSystem, syncDirectory, writeFully } from './log-file-system.ts';
import { LOG_FOLDER } from './segment.ts';

/**
 * Which chunks are to be dropped from a log (docs/log-format.md, "Dropping history"): a file that is there from when it is
 * known until no segment holds them any more. A line of hex digits, the CRC-32 of the rest, and a line of JSON.
 */
export interface DropPlan {
  /** The plan counts when the log has this event, and is void when it has not. */
  readonly event: number;
  /** Pairs of a first chunk and a count, ascending. */
  readonly runs: readonly number[];
}

const NAME = 'drop.plan';

const pathOf = (directory: string): string => join(directory, LOG_FOLDER, NAME);

/** Writes the plan: it has its name when it is whole and on the disk. The caller holds the log's lock. */
export function writeDropPlan(directory: string, plan: DropPlan, files: LogFileSystem = nodeFileSystem): void {
  const path = pathOf(directory);
  const text = JSON.stringify(plan);
  const body = Buffer.from(text);
  const bytes = Buffer.from(`${sumOf(body)}\n${text}\n`);
  removeIfThere(files, `${path}.tmp`);
  const fd = files.openSync(`${path}.tmp`, 'wx+');
  try {
    writeFully(files, fd, bytes, bytes.length, 0);
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
  files.renameSync(`${path}.tmp`, path);
  syncDirectory(files, join(directory, LOG_FOLDER));
}

/** The plan that is there; null: none is, or none that is whole. */
export function readDropPlan(files: LogFileSystem, directory: string): DropPlan | null {
  let bytes: Buffer;
  try {
    bytes = files.readFileSync(pathOf(directory));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
  const body = bytes.subarray(9, -1);
  if (bytes.toString('latin1', 0, 8) !== sumOf(body)) return null;
  return JSON.parse(body.toString()) as DropPlan;
}

export function removeDropPlan(files: LogFileSystem, directory: string): void {
  removeIfThere(files, `${pathOf(directory)}.tmp`);
  if (removeIfThere(files, pathOf(directory))) syncDirectory(files, join(directory, LOG_FOLDER));
}

const sumOf = (body: Buffer): string => crc32(body, 0, body.length).toString(16).padStart(8, '0');

function removeIfThere(files: LogFileSystem, path: string): boolean {
  try {
    files.unlinkSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The chunks of a plan. */
export class DroppedChunks {
  readonly #runs: readonly number[];

  constructor({ runs }: DropPlan) {
    this.#runs = runs;
  }

  has(chunk: ChunkNumber): boolean {
    const run = this.#runAtOrBefore(chunk);
    return run >= 0 && chunk < this.#runs[run * 2] + this.#runs[run * 2 + 1];
  }

  /** Whether any of the chunks from `first` to `head` is among them. */
  hasAny(first: ChunkNumber, head: ChunkNumber): boolean {
    const run = this.#runAtOrBefore(head);
    return run >= 0 && this.#runs[run * 2] + this.#runs[run * 2 + 1] > first;
  }

  /** Index of the last run that starts at or before a chunk, or -1. */
  #runAtOrBefore(chunk: ChunkNumber): number {
    let low = -1;
    let high = this.#runs.length / 2 - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle * 2] <= chunk) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
