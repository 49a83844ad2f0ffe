/** Options of file verbs, as getopt(3) reads them: `-rf`, `-n 5`, `-n5`, `--` ends them. */

import { usage } from './verb-error.ts';

export interface VerbOptions {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly rest: readonly string[];
}

/**
 * @param spec - Letters that stand alone; a letter before `:` takes a value, as in getopt.
 * @param form - For the error: how the verb is written.
 */
export function parseOptions(args: readonly string[], spec: string, form: string): VerbOptions {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  let index = 0;
  for (; index < args.length; index++) {
    const arg = args[index];
    if (arg === '--') {
      index++;
      break;
    }
    if (arg === '-' || !arg.startsWith('-')) break;
    for (let at = 1; at < arg.length; at++) {
      const letter = arg[at];
      const place = letter === ':' ? -1 : spec.indexOf(letter);
      if (place < 0) throw usage(form);
      if (spec[place + 1] !== ':') {
        flags.add(letter);
        continue;
      }
      const value = at + 1 < arg.length ? arg.slice(at + 1) : args[++index];
      if (value === undefined) throw usage(form);
      values.set(letter, value);
      break;
    }
  }
  return { flags, values, rest: args.slice(index) };
}

/** A whole number, from 0, with an optional unit as in coreutils: K, M, G base 1024, kB, MB, GB base 1000. */
export function parseCount(text: string | undefined, form: string): number {
  const match = /^(\d{1,15})(K|M|G|kB|KB|MB|GB)?$/.exec(text ?? '');
  if (match === null) throw usage(form);
  const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9 }[match[2] ?? ''] ?? 1;
  const count = Number(match[1]) * unit;
  if (!Number.isSafeInteger(count)) throw usage(form);
  return count;
}
