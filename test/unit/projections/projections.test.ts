import fc from 'fast-check';
import { firstValueFrom } from 'rxjs';
import { describe, expect, test } from 'vitest';
import type { Transaction } from '../../../src/events/event.ts';
import { copyUpLedger, copyUps, type CopyUpLedger } from '../../../src/projections/copy-up-ledger.ts';
import { type DiskUsage, diskUsage } from '../../../src/projections/disk-usage.ts';
import { configureDrivers } from '../../../src/projections/drivers/drivers.ts';
import { storageBooks, type StorageBooks } from '../../../src/projections/drivers/storage-books.ts';
import { type History, history, pastsOf } from '../../../src/projections/history.ts';
import {
  foldProjection,
  observe,
  type Projection,
  type ProjectionSource,
  transactions$,
} from '../../../src/projections/projection.ts';
import { transactionsOf } from '../../../src/projections/subject-past.ts';
import { countedUpper, recountUpper } from '../../../src/projections/recount-upper.ts';
import { play, playStep, step, story } from '../replay/random-story.ts';
import { Workbench } from '../replay/workbench.ts';

/** A projection, and its result as comparable text. */
interface Subject<S> {
  readonly projection: Projection<S>;
  readonly show: (state: S) => unknown;
}

const showUsage = (usage: DiskUsage): unknown => [
  [...usage.containers].sort((a, b) => a[0] - b[0]),
  [...usage.images].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
  [...usage.volumes].sort((a, b) => a[0] - b[0]),
  usage.totals,
];
const showLedger = (ledger: CopyUpLedger): unknown => [
  [...copyUps(ledger)],
  ledger.total,
  [...ledger.byContainer],
  [...ledger.byOperation],
];
const showHistory = (index: History): unknown =>
  [...index]
    .sort((a, b) => a[0] - b[0])
    .map(([subject, { touched }]) => {
      const inos: number[] = [];
      touched.forEach((_, ino) => void inos.push(ino));
      return [subject, inos.map((ino) => [ino, transactionsOf(pastsOf(index), subject, ino)])];
    });

const showBooks = ({ books }: StorageBooks): unknown =>
  [...books.values()].map(({ container, name, firstWrites, timeline }) => {
    const parts = timeline.trees.map((tree) => {
      const found: string[] = [];
      tree.parts(
        (key, bytes) => void found.push(`${key} ${bytes}`),
        () => true,
      );
      return [found, tree.retainedBytes()];
    });
    return [container, name, firstWrites, parts];
  });

const SUBJECTS: readonly [string, Subject<any>][] = [
  ['disk-usage', { projection: diskUsage, show: showUsage }],
  ['copy-up-ledger', { projection: copyUpLedger, show: showLedger }],
  ['history', { projection: history, show: showHistory }],
  ['storage-books', { projection: storageBooks(configureDrivers()), show: showBooks }],
];

function source(bench: Workbench): ProjectionSource {
  return { world: bench.world, transactions$: transactions$(bench.engine), read: (from) => bench.log.read(from) };
}

describe.each(SUBJECTS)('the projection %s', (_, { projection, show }) => {
  test('is the same in batches of any size as one by one (law 2)', () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 1, max: 7 }), (told, size) => {
        const bench = play(told);
        const all = [...bench.log.read()];
        let single = projection.initial();
        for (const transaction of all) {
          const end = transaction.seq + transaction.events.length - 1;
          single = projection.apply(single, [transaction], bench.time.worldAt(end));
        }
        let batched = projection.initial();
        for (let at = 0; at < all.length; at += size) {
          const batch: Transaction[] = all.slice(at, at + size);
          const last = batch[batch.length - 1];
          batched = projection.apply(batched, batch, bench.time.worldAt(last.seq + last.events.length - 1));
        }
        const whole = foldProjection(projection, all, bench.world);
        expect(show(batched)).toEqual(show(single));
        expect(show(whole)).toEqual(show(single));
      }),
      { numRuns: 40 },
    );
  });

  test('gives live what it gives when it is rebuilt from the log', async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.array(fc.tuple(step, fc.boolean()), { maxLength: 30 }), async (told, more) => {
        const bench = play(told);
        const stream = observe(projection, source(bench));
        let live: unknown;
        const subscription = stream.subscribe((state) => (live = state));
        const shells = [bench.shell(1), bench.shell(2)];
        for (const [next, isBreak] of more) {
          playStep(bench, shells, next);
          if (isBreak) await Promise.resolve();
        }
        await Promise.resolve();
        const rebuilt = show(foldProjection(projection, bench.log.read(), bench.world));
        expect(show(live)).toEqual(rebuilt);
        subscription.unsubscribe();
        playStep(bench, shells, ['mkdir', 0, '/fresh', '', '', 0]);
        expect(show(await firstValueFrom(stream))).toEqual(
          show(foldProjection(projection, bench.log.read(), bench.world)),
        );
      }),
      { numRuns: 25 },
    );
  });

  test('leaves earlier results as they were', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', bench.image('a:1', [{ f: 'x' }])).append('/f', 'y');
    const before = foldProjection(projection, bench.log.read(), bench.world);
    const shown = JSON.stringify(show(before), replacer);
    const { head } = bench.log;
    c1.append('/f', 'z').mkdir('/d');
    const after = foldProjection(projection, bench.log.read(head + 1), bench.world, before);
    expect(JSON.stringify(show(before), replacer)).toBe(shown);
    expect(show(after)).toEqual(show(foldProjection(projection, bench.log.read(), bench.world)));
  });
});

