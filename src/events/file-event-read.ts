import { readName } from './cause-path.ts';
import type { FileEvent } from './event.ts';
import { malformed } from './event-codec-fields.ts';
import { readTime, readTimeOrNull } from './event-codec-times.ts';
import type { PackReader } from './pack-reader.ts';

/** First code of the file events. */
export const FILE_EVENT_CODE_MIN = 50;

/**
 * Reads the fields of a file event, the inverse of `writeFileEvent`.
 *
 * @param count - Values of its list, the code counted; list head and code have been taken.
 * @throws `ERR_LOG_CORRUPT` for an unknown code, a missing or superfluous field, a field of another type.
 */
export function readFileEvent(from: PackReader, code: number, count: number): FileEvent {
  switch (code) {
    case 50:
      return readNode(from, count);
    case 51:
      arity(count, 7);
      return {
        type: 'Linked',
        parent: from.number(),
        name: readName(from),
        ino: from.number(),
        nlink: from.number(),
        timeNs: readTimeOrNull(from),
        parentTimeNs: readTimeOrNull(from),
      };
    case 52:
      arity(count, 7);
      return {
        type: 'Unlinked',
        parent: from.number(),
        name: readName(from),
        ino: from.number(),
        nlink: from.number(),
        released: from.flag(),
        timeNs: readTime(from),
      };
    case 53:
      arity(count, 11);
      return {
        type: 'Renamed',
        ino: from.number(),
        fromParent: from.number(),
        fromName: readName(from),
        toParent: from.number(),
        toName: readName(from),
        replaced: from.number(),
        replacedNlink: from.number(),
        replacedReleased: from.flag(),
        exchange: from.flag(),
        timeNs: readTime(from),
      };
    case 54:
      arity(count, 3);
      return { type: 'WhiteoutCreated', parent: from.number(), name: readName(from) };
    case 55:
      arity(count, 3);
      return { type: 'WhiteoutRemoved', parent: from.number(), name: readName(from) };
    case 56:
      arity(count, 2);
      return { type: 'OpaqueSet', ino: from.number() };
    case 57:
      arity(count, 2);
      return { type: 'NodeReleased', ino: from.number() };
    case 58:
      arity(count, 3);
      return { type: 'RedirectSet', ino: from.number(), redirect: from.text() };
    case 59:
      arity(count, 4);
      return { type: 'LinkedUp', parent: from.number(), name: readName(from), ino: from.number() };
    case 60:
      arity(count, 4);
      return { type: 'DirectoryCopiedUp', ino: from.number(), layer: from.number(), ctimeNs: readTime(from) };
    case 61:
      arity(count, 10);
      return {
        type: 'FileCopiedUp',
        parent: from.number(),
        name: readName(from),
        ino: from.number(),
        upperIno: from.number(),
        layer: from.number(),
        bytes: from.number(),
        copiedBytes: from.number(),
        withData: from.flag(),
        ctimeNs: readTime(from),
      };
    case 62:
    case 63:
      arity(count, 7);
      return {
        type: code === 62 ? 'SymlinkCopiedUp' : 'NodeCopiedUp',
        parent: from.number(),
        name: readName(from),
        ino: from.number(),
        upperIno: from.number(),
        layer: from.number(),
        ctimeNs: readTime(from),
      };
    case 64:
      arity(count, 3);
      return { type: 'MetacopySet', ino: from.number(), dataIno: from.number() };
    case 65:
      arity(count, 6);
      return {
        type: 'DataCopiedUp',
        ino: from.number(),
        dataIno: from.number(),
        layer: from.number(),
        copiedBytes: from.number(),
        timeNs: readTimeOrNull(from),
      };
    case 70:
    case 71:
      return readWritten(from, code, count);
    case 72:
      arity(count, 4);
      return { type: 'Truncated', ino: from.number(), size: from.number(), timeNs: readTimeOrNull(from) };
    case 73:
      arity(count, 7);
      return {
        type: 'Allocated',
        ino: from.number(),
        offset: from.number(),
        length: from.number(),
        size: from.number(),
        zeroed: from.flag(),
        timeNs: readTime(from),
      };
    case 74:
      arity(count, 5);
      return {
        type: 'HolePunched',
        ino: from.number(),
        offset: from.number(),
        length: from.number(),
        timeNs: readTime(from),
      };
    case 80:
      arity(count, 8);
      return {
        type: 'AttributesChanged',
        ino: from.number(),
        mode: from.numberOrNull(),
        uid: from.numberOrNull(),
        gid: from.numberOrNull(),
        atimeNs: readTimeOrNull(from),
        mtimeNs: readTimeOrNull(from),
        ctimeNs: readTimeOrNull(from),
      };
    case 81:
      arity(count, 5);
      return {
        type: 'XattrSet',
        ino: from.number(),
        name: from.text(),
        value: from.blob(),
        ctimeNs: readTimeOrNull(from),
      };
    case 82:
      arity(count, 4);
      return { type: 'XattrRemoved', ino: from.number(), name: from.text(), ctimeNs: readTime(from) };
    default:
      throw malformed(`unknown code ${code}`);
  }
}

/** Refuses what follows the fields that the format knows. */
function arity(count: number, known: number): void {
  if (count !== known) throw malformed(`${count} values for ${known}`);
}

/** The fields behind the seventh are left out when they are at their default: 0, 0 · 0, ''. */
function readNode(from: PackReader, count: number): FileEvent {
  if (count !== 7 && count !== 9) arity(count, 11);
  const parent = from.number();
  const name = readName(from);
  const ino = from.number();
  const mode = from.number();
  const timeNs = readTime(from);
  const parentTimeNs = readTimeOrNull(from);
  const uid = count > 7 ? from.number() : 0;
  const gid = count > 7 ? from.number() : 0;
  const rdev = count > 9 ? from.number() : 0;
  const target = count > 9 ? from.text() : '';
  return { type: 'NodeCreated', parent, name, ino, mode, uid, gid, rdev, target, timeNs, parentTimeNs };
}

function readWritten(from: PackReader, code: number, count: number): FileEvent {
  if (code === 71) {
    arity(count, 5);
    const ino = from.number();
    const chunk = from.number();
    const length = from.number();
    return { type: 'Written', ino, offset: 0, length, pieces: [chunk, 0, length], timeNs: readTimeOrNull(from) };
  }
  if (count < 5 || (count - 5) % 3 !== 0) throw malformed(`${count} values of a write`);
  const ino = from.number();
  const offset = from.number();
  const length = from.number();
  const timeNs = readTimeOrNull(from);
  const pieces: number[] = [];
  for (let index = 5; index < count; index++) pieces.push(from.number());
  return { type: 'Written', ino, offset, length, pieces, timeNs };
}
