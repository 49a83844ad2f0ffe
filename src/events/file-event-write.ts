import type { FileEvent } from './event.ts';
import { writeTime } from './event-codec-times.ts';
import { writeName } from './cause-path.ts';
import type { PackWriter } from './pack-writer.ts';

/**
 * Writes a file event: `[code, field, …]` in the order that docs/log-format.md lists. The inverse is `readFileEvent`.
 *
 * A code is never used twice, and a field never changes its meaning: a changed event gets a new code and a new format.
 * The most frequent events stand first, since a switch on strings compares one by one.
 */
export function writeFileEvent(out: PackWriter, event: FileEvent): void {
  out.reserve(out.at === 0 ? 512 : 192);
  switch (event.type) {
    case 'Written':
      return writeWritten(out, event);
    case 'NodeCreated':
      return writeNode(out, event);
    case 'FileCopiedUp':
      head(out, 10, 61);
      out.number(event.parent);
      writeName(out, event.name);
      out.number(event.ino);
      out.number(event.upperIno);
      out.number(event.layer);
      out.number(event.bytes);
      out.number(event.copiedBytes);
      out.flag(event.withData);
      return writeTime(out, event.ctimeNs);
    case 'Truncated':
      head(out, 4, 72);
      out.number(event.ino);
      out.number(event.size);
      return writeTime(out, event.timeNs);
    case 'AttributesChanged':
      head(out, 8, 80);
      out.number(event.ino);
      out.numberOrNil(event.mode);
      out.numberOrNil(event.uid);
      out.numberOrNil(event.gid);
      writeTime(out, event.atimeNs);
      writeTime(out, event.mtimeNs);
      return writeTime(out, event.ctimeNs);
    case 'Unlinked':
      head(out, 7, 52);
      out.number(event.parent);
      writeName(out, event.name);
      out.number(event.ino);
      out.number(event.nlink);
      out.flag(event.released);
      return writeTime(out, event.timeNs);
    case 'WhiteoutCreated':
      head(out, 3, 54);
      out.number(event.parent);
      return writeName(out, event.name);
    case 'Renamed':
      head(out, 11, 53);
      out.number(event.ino);
      out.number(event.fromParent);
      writeName(out, event.fromName);
      out.number(event.toParent);
      writeName(out, event.toName);
      out.number(event.replaced);
      out.number(event.replacedNlink);
      out.flag(event.replacedReleased);
      out.flag(event.exchange);
      return writeTime(out, event.timeNs);
    case 'Linked':
      head(out, 7, 51);
      out.number(event.parent);
      writeName(out, event.name);
      out.number(event.ino);
      out.number(event.nlink);
      writeTime(out, event.timeNs);
      return writeTime(out, event.parentTimeNs);
    case 'WhiteoutRemoved':
      head(out, 3, 55);
      out.number(event.parent);
      return writeName(out, event.name);
    case 'OpaqueSet':
      head(out, 2, 56);
      return out.number(event.ino);
    case 'NodeReleased':
      head(out, 2, 57);
      return out.number(event.ino);
    case 'RedirectSet':
      head(out, 3, 58);
      out.number(event.ino);
      return out.text(event.redirect);
    case 'LinkedUp':
      head(out, 4, 59);
      out.number(event.parent);
      writeName(out, event.name);
      return out.number(event.ino);
    case 'MetacopySet':
      head(out, 3, 64);
      out.number(event.ino);
      return out.number(event.dataIno);
    case 'DataCopiedUp':
      head(out, 6, 65);
      out.number(event.ino);
      out.number(event.dataIno);
      out.number(event.layer);
      out.number(event.copiedBytes);
      return writeTime(out, event.timeNs);
    case 'DirectoryCopiedUp':
      head(out, 4, 60);
      out.number(event.ino);
      out.number(event.layer);
      return writeTime(out, event.ctimeNs);
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      head(out, 7, event.type === 'SymlinkCopiedUp' ? 62 : 63);
      out.number(event.parent);
      writeName(out, event.name);
      out.number(event.ino);
      out.number(event.upperIno);
      out.number(event.layer);
      return writeTime(out, event.ctimeNs);
    case 'Allocated':
      head(out, 7, 73);
      out.number(event.ino);
      out.number(event.offset);
      out.number(event.length);
      out.number(event.size);
      out.flag(event.zeroed);
      return writeTime(out, event.timeNs);
    case 'HolePunched':
      head(out, 5, 74);
      out.number(event.ino);
      out.number(event.offset);
      out.number(event.length);
      return writeTime(out, event.timeNs);
    case 'XattrSet':
      head(out, 5, 81);
      out.number(event.ino);
      out.text(event.name);
      out.blob(event.value);
      return writeTime(out, event.ctimeNs);
    case 'XattrRemoved':
      head(out, 4, 82);
      out.number(event.ino);
      out.text(event.name);
      return writeTime(out, event.ctimeNs);
  }
}

/** Head and code of an event; `count` values with the code. */
function head(out: PackWriter, count: number, code: number): void {
  out.list(count);
  out.number(code);
}

/** One whole chunk at offset 0, the write of a small file, has a code of its own without what follows from it. */
function writeWritten(out: PackWriter, event: FileEvent & { type: 'Written' }): void {
  const { pieces } = event;
  if (pieces.length === 3 && event.offset === 0 && pieces[1] === 0 && pieces[2] === event.length) {
    head(out, 5, 71);
    out.number(event.ino);
    out.number(pieces[0]);
    out.number(event.length);
    return writeTime(out, event.timeNs);
  }
  out.reserve(9 * pieces.length + 192);
  head(out, 5 + pieces.length, 70);
  out.number(event.ino);
  out.number(event.offset);
  out.number(event.length);
  writeTime(out, event.timeNs);
  for (let index = 0; index < pieces.length; index++) out.number(pieces[index]);
}

/** Trailing fields at their default are left out: a root-owned file that is neither device nor symlink has none. */
function writeNode(out: PackWriter, event: FileEvent & { type: 'NodeCreated' }): void {
  const isSpecial = event.target !== '' || event.rdev !== 0;
  const isOwned = event.uid !== 0 || event.gid !== 0;
  head(out, isSpecial ? 11 : isOwned ? 9 : 7, 50);
  out.number(event.parent);
  writeName(out, event.name);
  out.number(event.ino);
  out.number(event.mode);
  writeTime(out, event.timeNs);
  writeTime(out, event.parentTimeNs);
  if (!isSpecial && !isOwned) return;
  out.number(event.uid);
  out.number(event.gid);
  if (!isSpecial) return;
  out.number(event.rdev);
  out.text(event.target);
}
