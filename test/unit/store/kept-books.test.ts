/** What storage drivers paid is kept beside the checkpoints, so that the next process folds only what has come since. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { retainHistory } from '../../../src/store/retain.ts';
import type { KeptResult } from '../../../src/events/result-store.ts';
import type { DriverBill, Store } from '../../../src/index.ts';
import { openStore } from '../../../src/index.ts';
import type { LogFileSystem } from '../../../src/storage/file/log-file-system.ts';
import { damageOfResult } from '../../../src/storage/file/result-files.ts';
import { salvageLog } from '../../../src/storage/file/salvage.ts';
import { verifyCheckpoints } from '../../../src/storage/file/verify-checkpoints.ts';
import { FailingDisk } from '../../crash/failing-disk.ts';
import { DIRECTORY, openOn } from '../../crash/log-workload.ts';
import { randomFrom, SimulatedDisk } from '../../crash/simulated-disk.ts';

/** Moments that forks were made from are read off checkpoints, so that what is read of the log is read for the books. */
const timeMachine = { foldMax: -1, checkpoints: { every: 50, lightMin: 1, keepMin: 1 } };
const KEPT = /\.kept$/;

interface Opened {
  readonly store: Store;
  /** Transactions that were read from the log. */
  readonly reads: () => number;
  readonly warnings: readonly string[];
}

async function opened(files: LogFileSystem, readOnly = true): Promise<Opened> {
  const log = openOn(files, { readOnly });
  const warnings: string[] = [];
  const store = await openStore({ log, timeMachine, onWarning: (warning) => warnings.push(warning) });
  let count = 0;
  const read = log.read.bind(log);
  log.read = function* (from, to) {
    for (const transaction of read(from, to)) {
      count++;
      yield transaction;
    }
  };
  return { store, reads: () => count, warnings };
}

/** What a process of its own answers, and how much of the log it reads for that. */
async function asked(
  files: LogFileSystem,
  drivers: readonly string[] = [],
  at?: number,
): Promise<{ bills: DriverBill[]; reads: number; warnings: readonly string[] }> {
  const { store, reads, warnings } = await opened(files);
  const bills = store.storageBills({ drivers, at });
  await store.close();
  return { bills, reads: reads(), warnings };
}

async function written<T>(disk: LogFileSystem, work: (store: Store) => T | Promise<T>): Promise<T> {
  const { store } = await opened(disk, false);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const FILES = 60;
/** Transactions that are read for what is beside the books: of moments that forks were made from. */
const FEW = 12;
const few = expect.toSatisfy((count: number) => count < FEW) as number;

/** A store with an image, a container above it that has copied up, and a fork of that. */
async function filledDisk(content = 'content'): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await written(disk, async (store) => {
    const below = await store.containers.create({ name: 'below' });
    for (let index = 0; index < FILES; index++) below.fs.writeFileSync(`/f${index}`, `${content} ${index}`.repeat(900));
    await below.commit({ tag: 'base' });
    const { fs } = await store.containers.create({ name: 'c', image: 'base' });
    for (let index = 0; index < FILES; index++) fs.appendFileSync(`/f${index}`, '!');
    await store.containers.fork('c', { name: 'side' });
    for (let index = 0; index < FILES; index += 2) fs.appendFileSync(`/f${index}`, '!');
  });
  return disk;
}

const keptPaths = (disk: SimulatedDisk): string[] => disk.paths().filter((path) => KEPT.test(path));
const unfinished = (disk: SimulatedDisk): string[] => disk.paths().filter((path) => path.endsWith('.tmp'));

/** As the log alone has it. */
async function folded(disk: SimulatedDisk, drivers: readonly string[] = [], at?: number): Promise<DriverBill[]> {
  const bare = disk.clone();
  for (const path of keptPaths(bare)) bare.unlinkSync(path);
  const { bills, reads } = await asked(bare, drivers, at);
  expect(reads).toBeGreaterThan(FILES);
  return bills;
}

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

