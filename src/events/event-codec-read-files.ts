import type { FileEvent } from './event.ts';
import { arity, bytes, flag, int, intOrNull, malformed, text, time, timeOrNull } from './event-codec-fields.ts';
import type { StoredEvent } from './upcast.ts';

/** The file event of a stored form, the inverse of `storedFileEvent`. */
export function fileEventOf(f: StoredEvent): FileEvent {
  switch (f[0]) {
    case 50:
      return nodeCreatedOf(f);
    case 51:
      arity(f, 7);
      return {
        type: 'Linked',
        parent: int(f[1]),
        name: text(f[2]),
        ino: int(f[3]),
        nlink: int(f[4]),
        timeNs: timeOrNull(f[5]),
        parentTimeNs: timeOrNull(f[6]),
      };
    case 52:
      arity(f, 7);
      return {
        type: 'Unlinked',
        parent: int(f[1]),
        name: text(f[2]),
        ino: int(f[3]),
        nlink: int(f[4]),
        released: flag(f[5]),
        timeNs: time(f[6]),
      };
    case 53:
      arity(f, 11);
      return {
        type: 'Renamed',
        ino: int(f[1]),
        fromParent: int(f[2]),
        fromName: text(f[3]),
        toParent: int(f[4]),
        toName: text(f[5]),
        replaced: int(f[6]),
        replacedNlink: int(f[7]),
        replacedReleased: flag(f[8]),
        exchange: flag(f[9]),
        timeNs: time(f[10]),
      };
    case 54:
      arity(f, 3);
      return { type: 'WhiteoutCreated', parent: int(f[1]), name: text(f[2]) };
    case 55:
      arity(f, 3);
      return { type: 'WhiteoutRemoved', parent: int(f[1]), name: text(f[2]) };
    case 56:
      arity(f, 2);
      return { type: 'OpaqueSet', ino: int(f[1]) };
    case 57:
      arity(f, 2);
      return { type: 'NodeReleased', ino: int(f[1]) };
    case 60:
      arity(f, 4);
      return { type: 'DirectoryCopiedUp', ino: int(f[1]), layer: int(f[2]), ctimeNs: time(f[3]) };
    case 61:
      arity(f, 10);
      return {
        type: 'FileCopiedUp',
        parent: int(f[1]),
        name: text(f[2]),
        ino: int(f[3]),
        upperIno: int(f[4]),
        layer: int(f[5]),
        bytes: int(f[6]),
        copiedBytes: int(f[7]),
        withData: flag(f[8]),
        ctimeNs: time(f[9]),
      };
    case 62:
    case 63:
      arity(f, 7);
      return {
        type: f[0] === 62 ? 'SymlinkCopiedUp' : 'NodeCopiedUp',
        parent: int(f[1]),
        name: text(f[2]),
        ino: int(f[3]),
        upperIno: int(f[4]),
        layer: int(f[5]),
        ctimeNs: time(f[6]),
      };
    case 70:
    case 71:
      return writtenOf(f);
    case 72:
      arity(f, 4);
      return { type: 'Truncated', ino: int(f[1]), size: int(f[2]), timeNs: timeOrNull(f[3]) };
    case 73:
      arity(f, 7);
      return {
        type: 'Allocated',
        ino: int(f[1]),
        offset: int(f[2]),
        length: int(f[3]),
        size: int(f[4]),
        zeroed: flag(f[5]),
        timeNs: time(f[6]),
      };
    case 74:
      arity(f, 5);
      return { type: 'HolePunched', ino: int(f[1]), offset: int(f[2]), length: int(f[3]), timeNs: time(f[4]) };
    case 80:
      arity(f, 8);
      return {
        type: 'AttributesChanged',
        ino: int(f[1]),
        mode: intOrNull(f[2]),
        uid: intOrNull(f[3]),
        gid: intOrNull(f[4]),
        atimeNs: timeOrNull(f[5]),
        mtimeNs: timeOrNull(f[6]),
        ctimeNs: timeOrNull(f[7]),
      };
    case 81:
      arity(f, 5);
      return { type: 'XattrSet', ino: int(f[1]), name: text(f[2]), value: bytes(f[3]), ctimeNs: timeOrNull(f[4]) };
    case 82:
      arity(f, 4);
      return { type: 'XattrRemoved', ino: int(f[1]), name: text(f[2]), ctimeNs: time(f[3]) };
    default:
      throw malformed(`unknown code ${String(f[0])}`);
  }
}

/** The fields behind the seventh are left out when they are at their default: 0, 0 · 0, ''. */
function nodeCreatedOf(f: StoredEvent): FileEvent {
  const count = f.length;
  if (count !== 7 && count !== 9) arity(f, 11);
  return {
    type: 'NodeCreated',
    parent: int(f[1]),
    name: text(f[2]),
    ino: int(f[3]),
    mode: int(f[4]),
    uid: count > 7 ? int(f[7]) : 0,
    gid: count > 7 ? int(f[8]) : 0,
    rdev: count > 9 ? int(f[9]) : 0,
    target: count > 9 ? text(f[10]) : '',
    timeNs: time(f[5]),
    parentTimeNs: timeOrNull(f[6]),
  };
}

function writtenOf(f: StoredEvent): FileEvent {
  if (f[0] === 71) {
    arity(f, 5);
    const length = int(f[3]);
    return {
      type: 'Written',
      ino: int(f[1]),
      offset: 0,
      length,
      pieces: [int(f[2]), 0, length],
      timeNs: timeOrNull(f[4]),
    };
  }
  if (f.length < 5 || (f.length - 5) % 3 !== 0) throw malformed(`${f.length} values of a write`);
  const pieces: number[] = [];
  for (let index = 5; index < f.length; index++) pieces.push(int(f[index]));
  return {
    type: 'Written',
    ino: int(f[1]),
    offset: int(f[2]),
    length: int(f[3]),
    pieces,
    timeNs: timeOrNull(f[4]),
  };
}
