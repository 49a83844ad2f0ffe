/** The objects of the model (model.ts): what they hold, and the small things that happen to one of them. */

import { kindOf, type NodeKind, PERMISSION_BITS, S_IFDIR, S_IFMT } from '../events/mode.ts';
import { nameBytes } from '../events/name.ts';
import { O_ACCMODE, O_PATH, O_RDONLY, O_WRONLY } from '../engine/open-files.ts';
import type { StatOutcome } from './file-call.ts';

export interface ModelNode {
  /** Format and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Of a file its content, of a symbolic link its target. */
  data: Buffer;
  target: string;
  xattrs: Map<string, string>;
  /** Of a directory. */
  children: Map<string, ModelNode> | null;
  parent: ModelNode | null;
  /** It is, or merges with, a directory of a layer. */
  hasLower: boolean;
  /** Made by O_TMPFILE and never linked: it may still get a name. */
  isTemporary: boolean;
}

/** A refusal, by its code. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export function newNode(mode: number, uid: number, gid: number): ModelNode {
  const children = (mode & S_IFMT) === S_IFDIR ? new Map<string, ModelNode>() : null;
  return {
    mode,
    uid,
    gid,
    nlink: 1,
    data: Buffer.alloc(0),
    target: '',
    xattrs: new Map(),
    children,
    parent: null,
    hasLower: false,
    isTemporary: false,
  };
}

export function attach(parent: ModelNode, name: string, node: ModelNode): void {
  parent.children?.set(name, node);
  if (node.children !== null) node.parent = parent;
}

export function detach(parent: ModelNode, name: string): void {
  const node = parent.children?.get(name);
  parent.children?.delete(name);
  if (node !== undefined) node.nlink -= 1;
}

export function inherit(directory: ModelNode, node: ModelNode): void {
  if (!(directory.mode & 0o2000)) return;
  node.gid = directory.gid;
  if (node.children !== null) node.mode |= 0o2000;
}

export function isInside(directory: ModelNode, ancestor: ModelNode): boolean {
  for (let at: ModelNode | null = directory; at !== null; at = at.parent) if (at === ancestor) return true;
  return false;
}

export const isLink = (node: ModelNode): boolean => kindOf(node.mode) === 'symlink';

export const takesUserXattrs = (node: ModelNode): boolean => node.children !== null || kindOf(node.mode) === 'file';

export function expectXattrName(name: string): void {
  const [namespace, ...rest] = name.split('.');
  if (!['user', 'trusted', 'security'].includes(namespace)) throw new Refused('ENOTSUP');
  if (rest.join('.') === '') throw new Refused('EINVAL');
}

export const canRead = (flags: number): boolean => !(flags & O_PATH) && (flags & O_ACCMODE) !== O_WRONLY;

export const canWrite = (flags: number): boolean => !(flags & O_PATH) && (flags & O_ACCMODE) !== O_RDONLY;

export function resize(node: ModelNode, size: number): null {
  const data = Buffer.alloc(size);
  node.data.copy(data);
  node.data = data;
  return null;
}

export function writeAt(node: ModelNode, at: number, bytes: Buffer): void {
  if (at + bytes.length > node.data.length) resize(node, at + bytes.length);
  else node.data = Buffer.from(node.data);
  bytes.copy(node.data, at);
}

/** A directory's link count is 2 and one for each directory in it; 0 when it was removed. */
export function statOf(node: ModelNode): StatOutcome {
  const kind: NodeKind = kindOf(node.mode);
  const subdirectories = [...(node.children?.values() ?? [])].filter((child) => child.children !== null).length;
  return {
    kind,
    mode: node.mode & PERMISSION_BITS,
    uid: node.uid,
    gid: node.gid,
    nlink: node.children === null ? node.nlink : node.nlink === 0 ? 0 : 2 + subdirectories,
    size: node.children !== null ? null : isLink(node) ? nameBytes(node.target) : node.data.length,
  };
}

export function chmod(node: ModelNode, mode: number): null {
  if (isLink(node)) throw new Refused('ENOTSUP');
  node.mode = (node.mode & S_IFMT) | (mode & PERMISSION_BITS);
  return null;
}

export function setXattr(node: ModelNode, name: string, value: string, flags: number): null {
  if (name.startsWith('user.') && !takesUserXattrs(node)) throw new Refused('EPERM');
  expectXattrName(name);
  if (flags & 1 && node.xattrs.has(name)) throw new Refused('EEXIST');
  if (flags & 2 && !node.xattrs.has(name)) throw new Refused('ENODATA');
  node.xattrs.set(name, value);
  return null;
}
