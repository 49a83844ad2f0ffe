import { Decompress } from 'fzstd';
import type { SourcePlace } from './source-place.ts';
import { sourceError } from './source-place.ts';

/**
 * zstd (RFC 8878), frame by frame.
 *
 * ```
 * frame      magic FD2FB528 (little endian) · header · blocks · checksum (4 bytes, if flagged)
 * header     descriptor · window (1 byte, unless single segment) · dictionary id (0–4) · content size (0–8)
 * block      3 bytes: last (1 bit) · type (2) · size (21) — then size bytes, or one byte for type 1 (RLE)
 * skippable  magic 184D2A5? · length (4) · bytes
 * ```
 *
 * fzstd decodes the blocks. It takes the window that a header asks for, up to 2 GiB, and recurses from frame to frame, so the
 * frames are told apart here: each gets a decoder of its own, and its window has a bound. A frame of few blocks gets no larger
 * window than they can fill: thousands of small frames that ask for 128 MiB each took a hundredth of a second each. What larger
 * windows may take beside what came out of them has a bound, too. The content checksum (XXH64) is
 * not verified: the digests of blob and layer are stronger, and every image has them.
 */

/** Largest window that is decoded: the default bound of the zstd command (ZSTD_WINDOWLOG_LIMIT_DEFAULT, 27). */
export const ZSTD_WINDOW_BYTES_MAX = 2 ** 27;

/** Blocks of a frame that are held before its decoder is made. */
const HELD_BLOCKS_MAX = 8;
/** Bytes of windows that a stream may ask for: so many at all, and so many for each byte that came out. */
const WINDOWS_BYTES_FREE = 2 ** 33;
const WINDOW_BYTES_PER_BYTE = 256;

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_HEADER_BYTES = 3;
/** Largest block (RFC 8878 §3.1.1.2.4). */
const BLOCK_BYTES_MAX = 128 * 2 ** 10;

/**
 * Decompresses a stream of zstd frames.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` for damaged or truncated data, `ERR_OCI_UNSUPPORTED` for dictionaries and windows above
 *   {@link ZSTD_WINDOW_BYTES_MAX}.
 */
export async function* decompressZstd(
  source: AsyncIterable<Uint8Array>,
  place: SourcePlace,
): AsyncGenerator<Uint8Array> {
  const frames = new FrameWalker(place);
  for await (const chunk of source) yield* frames.push(chunk);
  frames.end();
}

/** Splits the stream into units (headers, blocks) and feeds them to a decoder per frame. */
class FrameWalker {
  readonly #place: SourcePlace;
  #pending: Buffer = Buffer.alloc(0);
  #frame: Frame | null = null;
  #output: Uint8Array[] = [];
  #toSkip = 0;
  #windowBytes = 0;
  #decodedBytes = 0;

  constructor(place: SourcePlace) {
    this.#place = place;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    this.#pending = this.#pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    for (;;) {
      const length = this.#toSkip > 0 ? this.#skip(at) : this.#takeUnit(at);
      if (length === 0) break;
      at += length;
      if (this.#output.length > 0) yield* this.#output.splice(0);
    }
    this.#pending = this.#pending.subarray(at);
  }

  end(): void {
    if (this.#pending.length > 0 || this.#frame !== null || this.#toSkip > 0)
      throw this.#corrupt('ends in the middle of a frame');
  }

  #skip(at: number): number {
    const length = Math.min(this.#toSkip, this.#pending.length - at);
    this.#toSkip -= length;
    return length;
  }

  /** Takes a header or a block; returns its length, 0 if more bytes are needed. */
  #takeUnit(at: number): number {
    return this.#frame === null ? this.#takeFrameHeader(at) : this.#takeBlock(at, this.#frame);
  }

  #takeFrameHeader(at: number): number {
    const bytes = this.#pending;
    const left = bytes.length - at;
    if (left < 5) return 0;
    const magic = bytes.readUInt32LE(at);
    if (magic >>> 4 === SKIPPABLE_MAGIC >>> 4) {
      if (left < 8) return 0;
      this.#toSkip = bytes.readUInt32LE(at + 4);
      return 8;
    }
    if (magic !== FRAME_MAGIC) throw this.#corrupt('does not go on with a frame');
    const descriptor = bytes[at + 4];
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? Number(isSingleSegment) : 1 << sizeFlag;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
    const length = 5 + Number(!isSingleSegment) + dictionaryBytes + sizeBytes;
    if (left < length) return 0;
    if ((descriptor & 8) !== 0) throw this.#corrupt('has a reserved bit set');
    const header = bytes.subarray(at, at + length);
    const dictionary = readLittleEndian(header, 5 + Number(!isSingleSegment), dictionaryBytes);
    if (dictionary !== 0) throw sourceError('ERR_OCI_UNSUPPORTED', 'zstd data that needs a dictionary', this.#place);
    const contentSize = readLittleEndian(header, length - sizeBytes, sizeBytes) + (sizeFlag === 1 ? 256 : 0);
    const window = isSingleSegment ? contentSize : windowBytes(header[5]);
    this.#checkWindow(window);
    const hasChecksum = (descriptor & 4) !== 0;
    this.#frame = { header: Buffer.from(header), windowBytes: window, hasChecksum, held: [], decoder: null };
    return length;
  }

