/**
 * Inode numbers as the kernel's overlay shows them (fs/overlayfs/inode.c, ovl_map_dev_ino): those of the host. A node that was
 * copied up keeps the number of what it was copied from, also when it is mounted again: its mark `origin` holds it. Where the
 * layers are on several file systems, the upper bits say which of them it is.
 */

import { type BigIntStats, lstatSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { LayerHandles } from './layer-handles.ts';

/** What a scan has found of a node: the host's number, and the mark of a copy. */
export interface HostNode {
  readonly ino: bigint;
  readonly origin: Uint8Array | null;
}

/** Of the nodes of a layer's own tree. */
export type HostNodes = ReadonlyMap<Ino, HostNode>;

/** As it is shown; one with a file system in its upper bits is no number that a double can hold. */
type Shown = number | bigint;

export interface HostNumbersParts {
  /** Lowest first. */
  readonly lowers: readonly string[];
  readonly upper: string | null;
  readonly handles: LayerHandles;
  /** A node's path in the upper. */
  readonly pathOf: (ino: Ino) => string;
}

export class HostNumbers {
  readonly #parts: HostNumbersParts;
  /** Number of each layer's file system, that of the upper last. The upper's is 0 (ovl_get_fsid). */
  readonly #fileSystems: readonly number[];
  /** Bits that stand in front of a number; 0: all layers are on one file system. */
  readonly #bits: number;
  readonly #known = new Map<Ino, Shown>();

  constructor(parts: HostNumbersParts) {
    this.#parts = parts;
    const { lowers, upper } = parts;
    const devices: number[] = upper === null ? [] : [deviceOf(upper)];
    const topFirst = lowers.toReversed().map(deviceOf);
    for (const device of topFirst) if (!devices.includes(device)) devices.push(device);
    // Without an upper, the place of its file system stays empty.
    const first = upper === null ? 1 : 0;
    this.#fileSystems = [...topFirst.toReversed(), ...(upper === null ? [] : [devices[0]])].map(
      (device) => devices.indexOf(device) + first,
    );
    // One bit more than they need (ovl_fill_super).
    this.#bits = devices.length <= 1 ? 0 : Math.floor(Math.log2(devices.length + first - 1)) + 2;
  }

  /** Whether every layer is on one file system. */
  get isOneFileSystem(): boolean {
    return this.#bits === 0;
  }

  /** Takes the numbers of a layer: the topmost of the directories that merge counts. */
  addLower(merged: Tree, tree: Tree, nodes: HostNodes, layer: number): void {
    this.#walk(merged, tree, (ino, from) => {
      const node = nodes.get(from);
      if (node !== undefined) this.#known.set(ino, this.#shown(node.ino, layer));
    });
  }

  /** Takes those of the upper: a directory that merges keeps the lower's, a copy that of its origin, the root has its own. */
  addUpper(merged: Tree, tree: Tree, nodes: HostNodes): void {
    const { lowers } = this.#parts;
    this.#walk(merged, tree, (ino, from) => {
      const node = nodes.get(from);
      const merges = ino !== ROOT_INO && tree.at(from).dir !== null && this.#known.has(ino);
      if (node === undefined || merges) return;
      this.#known.set(ino, this.#ofOrigin(node.origin) ?? this.#shown(node.ino, lowers.length));
    });
  }

  /** The number that a node is shown with. */
  of(ino: Ino): Shown {
    const known = this.#known.get(ino);
    if (known !== undefined) return known;
    const { pathOf, lowers } = this.#parts;
    let status: BigIntStats | undefined;
    try {
      status = lstatSync(hostPath(pathOf(ino)), { bigint: true, throwIfNoEntry: false });
    } catch {
      // It has no name any more, and nobody has asked for it before.
    }
    if (status === undefined) return ino;
    const shown = this.#shown(status.ino, lowers.length);
    this.#known.set(ino, shown);
    return shown;
  }

  /** The node is gone for everybody. */
  forget(ino: Ino): void {
    this.#known.delete(ino);
  }

  #walk(merged: Tree, tree: Tree, visit: (ino: Ino, from: Ino) => void): void {
    const pending: [Ino, Ino][] = [[ROOT_INO, ROOT_INO]];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [into, from] = next;
      visit(into, from);
      tree.at(from).dir?.entries.forEach((name, child) => {
        const ino = merged.lookup(into, name);
        if (ino === 0) return;
        if (tree.at(child).dir === null) visit(ino, child);
        else pending.push([ino, child]);
      });
    }
  }

  #ofOrigin(origin: Uint8Array | null): Shown | null {
    if (origin === null) return null;
    const found = inoOfHandle(Buffer.from(origin));
    if (found === null) return null;
    const layer = this.#parts.lowers.findIndex((_, index) => this.#parts.handles.uuidOf(index)?.equals(found.uuid));
    return layer < 0 ? null : this.#shown(found.ino, layer);
  }

  #shown(ino: bigint, layer: number): Shown {
    const fileSystem = BigInt(this.#fileSystems[layer]);
    if (this.#bits > 0 && fileSystem > 0n && ino >> BigInt(64 - this.#bits) === 0n)
      return ino | (fileSystem << BigInt(65 - this.#bits));
    return ino <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(ino) : ino;
  }
}

const deviceOf = (directory: string): number => lstatSync(directory).dev;

const HEADER_BYTES = 21;

/**
 * The inode number in a file handle (struct ovl_fb), for file systems that write it there: ext4 and others with FILEID_INO32_GEN,
 * xfs with 64 bits, tmpfs behind a generation, btrfs first.
 */
function inoOfHandle(handle: Buffer): { readonly uuid: Buffer; readonly ino: bigint } | null {
  if (handle.length < HEADER_BYTES + 8 || handle[1] !== 0xfb) return null;
  const uuid = handle.subarray(5, HEADER_BYTES);
  const id = handle.subarray(HEADER_BYTES);
  switch (handle[4]) {
    case 0x01:
      return { uuid, ino: id.length === 12 ? id.readBigUInt64LE(4) : BigInt(id.readUInt32LE(0)) };
    case 0x81:
    case 0x4d:
      return { uuid, ino: id.readBigUInt64LE(0) };
    default:
      return null;
  }
}
