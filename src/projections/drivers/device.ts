/**
 * A block device in a stack of snapshots, and the file system on it.
 *
 * ```
 * file ──▶ blocks of a file system (4 KiB) ──▶ units of the device (64 KiB, …)
 *          where: block-allocator.ts            shared with the snapshots below until one is written
 * ```
 *
 * Where the file system would put a file is an assumption, and only that: blocks lie in the order in which they were first
 * written. What the file system writes beside content (journal, inode tables, bitmaps, directories) is not counted.
 */

import type { Ino } from '../../events/event.ts';
import { BLOCK_BYTES } from '../tree/page.ts';
import { Owner, Trie } from '../tree/trie.ts';
import { BlockAllocator } from './block-allocator.ts';
import { forEachStretch, NO_RUNS, decodeRuns, type Runs, withoutBlocks, withRun, encodeRuns } from './device-file.ts';
import { uncoveredBytes } from './granule-file.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { FirstWrite } from './storage-driver.ts';

export interface UnitRules {
  readonly unitBytes: number;
  /** What of a unit is copied when a part of it is written: all of it, or what the write leaves. */
  readonly copies: 'whole' | 'rest';
}

/** Never changed once made. */
export interface DeviceFile {
  readonly sizeBytes: number;
  readonly runs: Runs;
  /** Names that are left of a file that no container has changed; 0 of others, whose last name the log tells. */
  readonly names: number;
}

export const NO_FILE: DeviceFile = { sizeBytes: 0, runs: NO_RUNS, names: 0 };

/** Every file without anything is the same one, also in what was stored and is gone on with. */
const orNoFile = (file: DeviceFile): DeviceFile =>
  file.sizeBytes === 0 && file.runs.length === 0 && file.names === 0 ? NO_FILE : file;

export class Device {
  readonly #rules: UnitRules;
  #owner = new Owner();
  #files = new Trie<DeviceFile>();
  #blocks = new BlockAllocator();
  /** Units that were written since the snapshot, with the number of the event that did it last. */
  #units = new Trie<number>();
  /** Units below this one hold something in the devices below. */
  #unitsBelow = 0;
  #sharedUpTo = Number.NEGATIVE_INFINITY;

  constructor(rules: UnitRules) {
    this.#rules = rules;
  }

