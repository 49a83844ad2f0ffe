import { type LogFileSystem, writeFully } from './log-file-system.ts';

/** The file that a log is written to. That of a sealed segment stays open for as long as a sync of it may be running. */
export class SegmentOutput {
  readonly #files: LogFileSystem;
  #fd: number;
  #syncsInFlight = 0;
  /** Descriptors to close when no sync is in flight. */
  #retired: number[] = [];

  /** @param fd - Open for writing; closed by this. */
  constructor(files: LogFileSystem, fd: number) {
    this.#files = files;
    this.#fd = fd;
  }

  /** Goes on with the next segment. */
  replace(fd: number): void {
    this.#retired.push(this.#fd);
    this.#closeRetired();
    this.#fd = fd;
  }

  write(buffer: Buffer, bytes: number, position: number): void {
    writeFully(this.#files, this.#fd, buffer, bytes, position);
  }

  syncSync(): void {
    this.#files.fdatasyncSync(this.#fd);
  }

  /** Syncs without blocking; `done` gets what failed, or null. */
  sync(done: (error: Error | null) => void): void {
    this.#syncsInFlight++;
    this.#files.fdatasync(this.#fd, (error) => {
      this.#syncsInFlight--;
      this.#closeRetired();
      done(error);
    });
  }

  close(): void {
    this.#retired.push(this.#fd);
    this.#closeRetired();
  }

  #closeRetired(): void {
    if (this.#syncsInFlight > 0) return;
    for (const fd of this.#retired) this.#files.closeSync(fd);
    this.#retired = [];
  }
}
