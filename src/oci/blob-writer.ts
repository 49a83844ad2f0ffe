import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DigestMeter } from './digest.ts';
import { blobPath } from './oci-descriptor.ts';

/** `gzip` depends on the zlib of this process; `none` gives the same bytes everywhere. DiffIDs are the same in either. */
export type BlobCompression = 'gzip' | 'none';

/** A blob that has been written. */
export interface WrittenBlob {
  /** SHA-256 of the stored bytes. */
  readonly digest: string;
  /** Stored bytes. */
  readonly size: number;
  /** SHA-256 of the bytes before compression: of a layer its diffID. */
  readonly contentDigest: string;
}

/** Writes blobs into an OCI layout; equal ones become one file. One at a time. */
export class BlobWriter {
  readonly #directory: string;
  #blobs = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param directory - The layout's; it is there. */
  static async create(directory: string): Promise<BlobWriter> {
    await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
    return new BlobWriter(directory);
  }

  /** Writes pieces under the digest that they turn out to have. What the pieces throw passes through. */
  async write(pieces: Iterable<Uint8Array>, compression: BlobCompression): Promise<WrittenBlob> {
    const content = new DigestMeter();
    const stored = new DigestMeter();
    const part = join(this.#directory, 'blobs', `part-${++this.#blobs}`);
    const source = Readable.from(metered(pieces, content));
    const file = createWriteStream(part, { flags: 'wx' });
    const throughMeter = (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> => metered(stream, stored);
    try {
      if (compression === 'gzip') await pipeline(source, createGzip(), throughMeter, file);
      else await pipeline(source, throughMeter, file);
      const { bytes: size } = stored;
      const digest = stored.finish();
      await rename(part, join(this.#directory, blobPath(digest)));
      return { digest, size, contentDigest: content.finish() };
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }
}

async function* metered(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  meter: DigestMeter,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    meter.update(piece);
    yield piece;
  }
}
