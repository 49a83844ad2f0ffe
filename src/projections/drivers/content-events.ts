/** File events in the words of storage: what of a file was written, reserved or given up. The rest costs no content. */

import type { CopyUpEvent, FileEvent, Ino } from '../../events/event.ts';
import { S_IFMT, S_IFREG } from '../../events/mode.ts';
import type { FirstWrite } from './storage-driver.ts';

/** Takes what {@link applyContentEvent} finds. Stretches are bytes, `to` exclusive; `seq` is the event's number. */
export interface ContentTarget {
  /** A regular file was made. */
  make(ino: Ino): void;
  /** The overlay copied a file of the image up. */
  copyUp(event: Extract<CopyUpEvent, { type: 'FileCopiedUp' }>, seq: number): FirstWrite | null;
  /** `metacopy` brought attributes up only: the data is still that of node `dataIno` of the image. */
  leaveData(ino: Ino, dataIno: Ino): void;
  /** That data was copied up, too. */
  bringData(ino: Ino, seq: number): FirstWrite | null;
  write(ino: Ino, from: number, to: number, seq: number): FirstWrite | null;
  truncate(ino: Ino, size: number, seq: number): FirstWrite | null;
  /** Whole blocks are given up, parts of blocks are zeroed. */
  punch(ino: Ino, from: number, to: number, seq: number): FirstWrite | null;
  /** Blocks for a stretch are there from now on, whatever they hold. `size` is the file's then. */
  reserve(ino: Ino, stretch: { readonly from: number; readonly to: number; readonly size: number }, seq: number): void;
  /** A name went; with `isLast` nothing holds the node any more. A node of the image may have other names. */
  drop(ino: Ino, isLast: boolean): void;
}

export function applyContentEvent(target: ContentTarget, event: FileEvent, seq: number): FirstWrite | null {
  switch (event.type) {
    case 'Written':
      return target.write(event.ino, event.offset, event.offset + event.length, seq);
    case 'Truncated':
      return target.truncate(event.ino, event.size, seq);
    case 'HolePunched':
      return target.punch(event.ino, event.offset, event.offset + event.length, seq);
    case 'Allocated': {
      const to = event.offset + event.length;
      const cost = event.zeroed ? target.punch(event.ino, event.offset, to, seq) : null;
      target.reserve(event.ino, { from: event.offset, to, size: event.size }, seq);
      return cost;
    }
    case 'NodeCreated':
      if ((event.mode & S_IFMT) === S_IFREG) target.make(event.ino);
      return null;
    case 'FileCopiedUp':
      return target.copyUp(event, seq);
    case 'MetacopySet':
      target.leaveData(event.ino, event.dataIno);
      return null;
    case 'DataCopiedUp':
      return target.bringData(event.ino, seq);
    case 'Unlinked':
      target.drop(event.ino, event.released && event.nlink === 0);
      return null;
    case 'Renamed': {
      const isLast = event.replacedReleased && event.replacedNlink === 0;
      if (event.replaced !== 0 && !event.exchange) target.drop(event.replaced, isLast);
      return null;
    }
    case 'NodeReleased':
      target.drop(event.ino, true);
      return null;
    case 'Linked':
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
    case 'OpaqueSet':
    case 'RedirectSet':
    case 'LinkedUp':
    case 'DirectoryCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
    case 'AttributesChanged':
    case 'XattrSet':
    case 'XattrRemoved':
      return null;
  }
}

/** Costs of two parts of one event. */
export function sumOf(a: FirstWrite | null, b: FirstWrite | null): FirstWrite | null {
  if (a === null || b === null) return a ?? b;
  return { copiedBytes: a.copiedBytes + b.copiedBytes, takenBytes: a.takenBytes + b.takenBytes };
}
