import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Only rows whose name holds one of these words; empty: all. */
  readonly filters: readonly string[];
  readonly json: boolean;
  /** Smaller sizes and fewer rounds: a look, not a measurement. */
  readonly quick: boolean;
}

export const USAGE = `usage: npm run bench -- [FILTER…] [--quick] [--json]

Measures overlog against its peers in one run; ratios within a run are what counts.

  FILTER    only groups whose name holds the word: files, flat, durable, layers, large, fold, fork,
            log, load, memory, mount, recording
  --quick   smaller and fewer rounds
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
  return { filters: positionals, json: values.json === true, quick: values.quick === true };
}
