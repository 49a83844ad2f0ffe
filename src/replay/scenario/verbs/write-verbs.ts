/** Verbs that change content: echo, fill, write, truncate, fallocate, touch, sync. */

import { fallocate as allocate, truncate as truncatePath } from '../../../engine/calls/space.ts';
import type { TimeArgument } from '../../../engine/calls/attributes.ts';
import { encodeName } from '../../../events/name.ts';
import { parseDateNs, parseSecondsNs } from '../../at-time.ts';
import { parseCount, parseOptions } from './options.ts';
import type { Shell } from './shell.ts';
import { usage } from './verb-error.ts';

/** Bytes of one piece of a fill. */
const FILL_BYTES = 2 ** 20;

export function echo(shell: Shell, args: readonly string[]): void {
  const isBare = args[0] === '-n';
  const words = isBare ? args.slice(1) : args;
  shell.print(words.join(' ') + (isBare ? '' : '\n'));
}

/** `fill N C`: prints N bytes of C; into a file it goes piece by piece, so that it may be large. */
export function fill(shell: Shell, args: readonly string[]): void {
  for (const piece of fillPieces(...parseFill(args))) shell.printBytes(piece);
}

export function parseFill(args: readonly string[]): [size: number, pattern: Uint8Array] {
  const form = 'fill BYTES TEXT';
  const [count, text, extra] = args;
  if (text === undefined || text === '' || extra !== undefined) throw usage(form);
  return [parseCount(count, form), encodeName(text)];
}

/** `size` bytes: the pattern over and over. Equal pieces are the same memory. */
export function* fillPieces(size: number, pattern: Uint8Array): Generator<Uint8Array> {
  const repeats = Math.max(1, Math.floor(FILL_BYTES / pattern.length));
  const piece = Buffer.alloc(repeats * pattern.length);
  for (let at = 0; at < piece.length; at += pattern.length) piece.set(pattern, at);
  for (let left = size; left > 0; left -= piece.length) yield left < piece.length ? piece.subarray(0, left) : piece;
}

/** `write OFFSET TEXT PATH`: TEXT over what stands at OFFSET of a file that exists. */
export function write(shell: Shell, args: readonly string[]): void {
  const form = 'write OFFSET TEXT PATH';
  const [offset, text, path, extra] = args;
  if (path === undefined || extra !== undefined) throw usage(form);
  shell.writeAt(path, parseCount(offset, form), encodeName(text));
}

export function truncate(shell: Shell, args: readonly string[]): void {
  const form = 'truncate -s SIZE PATH…';
  const { values, rest } = parseOptions(args, 's:c', form);
  const size = parseCount(values.get('s'), form);
  if (rest.length === 0) throw usage(form);
  for (const path of rest) {
    if (typeof shell.tryStat(path) === 'number') shell.write(path, [], true);
    shell.expect(truncatePath(shell.caller, shell.caller.cwd, path, size), path);
  }
}

/** Reserves space: `fallocate [-o OFFSET] -l LENGTH PATH`; `-p` punches a hole, `-z` makes zeros. */
export function fallocate(shell: Shell, args: readonly string[]): void {
  const form = 'fallocate [-p|-z] [-n] [-o OFFSET] -l LENGTH PATH';
  const { flags, values, rest } = parseOptions(args, 'pzno:l:', form);
  const length = parseCount(values.get('l'), form);
  const offset = parseCount(values.get('o') ?? '0', form);
  const [path, extra] = rest;
  if (path === undefined || extra !== undefined) throw usage(form);
  const kind = flags.has('p') ? 0x03 : flags.has('z') ? 0x10 : 0;
  const mode = kind | (flags.has('n') ? 0x01 : 0);
  shell.transact(['fallocate', path, mode, offset, length], () => {
    shell.withFile(path, (file) => allocate(file, mode, offset, length));
  });
}

export function touch(shell: Shell, args: readonly string[]): void {
  const form = 'touch [-a] [-m] [-c] [-h] [-d TIME] PATH…';
  const { flags, values, rest } = parseOptions(args, 'amchd:', form);
  if (rest.length === 0) throw usage(form);
  const date = values.get('d');
  const time: TimeArgument | null =
    date === undefined ? 'now' : date.startsWith('@') ? parseSecondsNs(date.slice(1)) : parseDateNs(date);
  if (time === null) throw usage(form);
  const atime = flags.has('m') && !flags.has('a') ? 'omit' : time;
  const mtime = flags.has('a') && !flags.has('m') ? 'omit' : time;
  for (const path of rest) {
    const exists = typeof shell.tryStat(path, !flags.has('h')) !== 'number';
    if (!exists && flags.has('c')) continue;
    if (!exists) shell.write(path, [], true);
    if (exists || date !== undefined) shell.setTimes(path, atime, mtime, !flags.has('h'));
  }
}

/** Nothing to do: what a scenario wrote is in the log, and the store flushes it at the end of the step. */
export function sync(_shell: Shell, args: readonly string[]): void {
  if (args.length > 0) throw usage('sync');
}
