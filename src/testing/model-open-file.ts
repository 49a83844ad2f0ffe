/** What the model's open files answer: reading, writing, seeking, space. */

import { compareNames } from '../events/name.ts';
import { O_APPEND, O_PATH } from '../engine/open-files.ts';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE } from '../engine/calls/space.ts';
import type { FileCall } from './file-call.ts';
import { canRead, canWrite, type ModelNode, Refused, resize, writeAt } from './model-node.ts';

export interface OpenNode {
  readonly node: ModelNode;
  readonly flags: number;
  position: number;
  /** The names that an open directory shows, once it was read. */
  names?: readonly string[] | null;
}

export function readFrom(file: OpenNode, length: number, position: number | null): string {
  if (!canRead(file.flags)) throw new Refused('EBADF');
  if (file.node.children !== null) throw new Refused('EISDIR');
  const at = position ?? file.position;
  const bytes = file.node.data.subarray(at, at + length);
  if (position === null) file.position = at + bytes.length;
  return bytes.toString('latin1');
}

export function writeTo(file: OpenNode, text: string, position: number | null): number {
  if (!canWrite(file.flags)) throw new Refused('EBADF');
  const { node } = file;
  if (text === '') return 0;
  const at = file.flags & O_APPEND ? node.data.length : (position ?? file.position);
  writeAt(node, at, Buffer.from(text, 'latin1'));
  if (position === null) file.position = at + text.length;
  return text.length;
}

export function namesIn(file: OpenNode): readonly string[] {
  if (file.flags & O_PATH) throw new Refused('EBADF');
  if (file.node.children === null) throw new Refused('ENOTDIR');
  if (file.node.nlink === 0) return []; // it was removed
  file.names ??= [...file.node.children.keys()].sort(compareNames);
  return file.names;
}

export function seekIn(file: OpenNode, offset: number, whence: number): number {
  if (file.flags & O_PATH) throw new Refused('EBADF');
  const from = whence === 0 ? 0 : whence === 1 ? file.position : file.node.data.length;
  file.position = from + offset;
  if (file.node.children !== null && file.position === 0) file.names = null;
  return file.position;
}

export function allocate({ node, flags }: OpenNode, mode: number, offset: number, length: number): null {
  if (flags & O_PATH) throw new Refused('EBADF');
  if (length <= 0) throw new Refused('EINVAL');
  if (mode === FALLOC_FL_PUNCH_HOLE) throw new Refused('ENOTSUP');
  if (!canWrite(flags)) throw new Refused('EBADF');
  const end = offset + length;
  if (!(mode & FALLOC_FL_KEEP_SIZE) && end > node.data.length) resize(node, end);
  if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
    const { length: size } = node.data;
    node.data = Buffer.from(node.data).fill(0, Math.min(offset, size), Math.min(end, size));
  }
  return null;
}

export function copyBetween(from: OpenNode, to: OpenNode, call: Extract<FileCall, { readonly call: 'copy' }>): number {
  if ((from.flags | to.flags) & O_PATH) throw new Refused('EBADF');
  if (from.node.children !== null || to.node.children !== null) throw new Refused('EISDIR');
  if (!canRead(from.flags) || !canWrite(to.flags) || to.flags & O_APPEND) throw new Refused('EBADF');
  const { fromPosition: at, toPosition: out } = call;
  const bytes = Buffer.from(from.node.data.subarray(at, at + call.length));
  if (from.node === to.node && at < out + bytes.length && out < at + bytes.length) throw new Refused('EINVAL');
  if (bytes.length > 0) writeAt(to.node, out, bytes);
  return bytes.length;
}
