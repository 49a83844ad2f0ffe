/**
 * `npm run bench`: overlog's figures, each against its peers in the same run.
 *
 * Absolute times depend on the machine and on what else it does; the ratios of one run are what counts. Nothing here is a
 * test: no figure makes the run fail. The table goes to stdout, progress to stderr.
 */

import { setFlagsFromString } from 'node:v8';
import type { Figure } from './figure.ts';
import { GROUPS } from './groups.ts';
import { parseOptions, USAGE } from './options.ts';
import { writeResults } from './results.ts';
import { tableText } from './table.ts';

// Each measurement starts from a clean heap. The collector drops the code of functions that it has not seen running for
// some collections, so every peer would be compiled anew in every round, and the first one would pay for the others.
setFlagsFromString('--no-flush-bytecode');

const options = parseOptions(process.argv.slice(2));
if (options === null) process.stdout.write(USAGE);
else {
  const { filters, sizes } = options;
  const wanted = GROUPS.filter(({ name }) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
  const figures: Figure[] = [];
  for (const group of wanted) {
    const progress = (text: string): boolean => process.stderr.write(`${group.name}: ${text}\n`);
    figures.push(...(await group.run(sizes, progress)));
  }
  const text = options.json ? JSON.stringify(figures, null, 2) : tableText(figures);
  process.stdout.write(`${text}\n`);
  process.stderr.write(`written to ${writeResults(figures, options)}\n`);
}
