import { malformed } from './event-codec-fields.ts';
import { beginsWith, decodeName } from './name.ts';
import { longText, type PackReader, utf8Text } from './pack-reader.ts';
import type { PackWriter } from './pack-writer.ts';

/**
 * Paths in causes, and the names in events that they end in: most of the text of a log, said once.
 *
 * In a bundle (docs/log-format.md) a path of a cause is stored as what it shares with the path before it, and the rest; a
 * name in an event that is the last component of the cause's first or last path as one byte:
 *
 *     [n, text]   in a cause: the first n bytes of the path before, which are ASCII, then the text
 *     true        as a name: what stands behind the last slash of the cause's first path
 *     false       as a name: the same of the cause's last path
 *
 * A path is a text argument that starts with a slash. The state is the module's, as with times: writing and reading each
 * have their own, and neither awaits or yields between `begin…` and the last event of a transaction.
 */

const SLASH = 0x2f;

/** A shorter prefix would save nothing: the list around it takes two bytes and more. */
const SHARED_MIN = 4;

// ------------------------------------------------------------------------------------------------------- writing

let pathBefore = '';
/** A directory, ASCII, that the path before lies below, or '': calls come in runs below one directory. */
let directoryBefore = '';
let firstPath: string | null = null;
let lastPath: string | null = null;
/** A name that the cause's first path ends in. */
let nameBefore: string | null = null;

/** @param before - The newest path of the bundle; '' when it has none. */
export function beginWritingCause(before: string): void {
  if (before !== pathBefore) {
    pathBefore = before;
    directoryBefore = '';
  }
  firstPath = null;
  lastPath = null;
  nameBefore = null;
}

/** The newest path, for the next transaction of the bundle. */
export const writtenPath = (): string => pathBefore;

export function writeCauseText(out: PackWriter, text: string): void {
  if (text.charCodeAt(0) !== SLASH) return out.text(text);
  const shared = sharedLength(text);
  if (shared < SHARED_MIN) out.text(text);
  else {
    out.list(2);
    out.number(shared);
    out.text(text, shared);
  }
  pathBefore = text;
  firstPath ??= text;
  lastPath = text;
}

export function writeName(out: PackWriter, name: string): void {
  // Events of one call mostly speak of one name.
  if (name === nameBefore) out.flag(true);
  else if (firstPath !== null && endsIn(firstPath, name)) {
    nameBefore = name;
    out.flag(true);
  } else if (lastPath !== null && lastPath !== firstPath && endsIn(lastPath, name)) out.flag(false);
  else out.text(name);
}

/** Whether a name, in which there is no slash, is what stands behind the last slash of a path. */
function endsIn(path: string, name: string): boolean {
  return path.charCodeAt(path.length - name.length - 1) === SLASH && path.endsWith(name);
}

/** Characters that a path has in common with the one before it, at their start, ASCII only, so that they are bytes too. */
function sharedLength(path: string): number {
  const before = pathBefore;
  const most = Math.min(before.length, path.length);
  if (!beginsWith(path, directoryBefore)) directoryBefore = '';
  let length = directoryBefore.length;
  let slash = 0;
  while (length < most) {
    const unit = path.charCodeAt(length);
    if (unit >= 0x80 || unit !== before.charCodeAt(length)) break;
    length++;
    if (unit === SLASH) slash = length;
  }
  if (slash > 0) directoryBefore = path.slice(0, slash);
  return length;
}

// ------------------------------------------------------------------------------------------------------- reading

/** Bytes of the newest path; a name is taken from here, since a part of a string would keep all of it alive. */
let path = Buffer.allocUnsafeSlow(4096);
let pathBytes = 0;
/** Its bytes need not be UTF-8. */
let isRaw = false;
/** Names at the end of the cause's first and last path; null: not asked for yet. */
let firstName: string | null = null;
let lastName: string | null = null;
let pathsInCause = 0;

/** A bundle starts: there is no path before. */
export function beginReadingBundle(): void {
  pathBytes = 0;
  beginReadingCause();
}

export function beginReadingCause(): void {
  firstName = null;
  lastName = null;
  pathsInCause = 0;
}

/** Reads an argument of a cause: a number or a text. */
export function readCauseArgument(from: PackReader): string | number {
  const shared = takeShared(from);
  return shared < 0 ? from.number() : readPath(from, shared);
}

function readPath(from: PackReader, shared: number): string {
  const start = from.at;
  const text = from.text();
  if (shared === 0 && text.charCodeAt(0) !== SLASH) return text;
  keepPath(from, start, shared);
  if (shared === 0) return text;
  return isRaw ? decodeName(path.subarray(0, pathBytes)) : longText(path, pathBytes);
}

/** Takes an argument of a cause that nobody wants: names of events may be the last part of it still. */
export function passCauseArgument(from: PackReader): void {
  const shared = takeShared(from);
  if (shared < 0) return void from.number();
  const start = from.at;
  const rest = from.passText();
  if (shared > 0 || (rest < from.at && from.bytes[rest] === SLASH)) keepPath(from, start, shared);
}

/** Takes what stands in front of a text: how many bytes it shares with the path before; -1: it is a number. */
function takeShared(from: PackReader): number {
  const tag = from.peek();
  if (tag < 0x80 || tag >= 0xe0 || (tag >= 0xca && tag <= 0xd3)) return -1;
  if (tag < 0x90 || tag > 0x9f) return 0;
  if (from.list() !== 2) throw malformed('a path has two parts');
  const shared = from.number();
  if (!(shared > 0 && shared <= pathBytes && Number.isInteger(shared))) throw malformed('a path shares too much');
  return shared;
}

/** Keeps the bytes of the newest path, whose text was read from `start` on. */
function keepPath(from: PackReader, start: number, shared: number): void {
  // The first name is asked for after the last path was read: it has to be taken now where there are two.
  if (pathsInCause++ === 1) firstName = lastComponent();
  const { bytes, at } = from;
  const tag = bytes[start];
  isRaw = tag >= 0xc4 && tag <= 0xc6;
  const headBytes = tag <= 0xbf ? 1 : tag === 0xd9 || tag === 0xc4 ? 2 : tag === 0xda || tag === 0xc5 ? 3 : 5;
  const rest = start + headBytes;
  pathBytes = shared + at - rest;
  if (pathBytes > path.length) {
    const larger = Buffer.allocUnsafeSlow(pathBytes * 2);
    path.copy(larger, 0, 0, shared);
    path = larger;
  }
  if (at - rest > 64) bytes.copy(path, shared, rest, at);
  else for (let from = rest, to = shared; from < at;) path[to++] = bytes[from++];
}

/** Reads a name of an event. */
export function readName(from: PackReader): string {
  const tag = from.peek();
  if (tag !== 0xc3 && tag !== 0xc2) return from.text();
  from.at++;
  if (pathsInCause === 0) throw malformed('a name is that of a path, and there is none');
  if (tag === 0xc2 || pathsInCause === 1) return (lastName ??= lastComponent());
  return firstName as string;
}

function lastComponent(): string {
  let start = pathBytes;
  while (path[start - 1] !== SLASH) start--;
  return isRaw ? decodeName(path.subarray(start, pathBytes)) : utf8Text(path, start, pathBytes);
}
