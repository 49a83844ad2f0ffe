import { closedLog } from '../log-state.ts';
import type { LogFileSystem } from './log-file-system.ts';
import type { Segment } from './segment.ts';

/** Descriptors that are kept open for reading; 64 segments of 64 MiB are 4 GiB of log. */
const OPEN_MAX = 64;

/** Segments that are open for reading, at most {@link OPEN_MAX}; the one that was opened first is closed first. */
export class OpenSegments {
  readonly #files: LogFileSystem;
  readonly #descriptors = new Map<number, number>();
  #closed = false;

  constructor(files: LogFileSystem) {
    this.#files = files;
  }

  /** @throws `ERR_LOG_CLOSED` after {@link OpenSegments.close}, also to reads that began before it. */
  descriptor(segment: Pick<Segment, 'number' | 'path'>): number {
    if (this.#closed) throw closedLog();
    const known = this.#descriptors.get(segment.number);
    if (known !== undefined) return known;
    const fd = this.#files.openSync(segment.path, 'r');
    this.#makeRoom();
    this.#descriptors.set(segment.number, fd);
    return fd;
  }

  close(): void {
    this.#closed = true;
    for (const fd of this.#descriptors.values()) this.#files.closeSync(fd);
    this.#descriptors.clear();
  }

  #makeRoom(): void {
    if (this.#descriptors.size >= OPEN_MAX) {
      for (const [oldest, descriptor] of this.#descriptors) {
        this.#descriptors.delete(oldest);
        this.#files.closeSync(descriptor);
        break;
      }
    }
  }
}
