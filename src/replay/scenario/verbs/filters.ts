/** head, tail and wc on bytes: what a pipe may lead into, and what the verbs of these names do with files. */

import { parseCount, parseOptions } from './options.ts';
import { usage } from './verb-error.ts';

const HEAD_FORM = 'head [-c BYTES | -n LINES] [FILE…]';
const TAIL_FORM = 'tail [-c BYTES | -n LINES] [FILE…]';
const WC_FORM = 'wc [-c] [-l] [-w] [FILE…]';

/** Applies the filter to its input, and says which files it names instead, if any. */
export function runFilter(words: readonly string[], read: (files: readonly string[]) => Uint8Array): Buffer {
  const [name, ...args] = words;
  if (name === 'wc') return wc(args, read);
  const isHead = name === 'head';
  const form = isHead ? HEAD_FORM : TAIL_FORM;
  const { values, rest } = parseOptions(args, 'c:n:', form);
  if (values.size > 1) throw usage(form);
  const input = read(rest);
  const bytes = values.get('c');
  if (bytes !== undefined) {
    const count = parseCount(bytes, form);
    return Buffer.from(isHead ? input.subarray(0, count) : input.subarray(Math.max(0, input.length - count)));
  }
  const lines = parseCount(values.get('n') ?? '10', form);
  return Buffer.from(isHead ? firstLines(input, lines) : lastLines(input, lines));
}

function firstLines(input: Uint8Array, count: number): Uint8Array {
  let end = 0;
  for (let line = 0; line < count && end < input.length; line++) {
    const feed = input.indexOf(0x0a, end);
    end = feed < 0 ? input.length : feed + 1;
  }
  return input.subarray(0, end);
}

function lastLines(input: Uint8Array, count: number): Uint8Array {
  if (count === 0 || input.length === 0) return input.subarray(0, 0);
  let start = input.at(-1) === 0x0a ? input.length - 1 : input.length;
  for (let line = 0; line < count; line++) {
    if (start === 0) return input;
    const feed = input.lastIndexOf(0x0a, start - 1);
    if (feed < 0) return input;
    start = feed;
  }
  return input.subarray(start + 1);
}

function wc(args: readonly string[], read: (files: readonly string[]) => Uint8Array): Buffer {
  const { flags, rest } = parseOptions(args, 'clw', WC_FORM);
  const input = Buffer.from(read(rest));
  const counts = { l: countLines(input), w: input.toString('latin1').match(/\S+/g)?.length ?? 0, c: input.length };
  const asked = (['l', 'w', 'c'] as const).filter((flag) => flags.size === 0 || flags.has(flag));
  return Buffer.from(`${asked.map((flag) => counts[flag]).join(' ')}\n`);
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count++;
  return count;
}
