import { parseArgs } from 'node:util';
import { FULL_SIZES, QUICK_SIZES, type Sizes } from './sizes.ts';

export interface BenchOptions {
  /** Only rows whose name holds one of these words; empty: all. */
  readonly filters: readonly string[];
  readonly json: boolean;
  /** A look, not a measurement. */
  readonly quick: boolean;
  readonly sizes: Sizes;
}

export const USAGE = `usage: npm run bench -- [FILTER…] [--quick] [--json]

Measures overlog against its peers in one run; ratios within a run are what counts.

  FILTER    only groups whose name holds the word: files, flat, durable, layers, large, fold, fork,
            log, load, memory, mount, recording
  --quick   in under a minute: the same rows, smaller and in fewer rounds; each says how large
  --json    one JSON document instead of the table
`;

/** @returns null: help was asked for. */
export function parseOptions(args: readonly string[]): BenchOptions | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return null;
  const quick = values.quick === true;
  return { filters: positionals, json: values.json === true, quick, sizes: quick ? QUICK_SIZES : FULL_SIZES };
}
