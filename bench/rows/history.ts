/**
 * A long log: how fast it is folded, how soon its store opens, and what a question about a random moment costs.
 *
 * Folding is a cold rebuild: every transaction is read from the segments, decoded and applied to an empty world.
 */

import { openStore, type Store } from '../../src/index.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { foldFrom } from '../../src/replay/time-machine.ts';
import { type Figure, quantile, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { makeHistory } from '../history.ts';
import { remove, temporaryDirectory } from '../stores.ts';
import { randomNumbers } from '../workload.ts';

const ROUNDS = 5;
const QUESTIONS = 300;

export const historyGroup: Group = {
  name: 'history: fold, open, at',
  async run(options, progress): Promise<Figure[]> {
    const events = options.quick ? 50_000 : 200_000;
    const directory = temporaryDirectory();
    try {
      progress(`making a log of ${events} events`);
      await makeLog(directory, events);
      progress('folding and opening it');
      const folds: number[] = [];
      const opens: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        folds.push(foldRate(directory));
        opens.push(await openTime(directory));
      }
      progress('asking about random moments');
      const store = await openStore({ directory });
      const asked = askAtRandom(store);
      await store.close();
      const subject = `${events.toLocaleString('en-US')} events`;
      return [
        { row: 'fold, cold', subject, unit: 'events/s', sample: sampleOf(folds), reach: { atLeast: 1_500_000 } },
        { row: 'open the store', subject, unit: 'ms', sample: sampleOf(opens), reach: { atMost: 150 } },
        atFigure('at(random), p50', subject, quantile(asked, 0.5), 2),
        atFigure('at(random), p99', subject, quantile(asked, 0.99), 20),
      ];
    } finally {
      remove(directory);
    }
  },
};

async function makeLog(directory: string, events: number): Promise<void> {
  const store = await openStore({ directory });
  const { fs } = await store.containers.create({ name: 'busy' });
  makeHistory(fs, events, () => store.engine.log.head);
  await store.close();
}

/** Events a second. */
function foldRate(directory: string): number {
  const log = openFileLog(directory, { readOnly: true });
  globalThis.gc?.();
  const start = performance.now();
  foldFrom(log);
  const seconds = (performance.now() - start) / 1000;
  const rate = log.head / seconds;
  log.closeSync();
  return rate;
}

async function openTime(directory: string): Promise<number> {
  globalThis.gc?.();
  const start = performance.now();
  const store = await openStore({ directory });
  const ms = performance.now() - start;
  await store.close();
  return ms;
}

/** Milliseconds of each question, ascending: the store at a moment, then stat and read of a file that is there. */
function askAtRandom(store: Store): number[] {
  const next = randomNumbers(7);
  const spent: number[] = [];
  for (let question = 0; question < QUESTIONS; question++) {
    const seq = 5_000 + (next() % (store.seq - 5_000));
    const start = performance.now();
    const { fs } = store.at(seq).containers.get('busy');
    const directory = `/d${next() % 100}`;
    const names = fs.readdirSync(directory);
    if (names.length > 0) {
      const path = `${directory}/${names[next() % names.length]}`;
      fs.statSync(path);
      fs.readFileSync(path);
    }
    spent.push(performance.now() - start);
  }
  return spent.sort((a, b) => a - b);
}

const atFigure = (row: string, subject: string, ms: number, atMost: number): Figure => ({
  row,
  subject,
  unit: 'ms',
  sample: sampleOf([ms]),
  reach: { atMost },
});
