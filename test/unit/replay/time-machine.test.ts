import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastSeq } from '../../../src/events/event.ts';
import { LowerViews } from '../../../src/projections/lower-views.ts';
import { merkleRoot } from '../../../src/projections/tree/merkle.ts';
import { type Past, World } from '../../../src/projections/world.ts';
import { foldFrom, foldWorld, TimeMachine } from '../../../src/replay/time-machine.ts';
import { play, story } from './random-story.ts';
import { SECOND, START_NS, Workbench } from './workbench.ts';

/** Everything that makes a world, as text. */
function fingerprint(world: World, bench: Workbench): string {
  const roots = [...world.overlays()]
    .map((overlay) => `${overlay.subject}:${merkleRoot(overlay.tree, bench.log.chunks)}:${overlay.tree.nextIno}`)
    .sort();
  const containers = [...world.registry.containers.values()].map((container) => container.name);
  return JSON.stringify([world.seq, String(world.timeNs), roots, containers, [...world.registry.labels]]);
}

/** The world after each whole transaction, by folding from nothing with the worlds before as the past. */
function foldAll(bench: Workbench): Map<number, string> {
  const prints = new Map<number, string>();
  const worlds = new Map<number, World>();
  const past: Past = { worldAt: (seq) => worlds.get(seq) as World };
  const world = new World(new LowerViews(bench.log.chunks));
  worlds.set(0, world.snapshot());
  prints.set(0, fingerprint(world, bench));
  for (const transaction of bench.log.read()) {
    world.apply(transaction, past);
    worlds.set(world.seq, world.snapshot());
    prints.set(world.seq, fingerprint(world, bench));
  }
  return prints;
}

const smallOptions = fc.record({
  snapshotEvery: fc.integer({ min: 1, max: 40 }),
  snapshotsMax: fc.integer({ min: 2, max: 8 }),
  recentMax: fc.integer({ min: 1, max: 4 }),
});

