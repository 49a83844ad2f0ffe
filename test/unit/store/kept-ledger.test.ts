/** The ledger of copy-ups is kept in checkpoints, so that nobody folds a long log for it. */

import { afterEach, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import { copyUpLedger, copyUps } from '../../../src/projections/copy-up-ledger.ts';
import { openOn } from '../../crash/log-workload.ts';
import { SimulatedDisk } from '../../crash/simulated-disk.ts';
import { countedReads } from './counted-reads.ts';

const options = { timeMachine: { checkpoints: { every: 40, lightMin: 1 } } };
const FILES = 200;
const { version } = copyUpLedger;

afterEach(() => setVersion(version));

function setVersion(next: number): void {
  (copyUpLedger as { version: number }).version = next;
}

/** Opens the store of a disk and counts the transactions that are read from its log. */
async function opened(disk: SimulatedDisk, readOnly: boolean): Promise<{ store: Store; reads: () => number }> {
  const log = openOn(disk, { readOnly });
  const store = await openStore({ log, ...options });
  return { store, reads: countedReads(log) };
}

const entriesOf = (store: Store): string[] => [...copyUps(store.copyUps())].map(({ seq, path }) => `${seq} ${path}`);

/** A store in which files are copied up one by one, over several checkpoints. */
async function filledDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const store = await openStore({ log: openOn(disk), ...options });
  const below = await store.containers.create({ name: 'below' });
  for (let index = 0; index < FILES; index++) below.fs.writeFileSync(`/f${index}`, `content ${index}`);
  await below.commit({ tag: 'base' });
  const { fs } = await store.containers.create({ name: 'c', image: 'base' });
  for (let index = 0; index < FILES; index++) fs.appendFileSync(`/f${index}`, '!');
  expect(store.copyUps().total.count).toBe(FILES);
  await store.close();
  return disk;
}

test('and is read from there, but for what came since', async () => {
  const { store, reads } = await opened(await filledDisk(), false);
  expect(entriesOf(store)).toHaveLength(FILES);
  expect(reads()).toBe(0);
  store.containers.get('c').fs.chmodSync('/', 0o700);
  store.containers.get('c').fs.rmSync('/f7');
  expect(entriesOf(store)).toHaveLength(FILES);
  expect(reads()).toBeLessThan(5);
  await store.close();
});

test('of another version is folded anew, and the next checkpoint keeps that one', async () => {
  const disk = await filledDisk();
  const before = await opened(disk, true);
  const expected = entriesOf(before.store);
  await before.store.close();
  setVersion(version + 1);
  const folded = await opened(disk, false);
  expect(entriesOf(folded.store)).toEqual(expected);
  expect(folded.reads()).toBeGreaterThan(FILES);
  for (let index = 0; index < 50; index++) folded.store.containers.get('c').fs.writeFileSync(`/new${index}`, 'new');
  await folded.store.close();
  const kept = await opened(disk, true);
  expect(entriesOf(kept.store)).toEqual(expected);
  expect(kept.reads()).toBe(0);
  await kept.store.close();
});
