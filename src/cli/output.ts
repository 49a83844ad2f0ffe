/** Where a run of the command writes: a process, or a buffer when a scenario runs a verb. */

export interface Output {
  readonly isTerminal: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  write(bytes: string | Uint8Array): void;
  /** Resolves when what was written is taken, so that a long output does not pile up. */
  drained(): Promise<void>;
}

/** stdout or stderr of the process. */
export class StreamOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  #isFull = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  write(bytes: string | Uint8Array): void {
    this.#isFull = !this.#stream.write(bytes) || this.#isFull;
  }

  async drained(): Promise<void> {
    if (!this.#isFull || this.#stream.destroyed) return;
    await new Promise<void>((resolve) => this.#stream.once('drain', resolve).once('close', resolve));
    this.#isFull = false;
  }
}

/** Collects what is written. */
export class BufferOutput implements Output {
  readonly isTerminal: boolean = false;
  readonly columns = 80;
  readonly #pieces: Uint8Array[] = [];

  write(bytes: string | Uint8Array): void {
    this.#pieces.push(typeof bytes === 'string' ? Buffer.from(bytes) : Uint8Array.from(bytes));
  }

  async drained(): Promise<void> {}

  bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
