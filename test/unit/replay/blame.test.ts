import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { history, pastsOf } from '../../../src/projections/history.ts';
import { foldProjection } from '../../../src/projections/projection.ts';
import { readContent } from '../../../src/projections/tree/content.ts';
import { blameFile, blameLines, type BlameSpan } from '../../../src/replay/blame.ts';
import { bisect } from '../../../src/replay/bisect.ts';
import { play, story } from './random-story.ts';
import { Workbench } from './workbench.ts';

function blame(bench: Workbench, subject: number, ino: number): BlameSpan[] {
  const pasts = pastsOf(foldProjection(history, bench.log.read(), bench.world));
  return blameFile({ pasts, world: bench.world, subject, ino, transactionAt: (seq) => bench.time.transactionAt(seq) });
}

describe('blame', () => {
  test('tells for each line the layer or the write that it comes from', () => {
    const bench = new Workbench();
    const shell = bench.container('c1', bench.image('b:1', [{ f: 'one\ntwo\n' }]));
    shell.append('/f', 'three\n');
    const three = bench.log.head;
    shell.append('/f', 'four');
    const ino = shell.inoOf('/f');
    const spans = blame(bench, shell.container, ino);
    expect(spans).toEqual([
      { start: 0, end: 8, seq: null, layer: 0 },
      { start: 8, end: 14, seq: three, layer: null },
      { start: 14, end: 18, seq: bench.log.head, layer: null },
    ]);
    const lines = blameLines(spans, shell.overlay.tree.at(ino), bench.log.chunks);
    expect(lines.map(({ line, seq, layer }) => [line, seq, layer])).toEqual([
      [1, null, 0],
      [2, null, 0],
      [3, three, null],
      [4, bench.log.head, null],
    ]);
  });

  test('goes back with a rewind, and into a fork', () => {
    const bench = new Workbench();
    const shell = bench.container('c1', null).write('/f', 'aaaa');
    const first = bench.log.head;
    shell.write('/f', 'bbbbbb');
    const second = bench.log.head;
    const ino = shell.inoOf('/f');
    bench.rewind(shell.container, first);
    expect(blame(bench, shell.container, ino).map(({ end, seq }) => [end, seq])).toEqual([[4, first]]);
    const fork = bench.fork(shell.container, second, 'f').append('/f', 'c');
    expect(blame(bench, fork.container, ino).map(({ end, seq }) => [end, seq])).toEqual([
      [6, second],
      [7, bench.log.head],
    ]);
  });

  test('covers every file from its first byte to its last, and names events that wrote there', () => {
    fc.assert(
      fc.property(story, (told) => {
        const bench = play(told);
        const pasts = pastsOf(foldProjection(history, bench.log.read(), bench.world));
        for (const { subject, tree } of bench.world.overlays()) {
          tree.inodes.forEach((inode, ino) => {
            if (inode.dir !== null || inode.target !== '' || inode.nlink === 0) return;
            const transactionAt = (seq: number) => bench.time.transactionAt(seq);
            const spans = blameFile({ pasts, world: bench.world, subject, ino, transactionAt });
            let at = 0;
            for (const { start, end, seq } of spans) {
              expect(start).toBe(at);
              expect(end).toBeGreaterThan(start);
              at = end;
              if (seq === null) continue;
              // What was there right after that transaction is there still.
              const { subject: writer } = transactionAt(seq)!;
              const then = bench.time.worldAt(transactionEnd(bench, seq)).overlay(writer)!.tree.at(ino);
              const [now, old] = [inode, then].map(({ content }) => {
                const bytes = Buffer.alloc(end - start);
                readContent(content, bench.log.chunks, start, bytes, 0, bytes.length);
                return bytes.toString('latin1');
              });
              expect(now).toBe(old);
            }
            expect(at).toBe(inode.size);
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});

function transactionEnd(bench: Workbench, seq: number): number {
  const transaction = bench.time.transactionAt(seq)!;
  return transaction.seq + transaction.events.length - 1;
}

describe('bisect', () => {
  function hundred(): Workbench {
    const bench = new Workbench();
    const shell = bench.container('c1', null);
    for (let index = 0; index < 100; index++) {
      bench.engine.group = `g${Math.floor(index / 10)}`;
      if (index === 37) shell.write('/bug', '');
      else shell.chmod('/', 0o700 + (index % 2));
    }
    return bench;
  }
  const hasBug = (bench: Workbench) => (seq: number) =>
    (bench.time.worldAt(seq).overlay(1)?.tree.lookup(1, 'bug') ?? 0) !== 0;

  test('finds the transaction that made a test true, in few tests', async () => {
    const bench = hundred();
    const found = await bisect(bench.log, { from: 1, to: bench.log.head, subject: 1, test: hasBug(bench) });
    expect(found.transaction.cause[0]).toBe('write');
    expect(found.before).toBe(found.transaction.seq - 1);
    expect(found.tests).toBeLessThanOrEqual(9);
  });

  test('takes a group as one step', async () => {
    const bench = hundred();
    const found = await bisect(bench.log, { from: 1, to: bench.log.head, byGroup: true, test: hasBug(bench) });
    expect(found.transaction.group).toBe('g3');
    expect(found.tests).toBeLessThanOrEqual(6);
  });

  test('refuses ends that do not differ', async () => {
    const bench = hundred();
    const { head } = bench.log;
    for (const [from, to, answer] of [
      [1, head, true],
      [1, head, false],
      [head, head, true],
    ] as const) {
      await expect(bisect(bench.log, { from, to, test: () => answer })).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
      });
    }
  });
});