  static decode(rules: UnitRules, reader: StateReader): Device {
    const device = new Device(rules);
    device.#unitsBelow = reader.varint();
    const isShared = reader.byte() === 1;
    if (isShared) device.#sharedUpTo = reader.varint();
    device.#blocks = BlockAllocator.decode(reader);
    device.#units = reader.numbers();
    device.#files = reader.trie(() =>
      reader.shared(() => orNoFile({ sizeBytes: reader.varint(), names: reader.signed(), runs: decodeRuns(reader) })),
    );
    return device;
  }

  encode(writer: StateWriter): void {
    const isShared = this.#sharedUpTo >= 0;
    writer.varint(this.#unitsBelow);
    writer.byte(isShared ? 1 : 0);
    if (isShared) writer.varint(this.#sharedUpTo);
    this.#blocks.encode(writer);
    writer.numbers(this.#units);
    writer.trie(this.#files, (file) =>
      writer.shared(orNoFile(file), ({ sizeBytes, names, runs }) => {
        writer.varint(sizeBytes);
        writer.signed(names);
        encodeRuns(writer, runs);
      }),
    );
  }

  /** The device as it is now, as a value of its own. */
  snapshot(): Device {
    const copy = new Device(this.#rules);
    copy.#files = this.#files.share();
    copy.#blocks = this.#blocks.snapshot();
    copy.#units = this.#units.share();
    copy.#unitsBelow = this.#unitsBelow;
    copy.#sharedUpTo = this.#sharedUpTo;
    this.#owner = new Owner();
    return copy;
  }

  /** A device above this one, in which nothing has been written yet. */
  above(): Device {
    const copy = this.snapshot();
    copy.#units = new Trie<number>();
    copy.#unitsBelow = Math.ceil(this.usedBytes / this.#rules.unitBytes);
    return copy;
  }

  /** Bytes of the device that were ever used. */
  get usedBytes(): number {
    return this.#blocks.next * BLOCK_BYTES;
  }

  /** What was there after event `at` belongs to somebody else, too. */
  share(at: number): void {
    this.#sharedUpTo = Math.max(this.#sharedUpTo, at);
  }

  /** Visits the units that this device has written itself, in their order. */
  forEachUnit(visit: (unit: number, seq: number) => void): void {
    this.#units.forEach((seq, unit) => visit(unit, seq));
  }

  /** Bytes of free blocks in units of this device: the file system has given them up, the device has not. */
  get freeBytes(): number {
    const { unitBytes } = this.#rules;
    let bytes = 0;
    this.#blocks.forEachFree((block, count) => {
      const start = block * BLOCK_BYTES;
      const end = start + count * BLOCK_BYTES;
      for (let unit = Math.floor(start / unitBytes); unit * unitBytes < end; unit++) {
        if (this.#units.get(unit) === undefined) continue;
        bytes += Math.min(end, (unit + 1) * unitBytes) - Math.max(start, unit * unitBytes);
      }
    });
    return bytes;
  }

  file(ino: Ino): DeviceFile | undefined {
    return this.#files.get(ino);
  }

  hasBlock(ino: Ino, block: number): boolean {
    let isThere = false;
    forEachStretch(this.#files.get(ino)?.runs ?? NO_RUNS, block, block + 1, (_, at) => {
      isThere = at >= 0;
    });
    return isThere;
  }

  put(ino: Ino, file: DeviceFile): void {
    this.#files.set(ino, file, this.#owner);
  }

  /** A file goes, and its blocks are free. */
  remove(ino: Ino): void {
    this.freeBlocks(ino, 0, Number.MAX_SAFE_INTEGER);
    this.#files.delete(ino, this.#owner);
  }

  freeBlocks(ino: Ino, from: number, end: number): void {
    const file = this.#files.get(ino);
    if (file === undefined) return;
    const runs = withoutBlocks(file.runs, from, end, (block, count) => this.#blocks.free(block, count));
    this.put(ino, { ...file, runs });
  }

  /**
   * Writes blocks `[from, end)` of a file where they are, or where the file system puts them. A file system writes whole
   * blocks.
   */
  writeBlocks(ino: Ino, from: number, end: number, seq: number): FirstWrite | null {
    const cost = { copiedBytes: 0, takenBytes: 0 };
    for (const [block, count] of this.placeBlocks(ino, from, end)) this.#writeUnits(block, count, seq, cost);
    return cost.takenBytes === 0 ? null : cost;
  }

  /** Where blocks of a file lie, new ones for those that lie nowhere yet. */
  placeBlocks(ino: Ino, from: number, end: number): [block: number, count: number][] {
    const file = this.#files.get(ino) ?? NO_FILE;
    const places: [number, number][] = [];
    let { runs } = file;
    forEachStretch(file.runs, from, end, (fileBlock, deviceBlock, count) => {
      if (deviceBlock >= 0) {
        places.push([deviceBlock, count]);
        return;
      }
      for (let done = 0; done < count;) {
        const taken = this.#blocks.take(count - done);
        runs = withRun(runs, fileBlock + done, taken.block, taken.count);
        places.push([taken.block, taken.count]);
        done += taken.count;
      }
    });
    this.put(ino, { ...file, runs });
    return places;
  }

  #writeUnits(block: number, count: number, seq: number, cost: { copiedBytes: number; takenBytes: number }): void {
    const { unitBytes, copies } = this.#rules;
    const from = block * BLOCK_BYTES;
    const to = from + count * BLOCK_BYTES;
    for (let unit = Math.floor(from / unitBytes); unit * unitBytes < to; unit++) {
      const stamp = this.#units.get(unit);
      const isShared = stamp === undefined ? unit < this.#unitsBelow : stamp <= this.#sharedUpTo;
      if (isShared) {
        const rest = uncoveredBytes(unit * unitBytes, (unit + 1) * unitBytes, from, to);
        cost.copiedBytes += copies === 'whole' && rest > 0 ? unitBytes : rest;
        cost.takenBytes += unitBytes;
      }
      this.#units.set(unit, seq, this.#owner);
    }
  }
}
