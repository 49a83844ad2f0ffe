/**
 * Reads what `strace -f` wrote, piece by piece, in memory that does not grow with the log.
 *
 *     60    1795190298.335398 vfork( <unfinished ...>
 *     66    1795190298.335478 execve("/usr/bin/cat", ["cat"], 0x5582) = 0
 *     65    1795190298.337114 <... vfork resumed>) = 66
 *     66    1795190298.347022 exit_group(0)   = ?
 *     66    1795190298.349302 +++ exited with 0 +++
 *
 * A call whose line breaks off is put together when it goes on, so calls come in the order in which they ended.
 */

import { refuseForeignLog } from './foreign-logs.ts';
import { LineSplitter } from './line-splitter.ts';
import { type RecordHead, type RecordKind, StraceRecord } from './record.ts';
import { lineError } from './strace-error.ts';

interface Unfinished {
  readonly name: string;
  readonly line: number;
  /** From behind the opening parenthesis; a copy. */
  readonly args: Buffer;
}

const UNFINISHED = Buffer.from('<unfinished ...>');
const DETACHED = Buffer.from('<detached ...>');
const RESUMED = Buffer.from(' resumed>');
/** What is looked at of a line to recognise another tool's. */
const FOREIGN_BYTES = 400;
const SPACE = 0x20;
const OPEN = 0x28;
const LESS = 0x3c;
const GREATER = 0x3e;

export class StraceReader {
  readonly #lines = new LineSplitter();
  readonly #unfinished = new Map<number, Unfinished>();

  /** Lines read so far. */
  get line(): number {
    return this.#lines.line;
  }

