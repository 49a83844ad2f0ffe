/**
 * Makes a store with a long mixed history: `npx tsx bench/make-store.ts DIRECTORY [EVENTS]`, a million events unless said.
 *
 * Writes, overwrites, attribute changes, renames and removals of a container named `busy`; the same for the same number.
 */

import { openStore } from '../src/index.ts';
import { makeHistory } from './history.ts';

const [directory, count = '1000000'] = process.argv.slice(2);
const events = Number(count);
if (directory === undefined || !(events > 0)) {
  process.stderr.write('usage: npx tsx bench/make-store.ts DIRECTORY [EVENTS]\n');
  process.exitCode = 2;
} else {
  const store = await openStore({ directory });
  const { fs } = await store.containers.create({ name: 'busy' });
  const paths = makeHistory(fs, events, () => store.engine.log.head);
  process.stdout.write(`${directory}: ${store.seq} events, ${paths.length} files in container busy\n`);
  await store.close();
}