test('books that keep only the moments that a log goes back to are those that keep all', () => {
  let goneBack = 0;
  fc.assert(
    fc.property(story, fc.integer({ min: 1, max: 9 }), (told, size) => {
      const bench = play(told);
      const moments = bench.time.referredMoments(0, bench.world.seq);
      goneBack += moments.length;
      const all = [...bench.log.read()];
      const projection = storageBooks(configureDrivers(), { moments });
      let batched = projection.initial();
      for (let at = 0; at < all.length; at += size) {
        batched = projection.apply(batched, all.slice(at, at + size), bench.world);
      }
      const whole = foldProjection(storageBooks(configureDrivers()), all, bench.world);
      expect(showBooks(batched)).toEqual(showBooks(whole));
    }),
    { numRuns: 40 },
  );
  expect(goneBack).toBeGreaterThan(20);
});

const replacer = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

describe('the stream of transactions', () => {
  test('brings the commits of one turn together', async () => {
    const bench = new Workbench();
    const batches: number[] = [];
    const subscription = transactions$(bench.engine).subscribe((batch) => batches.push(batch.length));
    const c1 = bench.container('c1', null).mkdir('/a').mkdir('/b');
    expect(batches).toEqual([]);
    await Promise.resolve();
    expect(batches).toEqual([3]);
    c1.mkdir('/c');
    await Promise.resolve();
    expect(batches).toEqual([3, 1]);
    subscription.unsubscribe();
  });

  test('listens only while somebody does', async () => {
    let listeners = 0;
    const commits = {
      onCommit: () => {
        listeners++;
        return () => void listeners--;
      },
    };
    const stream = transactions$(commits);
    expect(listeners).toBe(0);
    const one = stream.subscribe();
    const two = stream.subscribe();
    expect(listeners).toBe(1);
    one.unsubscribe();
    expect(listeners).toBe(1);
    two.unsubscribe();
    expect(listeners).toBe(0);
    const bench = new Workbench();
    let seen = 0;
    const subscription = transactions$(bench.engine).subscribe(() => seen++);
    bench.container('c1', null);
    subscription.unsubscribe();
    await Promise.resolve();
    expect(seen).toBe(0);
  });
});

describe('an observed projection', () => {
  test('gives the present result at once, to every subscriber, and only changes after that', async () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null).write('/a', '123');
    const stream = observe(diskUsage, source(bench));
    const sizes: number[] = [];
    const read = (usage: DiskUsage): number => usage.containers.get(1)?.sizeRw ?? -1;
    const one = stream.subscribe((usage) => sizes.push(read(usage)));
    expect(sizes).toEqual([3]);
    c1.append('/a', '45').append('/a', '6');
    await Promise.resolve();
    expect(sizes).toEqual([3, 6]);
    c1.chmod('/a', 0o600);
    await Promise.resolve();
    expect(sizes).toEqual([3, 6]);
    expect(read(await firstValueFrom(stream))).toBe(6);
    one.unsubscribe();
  });
});

describe('the counters of a tree', () => {
  test('equal a recount by walking (law 6)', () => {
    fc.assert(
      fc.property(story, (told) => {
        for (const { tree } of play(told).world.overlays()) expect(countedUpper(tree)).toEqual(recountUpper(tree));
      }),
      { numRuns: 200 },
    );
  });
});
