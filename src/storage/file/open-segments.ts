import { closedLog } from '../log-state.ts';
import type { LogReader } from './log-file-system.ts';
import { rewritten, saltOf, type Segment } from './segment.ts';

/** Descriptors that are kept open for reading; 64 segments of 64 MiB are 4 GiB of log. */
const OPEN_MAX = 64;

/** Segments that are open for reading, at most {@link OPEN_MAX}; the one that was opened first is closed first. */
export class OpenSegments {
  readonly #files: LogReader;
  readonly #descriptors = new Map<number, number>();
  #closed = false;

  constructor(files: LogReader) {
    this.#files = files;
  }

  /**
   * @param segment - Without a salt: as it is now.
   * @throws `ERR_LOG_CLOSED` after {@link OpenSegments.close}, also to reads that began before it; `ERR_LOG_REWRITTEN` when
   *   chunks were dropped from it meanwhile: what was known of it says nothing of it now.
   */
  descriptor(segment: Pick<Segment, 'number' | 'path'> & Partial<Pick<Segment, 'salt'>>): number {
    if (this.#closed) throw closedLog();
    const known = this.#descriptors.get(segment.number);
    if (known !== undefined) return known;
    const fd = this.#files.openSync(segment.path, 'r');
    try {
      if (segment.salt !== undefined && saltOf(this.#files, fd) !== segment.salt) throw rewritten(segment);
    } catch (error) {
      this.#files.closeSync(fd);
      throw error;
    }
    this.#makeRoom();
    this.#descriptors.set(segment.number, fd);
    return fd;
  }

  close(): void {
    this.#closed = true;
    this.forget();
  }

  /** Closes them all; they are opened again when somebody asks. */
  forget(): void {
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
