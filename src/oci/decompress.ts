import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { isStoreError } from '../events/log-error.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';
import { decompressZstd } from './zstd.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Bytes that {@link sniffCompression} wants to see. */
export const SNIFF_BYTES = 8;

/**
 * Tells the compression by the first bytes; media types and names are not trusted.
 *
 * @throws StoreError `ERR_OCI_UNSUPPORTED` for xz, bzip2, lz4 and zip, which no image tool of today writes for layers.
 */
export function sniffCompression(start: Uint8Array, place: SourcePlace): Compression {
  for (const { magic, name, format } of MAGICS) {
    if (!magic.every((byte, index) => start[index] === byte)) continue;
    if (format === null) throw sourceError('ERR_OCI_UNSUPPORTED', `${name} compression; unpack it first`, place);
    return format;
  }
  return 'none';
}

const MAGICS: readonly { magic: readonly number[]; name: string; format: Compression | null }[] = [
  { magic: [0x1f, 0x8b], name: 'gzip', format: 'gzip' }, // RFC 1952 §2.3.1
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: 'zstd', format: 'zstd' }, // RFC 8878 §3.1.1
  // A zstd stream may start with a skippable frame, 0x184D2A50 to 5F; zstd:chunked and pzstd write such.
  ...Array.from({ length: 16 }, (_, low) => ({
    magic: [0x50 + low, 0x2a, 0x4d, 0x18],
    name: 'zstd',
    format: 'zstd' as const,
  })),
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], name: 'xz', format: null },
  { magic: [0x42, 0x5a, 0x68], name: 'bzip2', format: null },
  { magic: [0x04, 0x22, 0x4d, 0x18], name: 'lz4', format: null },
  { magic: [0x50, 0x4b, 0x03, 0x04], name: 'zip', format: null },
];

/**
 * Decompresses a stream of whatever compression its first bytes tell.
 *
 * Memory is bounded by the decoder's window. Concatenated gzip members are one stream. Leaving the iteration early closes the
 * source.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` for truncated or damaged data (gzip's CRC and length included), `ERR_OCI_UNSUPPORTED`
 *   as {@link sniffCompression}. Errors of the source pass through.
 */
export async function* decompress(source: AsyncIterable<Uint8Array>, place: SourcePlace): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  while (heldBytes < SNIFF_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    heldBytes += next.value.byteLength;
  }
  const whole = replay(held, iterator);
  switch (sniffCompression(Buffer.concat(held), place)) {
    case 'none':
      yield* whole;
      break;
    case 'gzip':
      yield* gunzip(whole, place);
      break;
    case 'zstd':
      yield* decompressZstd(whole, place);
      break;
  }
}

/** The pieces that were taken for sniffing, then the rest. */
async function* replay(held: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* held;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}

async function* gunzip(source: AsyncIterable<Uint8Array>, place: SourcePlace): AsyncGenerator<Uint8Array> {
  const decoder = createGunzip({ chunkSize: 64 * 2 ** 10 });
  const input = Readable.from(source, { objectMode: true, highWaterMark: 1 });
  const finished = pipeline(input, decoder).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  try {
    for await (const chunk of decoder) yield chunk as Buffer;
  } catch (error) {
    throw gunzipError(error, place);
  } finally {
    input.destroy();
    decoder.destroy();
    await finished;
  }
}

/** zlib's errors in our words; anything else is the source's own and passes through. */
function gunzipError(error: unknown, place: SourcePlace): unknown {
  if (isStoreError(error)) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error;
  const what = code === 'Z_BUF_ERROR' ? 'is truncated' : 'is damaged';
  return sourceError('ERR_OCI_CORRUPT', `the gzip data ${what}`, place, error);
}