/** The one result that is there, as who reads the log finds it, and its bytes. */
function keptIn(disk: SimulatedDisk): { result: KeptResult; bytes: Buffer } {
  const log = openOn(disk, { readOnly: true });
  const [result] = log.results.list();
  const bytes = log.results.read(result) as Buffer;
  log.closeSync();
  return { result, bytes };
}

test('books of another version are folded anew, and replaced', async () => {
  const disk = await filledDisk();
  const { bills } = await asked(disk);
  const { result, bytes } = keptIn(disk);
  const log = openOn(disk, { readOnly: true });
  log.results.keep({ ...result, about: result.about.replace(/^storage-books \S+/, 'storage-books 0.0') }, bytes);
  log.closeSync();
  const again = await asked(disk);
  expect(again.bills).toEqual(bills);
  expect(again.reads).toBeGreaterThan(2 * FILES);
  expect(keptPaths(disk)).toHaveLength(1);
  expect(keptIn(disk).result).toEqual(result);
  expect((await asked(disk)).reads).toBeLessThan(FEW);
});

test('books of another log are not believed, nor are those that are ahead of the log', async () => {
  const disk = await filledDisk();
  const early = disk.clone();
  await written(disk, (store) => store.containers.get('c').fs.appendFileSync('/f3', 'more'));
  await asked(disk);
  const [path] = keptPaths(disk);
  const foreign = await filledDisk('another');
  for (const other of [early, foreign]) {
    const expected = await folded(other);
    other.put(path, disk.bytes(path));
    const { bills, reads } = await asked(other);
    expect(reads).toBeGreaterThan(2 * FILES);
    expect(bills).toEqual(expected);
    // They took their place, of the log as it is.
    expect((await asked(other)).reads).toBeLessThan(FEW);
    other.put(path, disk.bytes(path));
    await written(other, () => {});
    expect(keptPaths(other)).toEqual([]);
  }
});

test('damage at any byte, and a cut at any, is noticed and loses nothing', async () => {
  const disk = await filledDisk();
  const { bills } = await asked(disk);
  const { result, bytes } = keptIn(disk);
  const [path] = keptPaths(disk);
  const whole = disk.readFileSync(path);
  const random = randomFrom(whole.length);
  const log = openOn(disk, { readOnly: true });
  const expectNotThere = (damaged: Buffer): void => {
    disk.put(path, damaged);
    expect(log.results.read(result)).toBeNull();
    expect(damageOfResult(damaged)).not.toBeNull();
  };
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at] ^= 1 << Math.floor(random() * 8);
    expectNotThere(damaged);
    if (at % 97 === 0) expectNotThere(whole.subarray(0, at));
    if (at % 499 !== 0) continue;
    const file = path.slice(DIRECTORY.length + 1);
    expect(verifyCheckpoints(DIRECTORY, { fileSystem: disk })).toMatchObject([{ file }]);
    const again = await asked(disk.clone());
    expect({ at, bills: again.bills }).toEqual({ at, bills });
    expect(again.reads).toBeGreaterThan(2 * FILES);
  }
  log.closeSync();
  // The next one who asks makes it whole again.
  await asked(disk);
  expect((await asked(disk)).reads).toBeLessThan(FEW);
  disk.put(path, whole);
  expect(keptIn(disk)).toEqual({ result, bytes });
  expect(verifyCheckpoints(DIRECTORY, { fileSystem: disk })).toEqual([]);
});

test.each(['EROFS', 'EACCES'])(
  'a medium that refuses with %s is answered from all the same, without a word',
  async (code) => {
    const disk = await filledDisk();
    const { files } = new FailingDisk(disk, { calls: ['openSync'], nth: 1, code, within: '.tmp' });
    expect(await asked(files)).toMatchObject({ bills: await folded(disk), warnings: [] });
    expect(keptPaths(disk)).toEqual([]);
  },
);

