/** What storage drivers paid is kept beside the checkpoints, so that the next process folds only what has come since. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { retainHistory } from '../../../src/store/retain.ts';
import type { DriverBill, Store } from '../../../src/index.ts';
import { openStore } from '../../../src/index.ts';
import { salvageLog } from '../../../src/storage/file/salvage.ts';

import {
  timeMachine,
  KEPT,
  opened,
  asked,
  written,
  FILES,
  FEW,
  few,
  filledDisk,
  keptPaths,
  folded,
} from './kept-books-workload.ts';

test('books are read by the next process, which reads of the log what has come since', async () => {
  const disk = await filledDisk();
  const first = await asked(disk);
  expect(first.reads).toBeGreaterThan(2 * FILES);
  expect(keptPaths(disk)).toHaveLength(1);
  expect(await asked(disk)).toEqual({ bills: first.bills, reads: few, warnings: [] });
  await written(disk, (store) => store.containers.get('c').fs.appendFileSync('/f3', 'more'));
  const later = await asked(disk);
  expect(later.reads).toBeLessThan(FEW);
  expect(later.bills).toEqual(await folded(disk));
  expect(later.bills).not.toEqual(first.bills);
});

test('a process that writes goes on from them, too, and keeps newer ones in their place', async () => {
  const disk = await filledDisk();
  await asked(disk);
  const { store, reads } = await opened(disk, false);
  const { fs } = store.containers.get('c');
  for (let index = 0; index < 400; index++) fs.writeFileSync(`/new${index}`, 'new');
  await store.flush();
  const before = reads();
  const bills = store.storageBills();
  expect(reads() - before).toBeGreaterThan(399);
  expect(reads() - before).toBeLessThan(410);
  await store.close();
  expect(keptPaths(disk)).toHaveLength(1);
  expect(await asked(disk)).toMatchObject({ bills, reads: few });
});

test('those of all drivers answer for some of them, in any order', async () => {
  const disk = await filledDisk();
  await asked(disk);
  for (const drivers of [['qcow2'], ['zfs', 'btrfs'], ['overlay2', 'containerd-blockfile', 'vfs']]) {
    const { bills, reads } = await asked(disk, drivers);
    expect(reads).toBeLessThan(FEW);
    expect(bills).toEqual(await folded(disk, drivers));
  }
  expect(keptPaths(disk)).toHaveLength(1);
});

test('other parameters have books of their own, and only so many are kept', async () => {
  const disk = await filledDisk();
  for (const size of ['4K', '8K', '16K', '32K', '64K', '128K', '256K']) {
    const { bills } = await asked(disk, [`zfs:record-size=${size}`]);
    expect(bills).toEqual(await folded(disk, [`zfs:record-size=${size}`]));
  }
  expect(keptPaths(disk)).toHaveLength(4);
  expect((await asked(disk, ['zfs:record-size=256K'])).reads).toBeLessThan(FEW);
});

test('books of fewer drivers go when those of more are kept', async () => {
  const disk = await filledDisk();
  for (const drivers of [['zfs'], ['qcow2', 'vfs'], ['zfs:record-size=4K']]) await asked(disk, drivers);
  expect(keptPaths(disk)).toHaveLength(3);
  await asked(disk);
  expect(keptPaths(disk)).toHaveLength(2);
});

test('an earlier moment goes on from books in front of it, and does not take the place of newer ones', async () => {
  const disk = await filledDisk();
  await asked(disk);
  const { store } = await opened(disk);
  const { seq } = store;
  await store.close();
  const [path] = keptPaths(disk);
  const before = disk.readFileSync(path);
  expect((await asked(disk, [], seq - 10)).bills).toEqual(await folded(disk, [], seq - 10));
  expect(disk.readFileSync(path).equals(before)).toBe(true);
  await written(disk, ({ containers }) => {
    for (let index = 0; index < 20; index++) containers.get('c').fs.appendFileSync('/f3', 'more');
  });
  const { bills, reads } = await asked(disk, [], seq + 10);
  expect(reads).toBeLessThan(15);
  expect(bills).toEqual(await folded(disk, [], seq + 10));
});

test.each([
  ['a fork', (store: Store, at: number) => store.fork('c', at, { name: 'late' })],
  ['a rewind', (store: Store, at: number) => store.rewind('c', at)],
  ['a restored path', (store: Store, at: number) => store.containers.rewindPath('c', at, '/f2')],
])('%s that goes back to a moment that was not kept has the log folded', async (_, goBack) => {
  const disk = await filledDisk();
  await asked(disk);
  await written<unknown>(disk, (store) => goBack(store, store.seq - 20));
  const { bills, reads } = await asked(disk);
  expect(reads).toBeGreaterThan(2 * FILES);
  expect(bills).toEqual(await folded(disk));
  // And what is kept now has that moment.
  expect(await asked(disk)).toMatchObject({ bills, reads: few });
});

test('a process that has to fold the log again keeps what it has folded then', async () => {
  const disk = await filledDisk();
  await written(disk, async (store) => {
    store.storageBills();
    await store.fork('c', store.seq - 20, { name: 'late' });
    store.storageBills();
  });
  const { bills, reads } = await asked(disk);
  expect(reads).toBeLessThan(FEW);
  expect(bills).toEqual(await folded(disk));
});

test('a fork of a moment that books have kept goes on from them', async () => {
  const disk = await filledDisk();
  const at = await written(disk, async (store) => {
    const moment = store.seq - 20;
    await store.fork('c', moment, { name: 'first' });
    return moment;
  });
  await asked(disk);
  await written(disk, (store) => store.fork('c', at, { name: 'second' }));
  const { bills, reads } = await asked(disk);
  expect(reads).toBeLessThan(FEW);
  expect(bills).toEqual(await folded(disk));
});

/** A store in a directory, in which a file was written often. */
async function inDirectory(
  work: (directory: string, bills: () => Promise<DriverBill[]>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-books-'));
  const directory = join(folder, 'store');
  const warnings: string[] = [];
  const onWarning = (warning: string): void => void warnings.push(warning);
  try {
    {
      await using store = await openStore({ directory, timeMachine });
      const { fs } = await store.containers.create({ name: 'web' });
      for (let index = 0; index < 50; index++) fs.writeFileSync('/big', Buffer.alloc(50_000 + index, `${index}`));
    }
    await work(directory, async () => {
      await using store = await openStore({ directory, readOnly: true, timeMachine, onWarning });
      return store.storageBills();
    });
    expect(warnings).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const keptFiles = (directory: string): string[] =>
  readdirSync(join(directory, 'checkpoints')).filter((name) => KEPT.test(name));

test('books that no longer fit are gone after retain, and what is answered then is the same', async () => {
  await inDirectory(async (directory, bills) => {
    const before = await bills();
    expect(keptFiles(directory)).toHaveLength(1);
    await retainHistory(directory, 'now');
    expect(keptFiles(directory)).toEqual([]);
    expect(await bills()).toEqual(before);
    expect(await bills()).toEqual(before);
    expect(keptFiles(directory)).toHaveLength(1);
  });
});

test('who only reads makes no folder', async () => {
  await inDirectory(async (directory, bills) => {
    const before = await bills();
    rmSync(join(directory, 'checkpoints'), { recursive: true });
    expect(await bills()).toEqual(before);
    expect(readdirSync(directory)).toEqual(['log']);
  });
});

test('verify --salvage takes nothing along that was kept of the damaged log', async () => {
  await inDirectory(async (directory, bills) => {
    await bills();
    const copy = join(directory, 'copy');
    salvageLog(directory, copy);
    expect(keptFiles(directory)).toHaveLength(1);
    expect(keptFiles(copy)).toEqual([]);
  });
});
