/**
 * Drivers that share files part by part: snapshots of btrfs and ZFS, and overlay2 where the file system below clones a file
 * when it is copied up. A copy-up costs nothing here; the first write to a part of a file does.
 */

import type { CopyUpEvent, FileEvent, Ino } from '../../events/event.ts';
import { Owner, Trie } from '../tree/trie.ts';
import { STORED } from '../stored/stored-trie.ts';
import { applyContentEvent, type ContentTarget, sumOf } from './content-events.ts';
import { BaseFile, GranuleFile, uncoveredBytes } from './granule-file.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { ContainerTotals, FirstWrite, LowerFiles, Space, StoredTree } from './storage-driver.ts';

export interface GranuleRules {
  readonly granuleBytes: number;
  /**
   * When the part of the last granule behind a file's end is zeroed, which is a write to it: when the file is cut there, or not
   * before it grows again.
   */
  readonly zeroesTail: 'when cut' | 'when grown';
  /** A copy-up sets the size of the clone, and that counts as cutting it. */
  readonly copyUpCuts?: boolean;
  /**
   * A file is copied up as a whole, holes written out, and nothing of it is shared any more. Default: a copy-up shares, and each
   * granule is copied when it is written.
   */
  readonly copiesWhole?: boolean;
  /** What a file takes of which so many granules are its own. */
  fileBytes(ownGranules: number, sizeBytes: number): number;
  /** What takes room as data beside regular files. Default: nothing. */
  otherBytes?(totals: ContainerTotals): number;
  /** What stands beside the data. */
  metadataBytes(totals: ContainerTotals): number;
  /** What a fork has to copy; null: it is a snapshot. */
  forkCost(totals: ContainerTotals): FirstWrite | null;
}

export class GranuleTree implements StoredTree, ContentTarget {
  readonly #rules: GranuleRules;
  readonly lower: LowerFiles;
  readonly #files: Trie<GranuleFile>;
  #owner = new Owner();
  /** Somebody else holds what was written up to here. */
  #sharedUpTo = 0;

  constructor(rules: GranuleRules, lower: LowerFiles, files = new Trie<GranuleFile>()) {
    this.#rules = rules;
    this.lower = lower;
    this.#files = files;
  }

  static decode(rules: GranuleRules, reader: StateReader, lower: LowerFiles): GranuleTree {
    const sharedUpTo = reader.varint();
    const decode = (): GranuleFile => GranuleFile.decode(reader, STORED, rules.granuleBytes, lower);
    const tree = new GranuleTree(
      rules,
      lower,
      reader.trie(() => reader.shared(decode)),
    );
    tree.#sharedUpTo = sharedUpTo;
    return tree;
  }