test('a disk that fails anywhere while books are kept is told of, and leaves none of them or all', async () => {
  const disk = await filledDisk();
  const bills = await folded(disk);
  let nth = 1;
  for (; ; nth++) {
    const copy = disk.clone();
    const failing = new FailingDisk(copy, {
      calls: ['openSync', 'writeSync', 'fdatasyncSync', 'renameSync', 'fsyncSync'],
      nth,
      code: 'ENOSPC',
      shortBytes: 100,
      within: '.tmp',
    });
    const answer = await asked(failing.files);
    expect(answer.bills).toEqual(bills);
    if (failing.matched < nth) break;
    expect(answer.warnings).toEqual([expect.stringMatching(/^what storage drivers paid is not kept: ENOSPC/)]);
    expect([...keptPaths(copy), ...unfinished(copy)]).toEqual([]);
  }
  expect(nth).toBe(5);
});

test('of two that keep books at once one does, and the other answers', async () => {
  const disk = await filledDisk();
  const before = disk.clone();
  const { bills } = await asked(before);
  const { result, bytes } = keptIn(before);
  const rival = openOn(disk, { readOnly: true });
  const { files } = new FailingDisk(disk, null);
  const { fdatasyncSync } = files;
  let left = -1;
  files.fdatasyncSync = (fd) => {
    fdatasyncSync(fd);
    // What the first one has written counts as left behind by somebody who died.
    rival.results.keep(result, bytes);
    left = unfinished(disk).length;
  };
  expect(await asked(files)).toMatchObject({ bills, warnings: [] });
  rival.closeSync();
  expect(left).toBe(0);
  expect(keptIn(disk)).toEqual({ result, bytes });
  expect(unfinished(disk)).toEqual([]);
  expect(await asked(disk)).toMatchObject({ bills, reads: few });
});

test('whatever a loss of power leaves of a file, the answer is that of the log, and a writer cleans up', async () => {
  const filled = await filledDisk();
  const bills = await folded(filled);
  for (let seed = 1; seed <= 40; seed++) {
    const disk = filled.clone();
    const random = randomFrom(seed);
    const stopAt = Math.floor(random() * 3);
    const failing = new FailingDisk(disk, null).files;
    const states: SimulatedDisk[] = [];
    const note = <A extends unknown[], R>(run: (...args: A) => R) => {
      return (...args: A): R => {
        const answer = run(...args);
        states.push(disk.afterPowerLoss(random));
        return answer;
      };
    };
    const { writeSync, fdatasyncSync, renameSync } = failing;
    await asked({
      ...failing,
      writeSync: note(writeSync),
      fdatasyncSync: note(fdatasyncSync),
      renameSync: note(renameSync),
    });
    expect(states).toHaveLength(3);
    const left = states[stopAt];
    expect((await asked(left)).bills).toEqual(bills);
    left.put(`${DIRECTORY}/checkpoints/storage-books-00.kept.0123456789abcdef.tmp`, Buffer.from('rest'));
    await written(left, () => {});
    expect(unfinished(left)).toEqual([]);
    expect(verifyCheckpoints(DIRECTORY, { fileSystem: left })).toEqual([]);
  }
});

test('events that are not behind a commit yet are in no books that are kept', async () => {
  const disk = await filledDisk();
  const { store } = await opened(disk, false);
  const { fs } = store.containers.get('c');
  const synced = store.seq;
  fs.appendFileSync('/f5', 'not synced');
  store.engine.log.flushSync();
  const { bills } = await asked(disk);
  expect(bills).toEqual(store.storageBills());
  expect(keptIn(disk).result.seq).toBe(synced);
  // Power is lost, and another history goes on from there.
  const lost = disk.clone();
  lost.unlinkSync(`${DIRECTORY}/lock`);
  await store.close();
  await written(lost, (again) => again.containers.get('c').fs.truncateSync('/f6', 1));
  expect((await asked(lost)).bills).toEqual(await folded(lost));
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
