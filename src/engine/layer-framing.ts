/**
 * A layer's tar without its content: headers, padding and the end, as bytes, and between them references to files of the
 * layer's tree. From both the tar is put together again, byte for byte, so that a layer keeps its diffID (the idea of
 * vbatts/tar-split; docs/log-format.md, "Framing").
 *
 *     record   = varint(2 × length) bytes                            so many bytes of the tar
 *              | varint(2 × length + 1) varint(ino) varint(offset)   so many bytes of a file's content
 *     chunk    = 00 piece | 01 deflate(piece)                        pieces of the records, one behind the other
 *
 * Headers repeat themselves, so that they shrink to a twentieth.
 */

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ChunkReader, ChunkStore } from '../events/chunk-store.ts';
import type { ChunkNumber, Ino } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { readContent } from '../projections/tree/content.ts';
import type { Tree } from '../projections/tree/tree.ts';

/** Bytes of records in one chunk, before they are deflated. */
const PIECE_BYTES = 60_000;

const STORED = 0;
const DEFLATED = 1;

/** Writes down the framing of a tar as it is read, by way of two buffers of one piece each. */
export class FramingRecorder {
  readonly #chunks: ChunkStore;
  readonly #numbers: ChunkNumber[] = [];
  readonly #inos = new Set<Ino>();
  /** Records that are not stored yet. */
  readonly #piece = Buffer.allocUnsafe(PIECE_BYTES);
  #fill = 0;
  /** Bytes of the tar that are no record yet. */
  readonly #raw = Buffer.allocUnsafe(PIECE_BYTES);
  #rawFill = 0;
  #content: { readonly ino: Ino; readonly offset: number; length: number } | null = null;

  constructor(chunks: ChunkStore) {
    this.#chunks = chunks;
  }

  /** The next bytes of the tar are these; copied, not kept. */
  bytes(bytes: Uint8Array): void {
    this.#endContent();
    for (let at = 0; at < bytes.byteLength;) {
      const length = Math.min(bytes.byteLength - at, PIECE_BYTES - this.#rawFill);
      this.#raw.set(bytes.subarray(at, at + length), this.#rawFill);
      this.#rawFill += length;
      at += length;
      if (this.#rawFill === PIECE_BYTES) this.#endRaw();
    }
  }

  /** The next bytes of the tar are content of a file, from an offset on. */
  content(ino: Ino, offset: number, length: number): void {
    const last = this.#content;
    if (last !== null && last.ino === ino && last.offset + last.length === offset) {
      last.length += length;
      return;
    }
    this.#endContent();
    this.#endRaw();
    this.#content = { ino, offset, length };
    this.#inos.add(ino);
  }

  /** @returns The chunks; none where nothing was told, or where a file did not stay, such as one that comes twice. */
  finish(tree: Tree): ChunkNumber[] {
    this.#endContent();
    this.#endRaw();
    this.#store();
    for (const ino of this.#inos) if (tree.get(ino) === undefined) return [];
    return this.#numbers;
  }

  #endRaw(): void {
    if (this.#rawFill === 0) return;
    this.#varint(2 * this.#rawFill);
    this.#append(this.#raw.subarray(0, this.#rawFill));
    this.#rawFill = 0;
  }

  #endContent(): void {
    if (this.#content === null) return;
    const { ino, offset, length } = this.#content;
    this.#content = null;
    this.#varint(2 * length + 1);
    this.#varint(ino);
    this.#varint(offset);
  }

  /** LEB128 of a safe integer. */
  #varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#appendByte((rest % 128) | 0x80);
    this.#appendByte(rest);
  }

  #appendByte(byte: number): void {
    if (this.#fill === PIECE_BYTES) this.#store();
    this.#piece[this.#fill++] = byte;
  }

  #append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#fill === PIECE_BYTES) this.#store();
      const length = bytes.copy(this.#piece, this.#fill, at);
      this.#fill += length;
      at += length;
    }
  }

  #store(): void {
    if (this.#fill === 0) return;
    const piece = this.#piece.subarray(0, this.#fill);
    const deflated = deflateRawSync(piece, { level: 1 });
    const isSmaller = deflated.length < piece.length;
    const chunk = Buffer.concat([Buffer.of(isSmaller ? DEFLATED : STORED), isSmaller ? deflated : piece]);
    this.#numbers.push(this.#chunks.put(chunk));
    this.#fill = 0;
  }
}

/**
 * Puts a tar together again, in pieces that belong to the caller.
 *
 * @param tree - The layer's own.
 * @throws `ERR_LOG_CORRUPT` for a framing that is none.
 */
export function* framedTar(framing: readonly ChunkNumber[], tree: Tree, chunks: ChunkReader): Generator<Buffer, void> {
  const reader = new RecordReader(framing, chunks);
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    const length = Math.floor(tag / 2);
    if (tag % 2 === 0) {
      yield* reader.bytes(length);
      continue;
    }
    const node = tree.get(reader.varint());
    const offset = reader.varint();
    if (node === undefined || offset + length > node.size) throw corrupt('it speaks of content that is not there');
    for (let at = 0; at < length; at += PIECE_BYTES) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, length - at));
      readContent(node.content, chunks, offset + at, piece, 0, piece.length);
      yield piece;
    }
  }
}

/** The records of a framing, chunk by chunk. */
class RecordReader {
  readonly #framing: readonly ChunkNumber[];
  readonly #chunks: ChunkReader;
  #next = 0;
  #piece: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(framing: readonly ChunkNumber[], chunks: ChunkReader) {
    this.#framing = framing;
    this.#chunks = chunks;
  }

  get isAtEnd(): boolean {
    while (this.#at >= this.#piece.length && this.#next < this.#framing.length) this.#load();
    return this.#at >= this.#piece.length;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      if (this.isAtEnd) throw corrupt('it ends in the middle of a record');
      const byte = this.#piece[this.#at++];
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw corrupt('a number in it is too large');
  }

  *bytes(length: number): Generator<Buffer, void> {
    for (let left = length; left > 0;) {
      if (this.isAtEnd) throw corrupt('it ends in the middle of a record');
      const end = Math.min(this.#piece.length, this.#at + left);
      const piece = Buffer.from(this.#piece.subarray(this.#at, end));
      left -= piece.length;
      this.#at = end;
      yield piece;
    }
  }

  #load(): void {
    const chunk = this.#chunks.get(this.#framing[this.#next++]);
    const [kind] = chunk;
    const body = chunk.subarray(1);
    this.#at = 0;
    if (kind === STORED) this.#piece = Buffer.from(body);
    else if (kind === DEFLATED) this.#piece = inflated(body);
    else throw corrupt('a piece of it is of an unknown kind');
  }
}

function inflated(body: Uint8Array): Buffer {
  try {
    return inflateRawSync(body, { maxOutputLength: PIECE_BYTES });
  } catch (error) {
    throw corrupt('a piece of it is damaged', error);
  }
}

function corrupt(message: string, cause?: unknown): Error {
  return storeError('ERR_LOG_CORRUPT', `the framing of a layer: ${message}`, cause === undefined ? {} : { cause });
}