describe('the time machine', () => {
  test('a whole log folded without snapshots gives the live world, also where it refers to earlier moments (law 2)', () => {
    let withReferences = 0;
    let without = 0;
    fc.assert(
      fc.property(story, (told) => {
        const bench = play(told);
        const types = [...bench.log.read()].flatMap(({ events }) => events.map(({ type }) => type));
        if (types.some((type) => type === 'ContainerForked' || type === 'ContainerRewound')) withReferences++;
        else without++;
        expect(fingerprint(foldWorld(bench.log), bench)).toBe(fingerprint(bench.world, bench));
      }),
      { numRuns: 60 },
    );
    expect(Math.min(withReferences, without)).toBeGreaterThan(0);
  });

  test('at any moment it equals the fold of that many events (laws 2 and 8)', () => {
    fc.assert(
      fc.property(story, smallOptions, fc.array(fc.nat(1000)), (told, options, shares) => {
        const bench = play(told, options);
        const expected = foldAll(bench);
        const { head } = bench.log;
        expect(fingerprint(bench.world, bench)).toBe(expected.get(head));
        const reopened = foldFrom(bench.log, options);
        expect(fingerprint(reopened.live, bench)).toBe(expected.get(head));
        for (const time of [bench.time, reopened]) {
          for (const share of shares) {
            const seq = Math.floor((head * share) / 1000);
            const world = time.worldAt(seq);
            const whole = time.transactionAt(seq);
            const rounded = whole === undefined ? 0 : lastSeq(whole) === seq ? seq : whole.seq - 1;
            expect(world.seq).toBe(rounded);
            expect(fingerprint(world, bench)).toBe(expected.get(rounded));
          }
          expect(fingerprint(time.live, bench)).toBe(expected.get(head));
        }
      }),
      { numRuns: 80 },
    );
  });

  test('a fork equals the moment that it was made from, and a rewind can be rewound', () => {
    const bench = new Workbench({ snapshotEvery: 3 });
    const c1 = bench.container('c1', null);
    c1.write('/a', 'one');
    const one = bench.log.head;
    c1.write('/a', 'two').mkdir('/d');
    const two = bench.log.head;
    const root = (container: number): string => merkleRoot(bench.overlay(container).tree, bench.log.chunks);
    const rootTwo = root(c1.container);
    const rootOne = merkleRoot(bench.time.worldAt(one).overlay(c1.container)!.tree, bench.log.chunks);
    expect(root(bench.fork(c1.container, one, 'f').container)).toBe(rootOne);
    bench.rewind(c1.container, one);
    expect(root(c1.container)).toBe(rootOne);
    bench.rewind(c1.container, two);
    expect(root(c1.container)).toBe(rootTwo);
  });

  test('a chain of rewinds, each to the moment before the last, is folded in one pass', () => {
    const bench = new Workbench({ snapshotEvery: 1e9, recentMax: 1 });
    const c1 = bench.container('c1', null);
    c1.write('/a', 'start');
    for (let index = 0; index < 400; index++) {
      c1.append('/a', 'x');
      bench.rewind(c1.container, bench.log.head - (index % 2));
    }
    let reads = 0;
    const counting = {
      get head() {
        return bench.log.head;
      },
      *read(from?: number, to?: number) {
        for (const transaction of bench.log.read(from, to)) {
          reads++;
          yield transaction;
        }
      },
    };
    const time = new TimeMachine(counting, new World(new LowerViews(bench.log.chunks)), { snapshotEvery: 1e9 });
    time.catchUp();
    reads = 0;
    const world = time.worldAt(bench.log.head - 1);
    expect(reads).toBeLessThan(2 * bench.log.head);
    expect(fingerprint(world, bench)).toBe(foldAll(bench).get(world.seq));
  });

  test('a moment inside a transaction is the state before it', () => {
    const bench = new Workbench();
    bench.container('c1', null).write('/file', 'content');
    const { head } = bench.log;
    const transaction = bench.time.transactionAt(head)!;
    expect(transaction.events.length).toBeGreaterThan(1);
    expect(bench.time.worldAt(head).seq).toBe(head);
    expect(bench.time.worldAt(head - 1).seq).toBe(transaction.seq - 1);
  });

  test('a moment outside of the log is refused', () => {
    const bench = new Workbench();
    bench.container('c1', null);
    for (const seq of [-1, 2, 1.5, Number.NaN]) {
      expect(() => bench.time.worldAt(seq)).toThrow(expect.objectContaining({ code: 'ERR_AT_INVALID' }));
    }
    expect(bench.time.transactionAt(0)).toBeUndefined();
    expect(bench.time.transactionAt(2)).toBeUndefined();
  });

  test('what is done to the live world leaves earlier answers alone', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null).write('/a', 'one');
    const then = bench.time.worldAt(bench.log.head);
    const before = fingerprint(then, bench);
    c1.write('/a', 'two').mkdir('/b');
    expect(fingerprint(then, bench)).toBe(before);
  });

  test('a moment asked for in the middle of a transaction is that of whole transactions', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null).write('/a', 'one');
    const { head } = bench.log;
    const before = fingerprint(bench.time.worldAt(head), bench);
    const other = new Workbench();
    const d1 = other.container('c1', null).write('/a', 'one');
    other.engine.transact(['step'], () => {
      d1.write('/b', 'half');
      expect(fingerprint(other.time.worldAt(head), other)).toBe(before);
    });
    expect(c1.read('/a')).toBe('one');
    expect(fingerprint(other.time.worldAt(head), other)).toBe(before);
  });

  test('a follower catches up with what the log has gained', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null);
    const follower = foldFrom(bench.log);
    c1.write('/a', 'one').write('/b', 'two');
    const seen: number[] = [];
    follower.catchUp((transaction) => seen.push(transaction.seq));
    expect(seen).toHaveLength(2);
    expect(fingerprint(follower.live, bench)).toBe(fingerprint(bench.world, bench));
  });

  test('a machine that starts at a later world answers about the time before it, too', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null).write('/a', 'one');
    const at = bench.log.head;
    c1.write('/a', 'two');
    bench.fork(c1.container, at, 'f').write('/b', 'three');
    const expected = foldAll(bench);
    const time = new TimeMachine(bench.log, bench.time.worldAt(at + 2).snapshot());
    time.catchUp();
    for (const seq of [bench.log.head, at, 1, 0]) {
      const world = time.worldAt(seq);
      expect(fingerprint(world, bench)).toBe(expected.get(world.seq));
    }
    expect(time.seqAtTime(START_NS)).toBe(0);
    expect(time.seqAtTime(bench.nowNs)).toBe(bench.log.head);
  });

  test('history that is gone is a clear error, not a wrong answer', () => {
    const bench = new Workbench();
    bench.container('c1', null).write('/a', 'one').write('/a', 'two');
    const cut = { head: bench.log.head, read: (from = 1, to?: number) => bench.log.read(Math.max(from, 3), to) };
    const time = new TimeMachine(cut, bench.time.worldAt(bench.log.head).snapshot());
    expect(() => time.worldAt(2)).toThrow(expect.objectContaining({ code: 'ERR_LOG_NOT_FOUND' }));
  });
});

describe('the time index', () => {
  test('gives the last event at or before a time', () => {
    const bench = new Workbench();
    const c1 = bench.container('c1', null);
    for (let index = 0; index < 700; index++) c1.chmod('/', 0o700 + (index % 2));
    const transactions = [...bench.log.read()];
    for (const index of [0, 1, 255, 256, 257, 511, 512, 699, 700]) {
      const { timeNs } = transactions[index];
      expect(bench.time.seqAtTime(timeNs)).toBe(lastSeq(transactions[index]));
      expect(bench.time.seqAtTime(timeNs - 1n)).toBe(index === 0 ? 0 : lastSeq(transactions[index - 1]));
    }
    expect(bench.time.seqAtTime(bench.nowNs + SECOND)).toBe(bench.log.head);
  });

  test('of several transactions at one time gives the last', () => {
    const bench = new Workbench();
    bench.stepNs = 0n;
    bench.container('c1', null).mkdir('/a').mkdir('/b');
    expect(bench.time.seqAtTime(START_NS)).toBe(bench.log.head);
  });
});