  #checkWindow(bytes: number): void {
    if (bytes <= ZSTD_WINDOW_BYTES_MAX) return;
    throw sourceError(
      'ERR_OCI_UNSUPPORTED',
      `zstd data with a window of ${bytes} bytes (at most ${ZSTD_WINDOW_BYTES_MAX})`,
      this.#place,
    );
  }

  #takeBlock(at: number, frame: Frame): number {
    const bytes = this.#pending;
    if (bytes.length - at < BLOCK_HEADER_BYTES) return 0;
    const blockHeader = bytes.readUIntLE(at, BLOCK_HEADER_BYTES);
    const isLast = (blockHeader & 1) !== 0;
    const type = (blockHeader >> 1) & 3;
    const size = blockHeader >> 3;
    if (type === 3 || size > BLOCK_BYTES_MAX) throw this.#corrupt('has a block that cannot be');
    const length = BLOCK_HEADER_BYTES + (type === 1 ? 1 : size);
    const unit = length + (isLast && frame.hasChecksum ? 4 : 0);
    if (bytes.length - at < unit) return 0;
    const block = bytes.subarray(at, at + unit);
    if (frame.decoder === null && !isLast && frame.held.length < HELD_BLOCKS_MAX) {
      frame.held.push(Buffer.from(block));
      return unit;
    }
    frame.decoder ??= this.#begin(frame, isLast);
    this.#decode(frame.decoder, block, isLast);
    if (isLast) this.#frame = null;
    return unit;
  }

  /** @param isWhole - One block more, and the frame ends. */
  #begin(frame: Frame, isWhole: boolean): Decompress {
    const decoder = new Decompress((data) => {
      this.#decodedBytes += data.length;
      if (data.length > 0) this.#output.push(data);
    });
    const { header, held, hasChecksum } = frame;
    const needed = (held.length + 1) * BLOCK_BYTES_MAX;
    const isSmall = isWhole && needed < frame.windowBytes;
    if (!isSmall) this.#countWindow(frame.windowBytes);
    this.#decode(decoder, isSmall ? smallHeader(needed, hasChecksum) : header, false);
    for (const block of held.splice(0)) this.#decode(decoder, block, false);
    return decoder;
  }

  #countWindow(bytes: number): void {
    this.#windowBytes += bytes;
    if (this.#windowBytes <= WINDOWS_BYTES_FREE + WINDOW_BYTES_PER_BYTE * this.#decodedBytes) return;
    const message = 'zstd data that asks for far more windows than it fills';
    throw sourceError('ERR_OCI_UNSUPPORTED', message, this.#place);
  }

  #decode(decoder: Decompress, bytes: Uint8Array, isLast: boolean): void {
    try {
      decoder.push(bytes, isLast);
    } catch (error) {
      throw this.#corrupt('is damaged', error);
    }
  }

  #corrupt(what: string, cause?: unknown): Error {
    return sourceError('ERR_OCI_CORRUPT', `the zstd data ${what}`, this.#place, cause);
  }
}

/** A frame whose end has not come. */
interface Frame {
  readonly header: Buffer;
  readonly windowBytes: number;
  readonly hasChecksum: boolean;
  /** Blocks that wait for the decoder. */
  readonly held: Buffer[];
  decoder: Decompress | null;
}

/** The header of a frame that fills no more than so many bytes, without content size. */
function smallHeader(bytes: number, hasChecksum: boolean): Buffer {
  const exponent = Math.ceil(Math.log2(bytes)) - 10;
  const header = Buffer.alloc(6);
  header.writeUInt32LE(FRAME_MAGIC);
  header[4] = hasChecksum ? 4 : 0;
  header[5] = exponent << 3;
  return header;
}

/** Window size from its descriptor (RFC 8878 §3.1.1.1.2): exponent in the high 5 bits, mantissa in the low 3. */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function readLittleEndian(bytes: Uint8Array, start: number, length: number): number {
  let value = 0;
  for (let index = length - 1; index >= 0; index--) value = value * 256 + bytes[start + index];
  return value;
}