  /**
   * Reads one more piece of the log.
   *
   * @param chunk - Not to be changed as long as a record of it is in use.
   * @throws `ERR_LOG_IMPORT` with the line that is not strace's; `ERR_UNSUPPORTED` for logs of other tools.
   */
  push(chunk: Buffer, onRecord: (record: StraceRecord) => void): void {
    this.#lines.push(chunk, (buffer, start, end) => {
      const record = this.#record(buffer, start, end);
      if (record !== null) onRecord(record);
    });
  }

  /** The log is at its end. @returns Whether its last line was cut off; it is left out then. */
  end(): boolean {
    return this.#lines.rest() !== null;
  }

  #record(buffer: Buffer, start: number, end: number): StraceRecord | null {
    const { line } = this.#lines;
    // A line of fatrace looks like a call at first sight.
    if (line === 1) refuseForeignLog(buffer.toString('latin1', start, Math.min(end, start + FOREIGN_BYTES)));
    let at = spacesEnd(buffer, start, end);
    let pid = 0;
    if (buffer[at] === 0x5b && buffer.toString('latin1', at, at + 5) === '[pid ') {
      at += 5;
      at = spacesEnd(buffer, at, end);
      const digits = digitsEnd(buffer, at, end);
      pid = Number(buffer.toString('latin1', at, digits));
      at = commandEnd(buffer, digits, end);
      if (buffer[at] === 0x5d) at++;
      at = spacesEnd(buffer, at, end);
    } else {
      const digits = digitsEnd(buffer, at, end);
      if (digits > at && digits - at < 11 && (buffer[digits] === SPACE || buffer[digits] === LESS)) {
        for (let index = at; index < digits; index++) pid = pid * 10 + buffer[index] - 0x30;
        at = spacesEnd(buffer, commandEnd(buffer, digits, end), end);
      }
    }
    let seconds = -1;
    let nanoseconds = 0;
    const digits = digitsEnd(buffer, at, end);
    if (digits > at && digits < end) {
      let stop = digits;
      if (buffer[digits] === 0x2e || buffer[digits] === 0x3a) {
        while (stop < end && buffer[stop] !== SPACE) stop++;
        // With -t, -tt and -r these are no times since 1970.
        if (buffer[digits] === 0x2e && digits - at >= 9 && digits - at <= 12) {
          seconds = 0;
          for (let index = at; index < digits; index++) seconds = seconds * 10 + buffer[index] - 0x30;
          nanoseconds = fractionOf(buffer, digits + 1, stop);
        }
        at = stop;
      } else if (buffer[digits] === SPACE) at = digits;
      at = spacesEnd(buffer, at, end);
    }
    if (at === end) {
      if (at === start) return null;
      throw this.#notStrace(buffer, start, end);
    }
    if (buffer[at] === 0x5b) at = bracketsEnd(buffer, at, end);
    const first = buffer[at];
    const head: Head = { kind: 'call', line, startLine: line, pid, seconds, nanoseconds, name: '', value: 0 };
    if (isNameStart(first)) return this.#call(buffer, at, end, head, start);
    if (first === LESS) return this.#resumed(buffer, at, end, head, start);
    if (first === 0x2b || first === 0x2d) return this.#event(buffer, at, end, head, start);
    if (isTalk(buffer, at, end)) return null;
    throw this.#notStrace(buffer, start, end);
  }

  #call(buffer: Buffer, at: number, end: number, head: Head, start: number): StraceRecord | null {
    let open = at;
    while (open < end && isNamePart(buffer[open])) open++;
    if (open >= end || buffer[open] !== OPEN) {
      if (isTalk(buffer, at, end)) return null;
      throw this.#notStrace(buffer, start, end);
    }
    const name = callName(buffer, at, open);
    const isUnfinished = endsWith(buffer, open, end, UNFINISHED);
    if (isUnfinished || endsWith(buffer, open, end, DETACHED)) {
      let stop = end - (isUnfinished ? UNFINISHED : DETACHED).length;
      if (buffer[stop - 1] === SPACE) stop--;
      const args = Buffer.from(buffer.subarray(open + 1, stop));
      this.#unfinished.set(head.pid, { name, line: head.line, args });
      return new StraceRecord({ ...head, name, kind: 'started' }, args, 0, args.length);
    }
    head.name = name;
    return new StraceRecord(head, buffer, open + 1, end);
  }

  #resumed(buffer: Buffer, at: number, end: number, head: Head, start: number): StraceRecord | null {
    const { line, pid } = head;
    const mark = buffer.indexOf(RESUMED, at);
    if (mark < 0 || mark >= end || buffer.toString('latin1', at, at + 5) !== '<... ')
      throw this.#notStrace(buffer, start, end);
    const name = buffer.toString('latin1', at + 5, mark);
    const rest = mark + RESUMED.length;
    const unfinished = this.#unfinished.get(pid);
    this.#unfinished.delete(pid);
    if (unfinished === undefined) return new StraceRecord({ ...head, kind: 'headless', name }, buffer, end, end);
    if (unfinished.name !== name) {
      throw lineError(line, `${name} goes on, but ${unfinished.name} had begun in line ${unfinished.line}`);
    }
    if (endsWith(buffer, rest, end, UNFINISHED)) {
      // It breaks off once more (`<... read resumed> <unfinished ...>) = ?` has more behind it).
      const more = buffer.subarray(rest, end - UNFINISHED.length);
      this.#unfinished.set(pid, { ...unfinished, args: Buffer.concat([unfinished.args, more]) });
      return null;
    }
    let from = rest;
    if (buffer.toString('latin1', from, from + 17) === ' <unfinished ...>') from += 17;
    const whole = Buffer.concat([unfinished.args, buffer.subarray(from, end)]);
    return new StraceRecord({ ...head, startLine: unfinished.line, name }, whole, 0, whole.length);
  }

  /** `+++ exited with 0 +++`, `+++ killed by SIGKILL +++`, `+++ superseded by execve in pid 62 +++`, `--- SIGCHLD {…} ---`. */
  #event(buffer: Buffer, at: number, end: number, head: Head, start: number): StraceRecord {
    const { pid } = head;
    const text = buffer.toString('latin1', at, Math.min(end, at + 200));
    const make = (kind: RecordKind, name: string, value: number): StraceRecord =>
      new StraceRecord({ ...head, kind, name, value }, buffer, end, end);
    const signal = /^--- (\S+)/.exec(text);
    if (signal !== null) return make('signal', signal[1], 0);
    const exited = /^\+\+\+ (?:exited with (\d+)|killed by (\S+(?: \(core dumped\))?))/.exec(text);
    if (exited !== null) {
      this.#unfinished.delete(pid);
      return make('exit', exited[2] ?? '', Number(exited[1] ?? 128));
    }
    const superseded = /^\+\+\+ superseded by execve in pid (\d+) \+\+\+/.exec(text);
    if (superseded === null) throw this.#notStrace(buffer, start, end);
    const thread = Number(superseded[1]);
    const unfinished = this.#unfinished.get(thread);
    this.#unfinished.delete(thread);
    if (unfinished !== undefined) this.#unfinished.set(pid, unfinished);
    return make('superseded', '', thread);
  }

  #notStrace(buffer: Buffer, start: number, end: number): Error {
    const text = buffer.toString('latin1', start, Math.min(end, start + FOREIGN_BYTES));
    refuseForeignLog(text);
    const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
    return lineError(
      this.#lines.line,
      `${shown} is not a line of strace -f; record with -o, so that nothing else is in it`,
    );
  }
}

