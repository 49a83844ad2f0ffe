import type { NodeRef } from '../../events/node-store.ts';
import { NODE_DIGEST_BYTES } from '../../events/node-store.ts';
import type { ByteReader, ByteWriter } from '../bytes.ts';

/** A reference in a node: position, 7 bytes, and digest. */
const POSITION_LOW = 0x1_0000_0000;
export const NODE_REF_BYTES = 7 + NODE_DIGEST_BYTES;

export function writeRef(writer: ByteWriter, ref: NodeRef): void {
  const high = Math.floor(ref.position / POSITION_LOW);
  writer.uint32(ref.position);
  writer.byte(high & 0xff);
  writer.byte((high >>> 8) & 0xff);
  writer.byte(high >>> 16);
  for (let index = 0; index < NODE_DIGEST_BYTES; index++) writer.byte(ref.digest.charCodeAt(index));
}

export function readRef(reader: ByteReader): NodeRef {
  const { bytes, at } = reader;
  reader.at += NODE_REF_BYTES;
  const high = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16);
  return {
    position: bytes.readUInt32LE(at) + high * POSITION_LOW,
    digest: bytes.toString('latin1', at + 7, at + NODE_REF_BYTES),
  };
}
