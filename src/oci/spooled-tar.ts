import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tarLimits } from './limits.ts';
import type { TarLimits } from './limits.ts';
import { spoolDecompressed } from './spool.ts';
import { TarReader } from './tar-reader.ts';
import type { TarHandler } from './tar-reader.ts';

const PIECE_BYTES = 256 * 2 ** 10;

export interface SpooledTarOptions {
  /** What messages call it. */
  readonly file: string;
  readonly limits?: Partial<TarLimits> | undefined;
  /** Where it lies while it is open; default the system's temporary directory. */
  readonly tempDirectory?: string | undefined;
}

/**
 * A tar that came as a stream: on the disk, decompressed, and read through once, so that it can be taken in one turn and does not
 * turn out to be damaged half way.
 */
export class SpooledTar {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #limits: Partial<TarLimits> | undefined;

  private constructor(handle: FileHandle, { file, limits }: SpooledTarOptions) {
    this.#handle = handle;
    this.file = file;
    this.#limits = limits;
  }

  /**
   * @param source - The tar: plain, gzip or zstd; nothing at all is a tar without entries.
   * @returns Close it when done.
   * @throws StoreError `ERR_OCI_CORRUPT` or `ERR_OCI_UNSUPPORTED`, naming entry and byte. What the source throws passes through.
   */
  static async from(source: AsyncIterable<Uint8Array>, options: SpooledTarOptions): Promise<SpooledTar> {
    const { bytesMax } = tarLimits(options.limits);
    const place = { file: options.file };
    const handle = await spoolDecompressed(source, { directory: options.tempDirectory, bytesMax }, place);
    const tar = new SpooledTar(handle, options);
    try {
      tar.read({ entry: () => false, data: () => {}, hole: () => {} });
      return tar;
    } catch (error) {
      await tar.close();
      throw error;
    }
  }

  /** Reads all of it, in this turn. */
  read(handler: TarHandler): void {
    const reader = new TarReader(handler, { file: this.file, limits: this.#limits });
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let at = 0; ;) {
      const count = readSync(this.#handle.fd, piece, 0, PIECE_BYTES, at);
      if (count === 0) break;
      reader.push(piece.subarray(0, count));
      at += count;
    }
    reader.end();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