type Head = { -readonly [K in keyof RecordHead]: RecordHead[K] };

/** Names of calls are few: made once. */
const NAMES = new Map<number, string[]>();
const NAMES_MAX = 2000;
let namesKept = 0;

function callName(buffer: Buffer, start: number, end: number): string {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = (hash * 31 + buffer[at]) | 0;
  const known = NAMES.get(hash);
  if (known !== undefined) for (const name of known) if (isName(buffer, start, end, name)) return name;
  const name = buffer.toString('latin1', start, end);
  if (namesKept++ < NAMES_MAX) NAMES.set(hash, known === undefined ? [name] : [...known, name]);
  return name;
}

function isName(buffer: Buffer, start: number, end: number, name: string): boolean {
  if (name.length !== end - start) return false;
  for (let at = 0; at < name.length; at++) if (buffer[start + at] !== name.charCodeAt(at)) return false;
  return true;
}

function endsWith(buffer: Buffer, start: number, end: number, tail: Buffer): boolean {
  // Looking at one byte first tells nearly all lines apart.
  if (buffer[end - 1] !== 0x3e || end - tail.length < start) return false;
  return buffer.compare(tail, 0, tail.length, end - tail.length, end) === 0;
}

/** Digits behind the point as nanoseconds. */
function fractionOf(buffer: Buffer, start: number, end: number): number {
  let value = 0;
  let scale = 1_000_000_000;
  for (let at = start; at < end && scale > 1; at++) {
    const digit = buffer[at] - 0x30;
    if (digit < 0 || digit > 9) break;
    scale /= 10;
    value += digit * scale;
  }
  return value;
}

function spacesEnd(buffer: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buffer[at] === SPACE) at++;
  return at;
}

/** Behind the command's name that `-Y` puts at a pid (`60<sh>`). */
function commandEnd(buffer: Buffer, start: number, end: number): number {
  if (buffer[start] !== LESS) return start;
  const close = buffer.indexOf(GREATER, start);
  return close < 0 || close >= end ? start : close + 1;
}

/** Behind the call's number (`-n`) and the instruction pointer (`-i`): `[ 257] [00007f2e1c1] openat(`. */
function bracketsEnd(buffer: Buffer, start: number, end: number): number {
  const text = buffer.toString('latin1', start, Math.min(end, start + 60));
  return start + (/^(?:\[ *[0-9a-f?]+\] +)*/.exec(text)?.[0].length ?? 0);
}

/** What strace says about itself: `strace: Process 61 attached`, `[ Process PID=61 runs in 32 bit mode. ]`. */
function isTalk(buffer: Buffer, at: number, end: number): boolean {
  const text = buffer.toString('latin1', at, Math.min(end, at + 60));
  return /^(?:strace: )?(?:Process \d+ (?:at|de)tached|\[ Process PID=)/.test(text);
}

function digitsEnd(buffer: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buffer[at] >= 0x30 && buffer[at] <= 0x39) at++;
  return at;
}

const isNameStart = (byte: number): boolean => (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte === 0x3f;

const isNamePart = (byte: number): boolean =>
  isNameStart(byte) || (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a);
