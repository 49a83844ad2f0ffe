/**
 * Name maps in a store of nodes. A map of one node lies in its inode; a larger one is loaded by what is touched.
 *
 * ```
 * leaf   00 · count varint · (name · number varint) …
 * inner  01 · count varint · (smallest name below the child · reference) …
 * ```
 */

import type { NodeReader, NodeRef, NodeWriter } from '../../events/node-store.ts';
import { ByteReader, ByteWriter } from '../bytes.ts';
import { NameMap, NameNode, type NameNodeParts } from '../tree/name-map.ts';
import { readRef, writeRef } from './node-ref.ts';
import { isDamage, STORED } from './stored-trie.ts';

const LEAF = 0;
const INNER = 1;

/** Whether a map has nodes of its own, which {@link storeNames} stores before the map is encoded. */
export const hasNodes = (names: NameMap | null): boolean => names !== null && (names.root?.children ?? null) !== null;

/** Stores the nodes of a map that nobody changes any more. */
export function* storeNames(nodes: NodeWriter, names: NameMap): Generator<void, void> {
  const { root } = names;
  if (root?.children) yield* storeNode(nodes, root, new ByteWriter());
}

function* storeNode(nodes: NodeWriter, node: NameNode, writer: ByteWriter): Generator<void, NodeRef> {
  const before = node.stored as NodeRef | null;
  if (before !== null && nodes.keeps(before)) return before;
  const parts = filledParts(node);
  const children: NodeRef[] = [];
  if (parts.children !== null)
    for (const child of parts.children) children.push(yield* storeNode(nodes, child, writer));
  writer.reset();
  if (parts.children === null) writeLeaf(writer, parts);
  else {
    writer.byte(INNER);
    writer.varint(children.length);
    children.forEach((ref, index) => {
      writer.shortText(parts.names[index]);
      writeRef(writer, ref);
    });
  }
  const ref = nodes.write(writer.bytes());
  node.stored = ref;
  yield;
  return ref;
}

/** A map in an inode: its size, then its one node, or the reference to its root. */
export function encodeNames(writer: ByteWriter, names: NameMap | null): void {
  const root = names?.root ?? null;
  writer.varint(names?.size ?? 0);
  if (root === null) return;
  if (root.children === null) return writeLeaf(writer, root);
  writer.byte(INNER);
  writeRef(writer, root.stored as NodeRef);
}

/** @param rescue - The same map, made without the store. */
export function decodeNames(reader: ByteReader, nodes: NodeReader, rescue: () => NameMap | null): NameMap {
  const size = reader.varint();
  if (size === 0) return new NameMap();
  if (reader.byte() === LEAF) {
    const { names, values } = readLeaf(reader);
    return NameMap.of(new NameNode(STORED, names, values, null), size);
  }
  const root = lazyNode(readRef(reader), nodes, () => rescue()?.root ?? null);
  return NameMap.of(root, size);
}

function lazyNode(ref: NodeRef, nodes: NodeReader, rescue: () => NameNode | null): NameNode {
  const fill = (): NameNodeParts => {
    try {
      return readNode(new ByteReader(nodes.node(ref)), nodes, rescue);
    } catch (error) {
      const rescued = isDamage(error) ? rescue() : null;
      if (rescued === null) throw error;
      return filledParts(rescued);
    }
  };
  const node = NameNode.lazy(STORED, { fill });
  node.stored = ref;
  return node;
}

function readNode(reader: ByteReader, nodes: NodeReader, rescue: () => NameNode | null): NameNodeParts {
  if (reader.byte() === LEAF) return readLeaf(reader);
  const names: string[] = [];
  const children: NameNode[] = [];
  const count = reader.varint();
  for (let index = 0; index < count; index++) {
    names.push(reader.shortText());
    const rescueChild = (): NameNode | null => {
      const parent = rescue();
      return parent === null ? null : (filledParts(parent).children?.[index] ?? null);
    };
    children.push(lazyNode(readRef(reader), nodes, rescueChild));
  }
  return { names, values: [], children };
}

function writeLeaf(writer: ByteWriter, { names, values }: NameNodeParts): void {
  writer.byte(LEAF);
  writer.varint(names.length);
  for (let index = 0; index < names.length; index++) {
    writer.shortText(names[index]);
    writer.varint(values[index]);
  }
}

function readLeaf(reader: ByteReader): NameNodeParts {
  const names: string[] = [];
  const values: number[] = [];
  for (let count = reader.varint(); count > 0; count--) {
    names.push(reader.shortText());
    values.push(reader.varint());
  }
  return { names, values, children: null };
}

const filledParts = (node: NameNode): NameNodeParts => NameMap.of(node, 0).root as NameNode;
