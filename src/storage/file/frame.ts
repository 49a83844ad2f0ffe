import { CHUNK_BYTES_MAX } from '../../events/chunk-store.ts';
import { BUNDLE_PREFIX_BYTES } from '../../events/bundle-writer.ts';
import { DIGEST_BYTES } from '../columns.ts';
import { crc32 } from '../crc32.ts';

/**
 * Frames: what a segment consists of behind its header (docs/log-format.md, "Frames"). All integers little endian.
 *
 *     0      4        8      9
 *     ┌──────┬────────┬──────┬─────────────────┐
 *     │ crc  │ length │ kind │ payload         │   length: bytes of the payload
 *     │ u32  │ u32    │ u8   │ length bytes    │   crc: CRC-32 of length, kind and payload, seeded with the salt;
 *     └──────┴────────┴──────┴─────────────────┘        of a chunk of format 2 without its content
 *
 *     chunk (1)         CRC-32 of the content u32 · content, 1 to 65,536 bytes
 *                       (format 1: number u64 · SHA-256, 32 bytes · content)
 *     bundle (2)        seq u64 · count u32 · MessagePack (bundle-writer.ts); in format 1 of one transaction
 *     commit (3)        offset of this frame u64 · durable bytes u64 · head seq u64 · chain hash, 32 bytes
 *     dropped (4)       count u64: so many chunks had their frames here
 *     rewritten (5)     chain hash, 32 bytes, that the segment ended with before chunks were dropped from it
 *
 * The salt is a random number of the segment. Content may hold a copy of a log; with the salt, and with a commit frame
 * that states its own offset, a copy is not mistaken for frames of this segment.
 */
export const FRAME_HEADER_BYTES = 9;

export const KIND_CHUNK = 1;
export const KIND_BUNDLE = 2;
export const KIND_COMMIT = 3;
export const KIND_DROPPED = 4;
export const KIND_REWRITTEN = 5;

export const DROPPED_PAYLOAD_BYTES = 8;
export const REWRITTEN_PAYLOAD_BYTES = DIGEST_BYTES;

/** In front of a chunk's content: its checksum, which also finds equal chunks. */
export const CHUNK_PREFIX_BYTES = 4;

/** In front of a chunk's content in format 1: its number and digest. */
const CHUNK_PREFIX_BYTES_1 = 8 + DIGEST_BYTES;

/** The commit payload in front of its chain hash. */
export const COMMIT_PREFIX_BYTES = 24;
export const COMMIT_PAYLOAD_BYTES = COMMIT_PREFIX_BYTES + DIGEST_BYTES;
export const COMMIT_FRAME_BYTES = FRAME_HEADER_BYTES + COMMIT_PAYLOAD_BYTES;

/** Largest encoded transaction; a frame that claims more is bad. */
export const TRANSACTION_BYTES_MAX = 64 * 1024 * 1024;

/** What the bytes of a frame depend on. */
export interface FrameFormat {
  readonly format: number;
  /** Seed of the frames' checksums. */
  readonly salt: number;
}

export const chunkPrefixBytes = (format: number): number => (format === 1 ? CHUNK_PREFIX_BYTES_1 : CHUNK_PREFIX_BYTES);

const UINT32 = 0x1_0000_0000;

/** Writes an integer below 2^53 as u64. */
export function writeUint64(buffer: Buffer, value: number, offset: number): void {
  buffer.writeUInt32LE(value >>> 0, offset);
  buffer.writeUInt32LE(Math.floor(value / UINT32), offset + 4);
}

export function readUint64(buffer: Buffer, offset: number): number {
  return buffer.readUInt32LE(offset) + buffer.readUInt32LE(offset + 4) * UINT32;
}

/**
 * Writes the header of the frame at `start`, whose payload lies behind it already.
 *
 * @returns The offset behind the frame.
 */
export function sealFrame(buffer: Buffer, start: number, kind: number, payloadBytes: number, salt: number): number {
  const end = start + FRAME_HEADER_BYTES + payloadBytes;
  buffer.writeUInt32LE(payloadBytes, start + 4);
  buffer[start + 8] = kind;
  buffer.writeUInt32LE(crc32(buffer, start + 4, end, salt), start);
  return end;
}

/**
 * Writes what stands in front of a chunk's content in the frame at `start`. The content's own sum is what finds equal
 * chunks, so it has been computed already, and the frame's sum covers it instead of the content.
 *
 * @param sum - CRC-32 of the content, not seeded.
 * @returns The offset of the content.
 */
export function writeChunkHeader(
  buffer: Buffer,
  start: number,
  contentBytes: number,
  sum: number,
  salt: number,
): number {
  const payload = start + FRAME_HEADER_BYTES;
  buffer.writeUInt32LE(CHUNK_PREFIX_BYTES + contentBytes, start + 4);
  buffer[start + 8] = KIND_CHUNK;
  buffer.writeUInt32LE(sum, payload);
  buffer.writeUInt32LE(crc32(buffer, start + 4, payload + CHUNK_PREFIX_BYTES, salt), start);
  return payload + CHUNK_PREFIX_BYTES;
}

/** Whether the frame from `start` to `end` has the checksums that it states. */
export function isFrameWhole(buffer: Buffer, start: number, end: number, { format, salt }: FrameFormat): boolean {
  if (buffer[start + 8] !== KIND_CHUNK || format === 1) {
    return buffer.readUInt32LE(start) === crc32(buffer, start + 4, end, salt);
  }
  const payload = start + FRAME_HEADER_BYTES;
  const content = payload + CHUNK_PREFIX_BYTES;
  return (
    buffer.readUInt32LE(start) === crc32(buffer, start + 4, content, salt) &&
    buffer.readUInt32LE(payload) === crc32(buffer, content, end)
  );
}

/** Whether a payload of this kind can have this length. False for an unknown kind. */
export function isPayloadLength(kind: number, length: number, format: number): boolean {
  if (kind === KIND_BUNDLE) return length > BUNDLE_PREFIX_BYTES && length <= TRANSACTION_BYTES_MAX;
  if (kind === KIND_CHUNK) {
    const prefix = chunkPrefixBytes(format);
    return length > prefix && length <= prefix + CHUNK_BYTES_MAX;
  }
  if (kind === KIND_DROPPED) return length === DROPPED_PAYLOAD_BYTES;
  if (kind === KIND_REWRITTEN) return length === REWRITTEN_PAYLOAD_BYTES;
  return kind === KIND_COMMIT && length === COMMIT_PAYLOAD_BYTES;
}
