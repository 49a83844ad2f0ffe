/**
 * A long log: how fast it is folded, how soon its store opens, and what a question about a random moment costs, also in a
 * process that has just begun, and a comparison of two moments.
 *
 * Folding is a cold rebuild: every transaction is read from the segments, decoded and applied to an empty world.
 */

import { openStore, type Store } from '../../src/index.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { foldWorld } from '../../src/replay/time-machine.ts';
import { type Figure, quantile, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { makeHistory } from '../history.ts';
import { counted } from '../sizes.ts';
import { remove, temporaryDirectory } from '../stores.ts';
import { randomNumbers } from '../workload.ts';

const SHORT_EVENTS = 10_000;
const DIFF_EVENTS = 1000;
/** Openings of each store in a round. */
const OPENS = 6;

export const historyGroup: Group = {
  name: 'history: fold, open, at',
  async run(sizes, progress): Promise<Figure[]> {
    const { events, rounds, questions } = sizes.history;
    const directory = temporaryDirectory();
    const short = temporaryDirectory();
    try {
      progress(`making logs of ${events} and of ${SHORT_EVENTS} events`);
      await makeLog(directory, events);
      await makeLog(short, SHORT_EVENTS);
      progress('folding and opening them');
      const folds: number[] = [];
      const opens: number[] = [];
      const shortOpens: number[] = [];
      for (let round = 0; round < rounds; round++) {
        folds.push(foldRate(directory));
        // In turn, so that neither always comes first, on code that is compiled by then.
        for (let turn = 0; turn < OPENS; turn++) {
          if (turn % 2 === 0) opens.push(await openTime(directory));
          shortOpens.push(await openTime(short));
          if (turn % 2 === 1) opens.push(await openTime(directory));
        }
      }
      progress('asking about random moments');
      const store = await openStore({ directory, readOnly: true });
      const asked = askAtRandom(store, questions);
      const diffs = diffTimes(store);
      await store.close();
      const [open, shortOpen] = [sampleOf(opens), sampleOf(shortOpens)];
      const subject = `${counted(events)} events`;
      return [
        { row: 'fold, cold', subject, unit: 'events/s', sample: sampleOf(folds), reach: { atLeast: 1_500_000 } },
        { row: 'open, ls, cat, ps -s', subject, unit: 'ms', sample: open, reach: { atMost: 150 } },
        {
          row: 'open, by length',
          subject,
          unit: 'ms',
          sample: open,
          against: { name: `${counted(SHORT_EVENTS)} events`, sample: shortOpen },
          ratio: open.median / shortOpen.median,
          reach: { atMost: 2 },
        },
        atFigure('at(random), p50', subject, quantile(asked, 0.5), 2),
        atFigure('at(random), p99', subject, quantile(asked, 0.99), 20),
        {
          row: `diff, ${DIFF_EVENTS} events apart`,
          subject,
          unit: 'ms',
          sample: sampleOf(diffs),
          reach: { atMost: 10 },
        },
      ];
    } finally {
      remove(directory);
      remove(short);
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
  foldWorld(log);
  const seconds = (performance.now() - start) / 1000;
  const rate = log.head / seconds;
  log.closeSync();
  return rate;
}

async function openTime(directory: string): Promise<number> {
  globalThis.gc?.();
  const start = performance.now();
  const store = await openStore({ directory, readOnly: true });
  const { fs } = store.containers.get('busy');
  fs.readdirSync('/');
  const [name] = fs.readdirSync('/d1');
  if (name !== undefined) fs.readFileSync(`/d1/${name}`);
  store.diskUsage();
  const ms = performance.now() - start;
  await store.close();
  return ms;
}

/** Milliseconds of comparisons of two moments. */
function diffTimes(store: Store): number[] {
  const next = randomNumbers(11);
  const spent: number[] = [];
  for (let round = 0; round < 20; round++) {
    const from = 5_000 + (next() % (store.seq - 5_000 - DIFF_EVENTS));
    const start = performance.now();
    store.diff(from, from + DIFF_EVENTS, { container: 'busy' });
    spent.push(performance.now() - start);
  }
  return spent;
}

/** Milliseconds of each question, ascending: the store at a moment, then stat and read of a file that is there. */
function askAtRandom(store: Store, questions: number): number[] {
  const next = randomNumbers(7);
  const spent: number[] = [];
  for (let question = 0; question < questions; question++) {
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
