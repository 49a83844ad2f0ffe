/** Drivers that know blocks of a device, not files: thin provisioning of device mapper, and disk images such as qcow2. */

import type { CopyUpEvent, FileEvent, Ino } from '../../events/event.ts';
import { S_IFMT, S_IFREG } from '../../events/mode.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import { applyContentEvent, type ContentTarget, sumOf } from './content-events.ts';
import { dataStretches } from './data-stretches.ts';
import { Device, NO_FILE, type UnitRules } from './device.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { FirstWrite, LayerContent, Space, StoredLayer, StoredTree } from './storage-driver.ts';

export interface DeviceRules extends UnitRules {
  /** What stands beside the data of units; `units` are their numbers, ascending. */
  metadataBytes(units: readonly number[]): number;
}

const blocksOf = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES);

/** The device of a layer or of a container: a snapshot of the one below, and what was written since. */
export class DeviceTree implements StoredTree, StoredLayer, ContentTarget {
  readonly #rules: DeviceRules;
  readonly #device: Device;

  constructor(rules: DeviceRules, device = new Device(rules)) {
    this.#rules = rules;
    this.#device = device;
  }

  static decode(rules: DeviceRules, reader: StateReader): DeviceTree {
    return new DeviceTree(rules, Device.decode(rules, reader));
  }

  encode(writer: StateWriter): void {
    this.#device.encode(writer);
  }

  snapshot(): DeviceTree {
    return new DeviceTree(this.#rules, this.#device.snapshot());
  }

  /** A device above, in which nothing has been written yet. */
  above(): DeviceTree {
    return new DeviceTree(this.#rules, this.#device.above());
  }

  /** A layer of an image is unpacked: what it replaces goes, what it brings is written in its order. */
  unpack(layer: LayerContent): this {
    layer.forEachRemoved((_, ino) => this.#device.remove(ino));
    layer.forEachNode((node, ino) => {
      if ((node.mode & S_IFMT) !== S_IFREG) return;
      this.#device.put(ino, { ...NO_FILE, sizeBytes: node.size, names: node.nlink });
      for (const { from, to } of dataStretches(node.content, node.size)) this.write(ino, from, to, 0);
    });
    return this;
  }

  get usedBytes(): number {
    return this.#device.usedBytes;
  }

  get ownSpace(): Space {
    const units: number[] = [];
    this.#device.forEachUnit((unit) => void units.push(unit));
    return { dataBytes: units.length * this.#rules.unitBytes, metadataBytes: this.#rules.metadataBytes(units) };
  }

  share(at: number): void {
    this.#device.share(at);
  }

  apply(event: FileEvent, seq: number): FirstWrite | null {
    return applyContentEvent(this, event, seq);
  }

  /** The file system writes the content of then anew. */
  restore(ino: Ino, then: StoredTree, from: Ino, seq: number): void {
    const file = then instanceof DeviceTree ? then.#device.file(from) : undefined;
    this.#device.remove(ino);
    if (file === undefined) return;
    this.#device.put(ino, { ...NO_FILE, sizeBytes: file.sizeBytes });
    for (let run = 0; run < file.runs.length; run += 3) {
      this.#device.writeBlocks(ino, file.runs[run], file.runs[run] + file.runs[run + 2], seq);
    }
  }

  /** A fork is a snapshot of the device. */
  forkCost(): null {
    return null;
  }

  space(): Space {
    return this.ownSpace;
  }

  retainedBytes(): number {
    return this.#device.freeBytes;
  }

  parts(visit: (key: string, bytes: number) => void): void {
    this.#device.forEachUnit((unit, seq) => visit(`${unit}:${seq}`, this.#rules.unitBytes));
  }

  make(ino: Ino): void {
    this.#device.put(ino, NO_FILE);
  }

  /**
   * A file is changed where it lies. When the overlay broke a hard link, the name that was written takes the blocks along: a
   * device has no copy of them.
   */
  copyUp({ ino, upperIno }: Extract<CopyUpEvent, { type: 'FileCopiedUp' }>): null {
    const file = this.#device.file(ino) ?? NO_FILE;
    if (upperIno !== ino) this.#device.put(ino, { ...NO_FILE, sizeBytes: file.sizeBytes, names: file.names - 1 });
    this.#device.put(upperIno, { ...file, names: 0 });
    return null;
  }

  leaveData(): void {}

  bringData(): null {
    return null;
  }

  write(ino: Ino, from: number, to: number, seq: number): FirstWrite | null {
    const cost = this.#device.writeBlocks(ino, Math.floor(from / BLOCK_BYTES), blocksOf(to), seq);
    const file = this.#device.file(ino) ?? NO_FILE;
    if (to > file.sizeBytes) this.#device.put(ino, { ...file, sizeBytes: to });
    return cost;
  }

  truncate(ino: Ino, size: number, seq: number): FirstWrite | null {
    const before = this.#device.file(ino) ?? NO_FILE;
    const end = Math.min(before.sizeBytes, blocksOf(size) * BLOCK_BYTES);
    const cost = this.#zero(ino, size, end, seq);
    if (size < before.sizeBytes) this.#device.freeBlocks(ino, blocksOf(size), Number.MAX_SAFE_INTEGER);
    this.#device.put(ino, { ...(this.#device.file(ino) ?? NO_FILE), sizeBytes: size });
    return cost;
  }

  punch(ino: Ino, from: number, to: number, seq: number): FirstWrite | null {
    const { sizeBytes } = this.#device.file(ino) ?? NO_FILE;
    const end = Math.min(to, sizeBytes);
    const first = blocksOf(from);
    const last = end === sizeBytes ? blocksOf(end) : Math.floor(end / BLOCK_BYTES);
    if (first > last) return this.#zero(ino, from, end, seq);
    this.#device.freeBlocks(ino, first, last);
    return sumOf(this.#zero(ino, from, first * BLOCK_BYTES, seq), this.#zero(ino, last * BLOCK_BYTES, end, seq));
  }

  /** The file system notes the blocks as its own; the device does not learn of it. */
  reserve(ino: Ino, { from, to, size }: { from: number; to: number; size: number }): void {
    this.#device.placeBlocks(ino, Math.floor(from / BLOCK_BYTES), blocksOf(to));
    this.#device.put(ino, { ...(this.#device.file(ino) ?? NO_FILE), sizeBytes: size });
  }

  drop(ino: Ino, isLast: boolean): void {
    const file = this.#device.file(ino);
    if (file === undefined) return;
    if (isLast || file.names === 1) this.#device.remove(ino);
    else if (file.names > 1) this.#device.put(ino, { ...file, names: file.names - 1 });
  }

  /** A part of one block is zeroed, which is a write to it, unless it is a hole. */
  #zero(ino: Ino, from: number, to: number, seq: number): FirstWrite | null {
    const block = Math.floor(from / BLOCK_BYTES);
    if (to <= from || !this.#device.hasBlock(ino, block)) return null;
    return this.#device.writeBlocks(ino, block, block + 1, seq);
  }
}
