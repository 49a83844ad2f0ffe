import { isErrno, type LogReader } from './log-file-system.ts';

/** What is given up at once: a page of the page cache, which no sector is larger than. */
const BLOCK_BYTES = 4096;

/**
 * Reads past what the disk can't give (EIO): zeros stand for it, block by block, and it is remembered where. For salvage
 * alone, where the checksum of a frame tells which bytes are those of the log.
 */
export class ForgivingReads implements LogReader {
  readonly #files: LogReader;
  readonly #paths = new Map<number, string>();
  /** Blocks that were given up, by where they start, with where they end; by the file's path. */
  readonly #lost = new Map<string, Map<number, number>>();

  constructor(files: LogReader) {
    this.#files = files;
  }

  openSync(path: string, flags: 'r'): number {
    const fd = this.#files.openSync(path, flags);
    this.#paths.set(fd, path);
    return fd;
  }

  closeSync(fd: number): void {
    this.#files.closeSync(fd);
  }

  sizeSync(fd: number): number {
    return this.#files.sizeSync(fd);
  }

  readSync(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    try {
      return this.#files.readSync(fd, buffer, offset, length, position);
    } catch (error) {
      if (!isErrno(error, 'EIO')) throw error;
      return this.#readBlocks(fd, buffer, offset, length, position);
    }
  }

  /** The first byte of a file that could not be read, from one on; null: none. */
  firstLost(path: string, from: number): number | null {
    const starts = this.#stretches(path, from).map(([start]) => start);
    return starts.length === 0 ? null : Math.min(...starts);
  }

  /** How many bytes of a file, from one on, could not be read. */
  lostBytes(path: string, from: number): number {
    return this.#stretches(path, from).reduce((sum, [start, end]) => sum + end - start, 0);
  }

  #stretches(path: string, from: number): [start: number, end: number][] {
    return Array.from(this.#lost.get(path) ?? [], ([start, end]): [number, number] => [
      Math.max(start, from),
      end,
    ]).filter(([start, end]) => start < end);
  }

  #readBlocks(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.#files.sizeSync(fd));
    let at = position;
    while (at < end) {
      const wanted = Math.min(BLOCK_BYTES - (at % BLOCK_BYTES), end - at);
      const to = offset + at - position;
      at += this.#readBlock(fd, buffer, to, wanted, at);
    }
    return Math.max(0, at - position);
  }

  #readBlock(fd: number, buffer: Buffer, offset: number, length: number, position: number): number {
    try {
      const read = this.#files.readSync(fd, buffer, offset, length, position);
      if (read > 0) return read;
    } catch (error) {
      if (!isErrno(error, 'EIO')) throw error;
      this.#lose(fd, position - (position % BLOCK_BYTES));
    }
    buffer.fill(0, offset, offset + length);
    return length;
  }

  #lose(fd: number, start: number): void {
    const path = this.#paths.get(fd) ?? '';
    let ofFile = this.#lost.get(path);
    if (ofFile === undefined) this.#lost.set(path, (ofFile = new Map()));
    ofFile.set(start, Math.min(start + BLOCK_BYTES, this.#files.sizeSync(fd)));
  }
}
