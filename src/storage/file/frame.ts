import { TRANSACTION_PREFIX_BYTES } from '../../events/codec.ts';
import { DIGEST_BYTES } from '../columns.ts';
import { crc32 } from '../crc32.ts';

/**
 * Frames: what a segment consists of behind its header (docs/log-format.md, "Frames"). All integers little endian.
 *
 *     0      4        8      9
 *     ┌──────┬────────┬──────┬─────────────────┐
 *     │ crc  │ length │ kind │ payload         │   length: bytes of the payload
 *     │ u32  │ u32    │ u8   │ length bytes    │   crc: CRC-32 of length, kind and payload, seeded with the salt
 *     └──────┴────────┴──────┴─────────────────┘
 *
 *     chunk (1)         number u64 · SHA-256, 32 bytes · content, 1 to 65,536 bytes
 *     transaction (2)   seq u64 · count u32 · MessagePack (codec.ts)
 *     commit (3)        offset of this frame u64 · durable bytes u64 · head seq u64 · chain hash, 32 bytes
 *
 * The salt is a random number of the segment. Content may hold a copy of a log; with the salt, and with a commit frame
 * that states its own offset, a copy is not mistaken for frames of this segment.
 */
export const FRAME_HEADER_BYTES = 9;

export const KIND_CHUNK = 1;
export const KIND_TRANSACTION = 2;
export const KIND_COMMIT = 3;

/** In front of a chunk's content: its number and digest. */
export const CHUNK_PREFIX_BYTES = 8 + DIGEST_BYTES;

/** The commit payload in front of its chain hash. */
export const COMMIT_PREFIX_BYTES = 24;
export const COMMIT_PAYLOAD_BYTES = COMMIT_PREFIX_BYTES + DIGEST_BYTES;
export const COMMIT_FRAME_BYTES = FRAME_HEADER_BYTES + COMMIT_PAYLOAD_BYTES;

/** Largest encoded transaction; a frame that claims more is bad. */
export const TRANSACTION_BYTES_MAX = 64 * 1024 * 1024;

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

/** Whether the frame from `start` to `end` has the checksum that it states. */
export function isFrameWhole(buffer: Buffer, start: number, end: number, salt: number): boolean {
  return buffer.readUInt32LE(start) === crc32(buffer, start + 4, end, salt);
}

/** Whether a payload of this kind can have this length. False for an unknown kind. */
export function isPayloadLength(kind: number, length: number): boolean {
  if (kind === KIND_TRANSACTION) return length > TRANSACTION_PREFIX_BYTES && length <= TRANSACTION_BYTES_MAX;
  if (kind === KIND_CHUNK) return length > CHUNK_PREFIX_BYTES && length <= CHUNK_PREFIX_BYTES + 65_536;
  return kind === KIND_COMMIT && length === COMMIT_PAYLOAD_BYTES;
}
