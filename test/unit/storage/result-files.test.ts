import { expect, test } from 'vitest';
import type { KeptResult, ResultStore } from '../../../src/events/result-store.ts';
import { appendNext, openOn } from '../../crash/log-workload.ts';
import { SimulatedDisk } from '../../crash/simulated-disk.ts';

/** A log with some commits. */
function filledDisk(): SimulatedDisk {
  const disk = new SimulatedDisk();
  const log = openOn(disk);
  for (let count = 0; count < 6; count++) {
    appendNext(log);
    log.syncSync();
  }
  log.closeSync();
  return disk;
}

function withResults<T>(disk: SimulatedDisk, use: (results: ResultStore) => T, readOnly = true): T {
  const log = openOn(disk, { readOnly });
  try {
    return use(log.results);
  } finally {
    log.closeSync();
  }
}

const resultOf = (name: string, seq: number, about = 'a test'): KeptResult => ({ name, seq, about });

test.each([true, false])('a result is read as it was kept (by who only reads: %s)', (readOnly) => {
  const disk = filledDisk();
  withResults(disk, (results) => results.keep(resultOf('sums', 3), Buffer.from('of three')), readOnly);
  withResults(disk, (results) => {
    expect(results.list()).toEqual([resultOf('sums', 3)]);
    expect(results.read(resultOf('sums', 3))?.toString()).toBe('of three');
    expect(results.read(resultOf('sums', 4))).toBeNull();
    expect(results.read(resultOf('sums', 3, 'another'))).toBeNull();
    expect(results.read(resultOf('others', 3))).toBeNull();
  });
});

test('a result takes the place of the one with its name, and of no other', () => {
  const disk = filledDisk();
  withResults(disk, (results) => {
    results.keep(resultOf('sums', 3), Buffer.from('of three'));
    results.keep(resultOf('counts', 2), Buffer.alloc(0));
    results.keep(resultOf('sums', 2), Buffer.from('of two'));
    expect(results.list().sort((a, b) => a.name.localeCompare(b.name))).toEqual([
      resultOf('counts', 2),
      resultOf('sums', 2),
    ]);
    expect(results.read(resultOf('sums', 3))).toBeNull();
    expect(results.read(resultOf('sums', 2))?.toString()).toBe('of two');
    expect(results.read(resultOf('counts', 2))?.length).toBe(0);
    results.remove(resultOf('sums', 2));
    results.remove(resultOf('never there', 2));
    expect(results.list()).toEqual([resultOf('counts', 2)]);
  });
});

test('a result of an event that no commit covers is refused', () => {
  const disk = filledDisk();
  const log = openOn(disk);
  const { head } = log;
  expect(log.results.seqMax).toBe(head);
  appendNext(log);
  log.flushSync();
  expect(log.results.seqMax).toBe(head);
  expect(() => log.results.keep(resultOf('sums', log.head), Buffer.from('too early'))).toThrow('may lose event');
  log.syncSync();
  expect(log.results.seqMax).toBe(log.head);
  log.results.keep(resultOf('sums', log.head), Buffer.from('in time'));
  expect(log.results.list()).toHaveLength(1);
  log.closeSync();
});

test('a follower finds a result when it has seen the events that it is of', () => {
  const disk = filledDisk();
  const follower = openOn(disk, { readOnly: true });
  const log = openOn(disk);
  appendNext(log);
  log.syncSync();
  log.results.keep(resultOf('sums', log.head), Buffer.from('new'));
  expect(follower.results.list()).toEqual([]);
  follower.refresh();
  expect(follower.results.list()).toEqual([resultOf('sums', log.head)]);
  follower.closeSync();
  log.closeSync();
});
