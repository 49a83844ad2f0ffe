/** Books that are damaged, of another version or of another log, and disks that fail while they are kept. */

import { expect, test } from 'vitest';
import type { KeptResult } from '../../../src/events/result-store.ts';
import { damageOfResult } from '../../../src/storage/file/result-files.ts';
import { verifyCheckpoints } from '../../../src/storage/file/verify-checkpoints.ts';
import { FailingDisk } from '../../crash/failing-disk.ts';
import { DIRECTORY, openOn } from '../../crash/log-workload.ts';
import { randomFrom, SimulatedDisk } from '../../crash/simulated-disk.ts';

import {
  opened,
  asked,
  written,
  FILES,
  FEW,
  few,
  filledDisk,
  keptPaths,
  unfinished,
  folded,
} from './kept-books-workload.ts';

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