  encode(writer: StateWriter): void {
    writer.varint(this.#sharedUpTo);
    writer.trie(this.#files, (file) => writer.shared(file, () => file.encode(writer)));
  }

  snapshot(): GranuleTree {
    const copy = new GranuleTree(this.#rules, this.lower, this.#files.share());
    copy.#sharedUpTo = this.#sharedUpTo;
    this.#owner = new Owner();
    return copy;
  }

  share(at: number): void {
    this.#sharedUpTo = Math.max(this.#sharedUpTo, at);
  }

  apply(event: FileEvent, seq: number): FirstWrite | null {
    return applyContentEvent(this, event, seq);
  }

  forkCost(totals: ContainerTotals): FirstWrite | null {
    return this.#rules.forkCost(totals);
  }

  restore(ino: Ino, then: StoredTree, from: Ino): void {
    const file = then instanceof GranuleTree ? then.#files.get(from) : undefined;
    if (file === undefined) this.drop(ino, true);
    else this.#files.set(ino, file.copy(this.#owner), this.#owner);
  }

  space(totals: ContainerTotals): Space {
    let dataBytes = this.#rules.otherBytes?.(totals) ?? 0;
    this.#files.forEach(({ ownCount, sizeBytes }, ino) => {
      if (!totals.has(ino)) return;
      dataBytes += this.#rules.fileBytes(ownCount, sizeBytes);
    });
    return { dataBytes, metadataBytes: this.#rules.metadataBytes(totals) };
  }

  retainedBytes(): number {
    return 0;
  }

  /** Visits the files of this layer with the number of their own granules. */
  forEachFile(visit: (ino: Ino, ownGranules: number, sizeBytes: number) => void): void {
    this.#files.forEach(({ ownCount, sizeBytes }, ino) => visit(ino, ownCount, sizeBytes));
  }

  parts(visit: (key: string, bytes: number) => void, has: (ino: Ino) => boolean): void {
    if (this.#rules.copiesWhole === true) return;
    this.#files.forEach((file, ino) => {
      if (file.ownCount === 0 || !has(ino)) return;
      const each = this.#rules.fileBytes(file.ownCount, file.sizeBytes) / file.ownCount;
      file.forEachOwn((granule, seq) => visit(`${ino}:${granule}:${seq}`, each));
    });
  }

  make(ino: Ino): void {
    this.#files.set(ino, this.#file(null, 0), this.#owner);
  }

  copyUp(event: Extract<CopyUpEvent, { type: 'FileCopiedUp' }>, seq: number): FirstWrite | null {
    const below = this.lower.get(event.ino);
    if (this.#rules.copiesWhole === true) {
      const copy = this.#file(null, 0);
      this.#files.set(event.upperIno, copy, this.#owner);
      return event.withData ? this.#copyWhole(copy, below?.size ?? event.bytes, seq) : null;
    }
    const file = this.#file(event.withData ? this.#base(event.ino) : null, below?.size ?? event.bytes);
    this.#files.set(event.upperIno, file, this.#owner);
    return this.#rules.copyUpCuts === true ? this.#zeroTail(file, seq) : null;
  }

  leaveData(ino: Ino, dataIno: Ino): void {
    const below = this.lower.get(dataIno);
    this.#files.set(ino, this.#file(this.#base(dataIno), below?.size ?? 0), this.#owner);
  }

  bringData(ino: Ino, seq: number): FirstWrite | null {
    if (this.#rules.copiesWhole === true) {
      const file = this.#edit(ino);
      return this.#copyWhole(file, file.sizeBytes, seq);
    }
    return this.#rules.copyUpCuts === true ? this.#zeroTail(this.#edit(ino), seq) : null;
  }

  write(ino: Ino, from: number, to: number, seq: number): FirstWrite | null {
    const file = this.#edit(ino);
    const tail = from > file.sizeBytes ? this.#zeroTail(file, seq) : null;
    return sumOf(tail, this.#write(file, from, to, seq));
  }

  truncate(ino: Ino, size: number, seq: number): FirstWrite | null {
    const file = this.#edit(ino);
    const isCut = size < file.sizeBytes;
    if (isCut) file.truncate(size);
    const isZeroed = isCut ? this.#rules.zeroesTail === 'when cut' : size > file.sizeBytes;
    const cost = isZeroed ? this.#zeroTail(file, seq) : null;
    file.sizeBytes = size;
    return cost;
  }

  punch(ino: Ino, from: number, to: number, seq: number): FirstWrite | null {
    const file = this.#edit(ino);
    const { granuleBytes } = this.#rules;
    const end = Math.min(to, file.sizeBytes);
    if (end <= from) return null;
    const first = Math.ceil(from / granuleBytes);
    const last = end === file.sizeBytes ? Math.ceil(end / granuleBytes) : Math.floor(end / granuleBytes);
    if (first > last) return this.#zero(file, from, end, seq);
    file.drop(first, last);
    const head = this.#zero(file, from, first * granuleBytes, seq);
    return sumOf(head, this.#zero(file, last * granuleBytes, end, seq));
  }

  reserve(ino: Ino, { from, to, size }: { from: number; to: number; size: number }, seq: number): void {
    const file = this.#edit(ino);
    const { granuleBytes } = this.#rules;
    for (let granule = Math.floor(from / granuleBytes); granule * granuleBytes < to; granule++) {
      if (file.state(granule) === 'hole') file.write(granule, seq);
    }
    file.sizeBytes = size;
  }

  drop(ino: Ino, isLast: boolean): void {
    if (isLast) this.#files.delete(ino, this.#owner);
  }

  #base(ino: Ino): BaseFile | null {
    return this.lower.get(ino)?.content == null ? null : new BaseFile(this.lower, ino);
  }

  #file(base: BaseFile | null, sizeBytes: number): GranuleFile {
    return new GranuleFile(this.#owner, this.#rules.granuleBytes, base, sizeBytes);
  }

  #edit(ino: Ino): GranuleFile {
    const file = this.#files.edit(ino, this.#owner, (value, owner) =>
      value.owner === owner ? value : value.copy(owner),
    );
    if (file !== undefined) return file;
    this.make(ino);
    return this.#files.get(ino) as GranuleFile;
  }

  #write(file: GranuleFile, from: number, to: number, seq: number): FirstWrite | null {
    const { granuleBytes } = this.#rules;
    let copiedBytes = 0;
    let takenBytes = 0;
    const end = Math.ceil(to / granuleBytes);
    for (let granule = Math.floor(from / granuleBytes); granule < end; granule++) {
      if (this.#isShared(file, granule)) {
        const start = granule * granuleBytes;
        copiedBytes += uncoveredBytes(start, Math.min(start + granuleBytes, file.sizeBytes), from, to);
        takenBytes += this.#rules.fileBytes(1, file.sizeBytes);
      }
      file.write(granule, seq);
    }
    if (to > file.sizeBytes) file.sizeBytes = to;
    return takenBytes === 0 && copiedBytes === 0 ? null : { copiedBytes, takenBytes };
  }

  #copyWhole(file: GranuleFile, sizeBytes: number, seq: number): FirstWrite {
    const { granuleBytes } = this.#rules;
    const end = Math.ceil(sizeBytes / granuleBytes);
    for (let granule = 0; granule < end; granule++) file.write(granule, seq);
    file.sizeBytes = sizeBytes;
    return { copiedBytes: sizeBytes, takenBytes: end * granuleBytes };
  }

  #isShared(file: GranuleFile, granule: number): boolean {
    if (this.#rules.copiesWhole === true) return false;
    const state = file.state(granule);
    return state === 'base' || (typeof state === 'number' && state <= this.#sharedUpTo);
  }

  /** What lies behind the end of a file in its last granule is zeroed. */
  #zeroTail(file: GranuleFile, seq: number): FirstWrite | null {
    const { granuleBytes } = this.#rules;
    const { sizeBytes } = file;
    const cost = this.#zero(file, sizeBytes, Math.ceil(sizeBytes / granuleBytes) * granuleBytes, seq);
    file.sizeBytes = sizeBytes;
    return cost;
  }

  /** A part of one granule is zeroed, which is a write to it, unless it is a hole. */
  #zero(file: GranuleFile, from: number, to: number, seq: number): FirstWrite | null {
    if (to <= from || file.state(Math.floor(from / this.#rules.granuleBytes)) === 'hole') return null;
    return this.#write(file, from, to, seq);
  }
}
