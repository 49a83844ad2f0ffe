import { expect, test } from 'vitest';
import type { Transaction } from '../../../src/events/event.ts';
import { newestFirst } from '../../../src/replay/newest-first.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import { Workbench } from './workbench.ts';

/** Transactions of one event and of more. */
function longLog(): Workbench {
  const bench = new Workbench();
  const shell = bench.container('c1', bench.image('b:1', [{ f: 'one' }]));
  for (let index = 0; index < 700; index++) {
    if (index % 3 === 0) shell.write(`/f${index}`, `${index}`);
    else shell.chmod('/', 0o700 + (index % 8));
  }
  return bench;
}

test('a log read from its end has the transactions of the log, whatever the range', () => {
  const { log } = longLog();
  for (const [from, to] of [
    [1, log.head],
    [1, 1],
    [5, 4],
    [2, log.head - 1],
    [300, 431],
    [log.head, log.head],
  ]) {
    expect([...newestFirst(log, from, to)].reverse()).toEqual(to < from ? [] : [...log.read(from, to)]);
  }
});

test('who stops early has read the end of the log only', () => {
  const { log } = longLog();
  const read: number[] = [];
  const watched = {
    *read(from?: number, to?: number): Iterable<Transaction> {
      for (const transaction of log.read(from, to)) {
        read.push(transaction.seq);
        yield transaction;
      }
    },
  };
  let count = 0;
  for (const _ of newestFirst(watched, 1, log.head)) if (++count === 5) break;
  expect(Math.min(...read)).toBeGreaterThan(log.head - 140);
});

test('an empty log has nothing at its end', () => {
  expect([...newestFirst(openMemoryLog(), 1, 0)]).toEqual([]);
});
