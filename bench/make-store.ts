/**
 * Makes a store with a long mixed history: `npx tsx bench/make-store.ts DIRECTORY [EVENTS]`, a million events unless said.
 *
 * What is in it: bench/long-store.ts.
 */

import { openStore } from '../src/index.ts';
import { makeLongStore } from './long-store.ts';

const [directory, count = '1000000'] = process.argv.slice(2);
const events = Number(count);
if (directory === undefined || !(events >= 5000)) {
  process.stderr.write('usage: npx tsx bench/make-store.ts DIRECTORY [EVENTS], 5000 events at least\n');
  process.exitCode = 2;
} else {
  const store = await openStore({ directory });
  await makeLongStore(store, events);
  const names = store.containers.list().map(({ name }) => name);
  process.stdout.write(`${directory}: ${store.seq} events in containers ${names.join(', ')}\n`);
  await store.close();
}
