import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FileEvent, Transaction } from '../../src/events/event.ts';
import { NODE_DIGEST_BYTES, type NodeRef } from '../../src/events/node-store.ts';
import type { NodeRange } from '../../src/projections/evolve-node.ts';
import { Tree } from '../../src/projections/tree/tree.ts';
import { HistoryGathering } from '../../src/replay/checkpoint/node-histories.ts';
import { TouchedNodes, Touches } from '../../src/replay/checkpoint/touches.ts';
import { ReadTouches } from './read-touches.ts';
import { check } from './run.ts';

const FROM = 100;
const NODES = [1, 2, 3, 4, 5];
const NAMES = ['a', 'b', 'c', '\u{dc80}', 'a name that is much longer than the others are', 'ä'];

const anyName = fc.constantFrom(...NAMES);
const anyDirectory = fc.constantFrom(1, 1, 1, 2);
const anyFile = fc.integer({ min: 3, max: 5 });
const anyTime = fc.bigInt({ min: -5n, max: 5n });

/** File events that need not fit together: a history only keeps them. */
const anyFileEvent: fc.Arbitrary<FileEvent> = fc.oneof(
  fc.record({
    type: fc.constant('Linked' as const),
    ino: anyFile,
    parent: anyDirectory,
    name: anyName,
    nlink: fc.nat(3),
    timeNs: anyTime,
    parentTimeNs: fc.option(anyTime),
  }),
  fc.record({
    type: fc.constant('Unlinked' as const),
    ino: anyFile,
    parent: anyDirectory,
    name: anyName,
    nlink: fc.nat(3),
    released: fc.boolean(),
    timeNs: anyTime,
  }),
  fc.record({ type: fc.constant('NodeReleased' as const), ino: fc.constantFrom(1, 3, 4) }),
);

const anyEvents = fc.array(anyFileEvent, { minLength: 1, maxLength: 9 });
const anyStory = fc.array(anyEvents, { minLength: 50, maxLength: 120, size: 'max' });

/** What a range says, in a form that can be compared. */
function said(range: NodeRange | null): unknown {
  const events = [...(range?.events() ?? [])];
  if (range === null || (!range.hasEntries && events.length === 0)) return null;
  const seqs = [-1, FROM, FROM + 30, FROM + 200, FROM + 500, Infinity];
  return {
    hasEntries: range.hasEntries,
    events,
    changes: range.changes(),
    values: [...NAMES, 'no such name'].map((name) => range.valueOf(name)),
    times: seqs.flatMap((after) => seqs.map((end) => range.lastTime(after, end))),
  };
}

/** The histories of all nodes, stored and read again. */
function stored(story: readonly Transaction[]): TouchedNodes {
  const gathering = new HistoryGathering();
  for (const [row, { events }] of story.entries()) {
    for (const [index, event] of events.entries()) gathering.add(event as FileEvent, row, index, false);
  }
  const blocks: Buffer[] = [];
  const storing = gathering.store((bytes): NodeRef => {
    blocks.push(Buffer.from(bytes));
    return { position: blocks.length - 1, digest: ' '.repeat(NODE_DIGEST_BYTES) };
  });
  for (let step = storing.next(); ; step = storing.next()) {
    if (step.done !== true) continue;
    const seqs = new Uint32Array(story.map(({ seq }) => seq - FROM));
    return new TouchedNodes(FROM, seqs, step.value, (index) => blocks[index]);
  }
}

test('a stored history says of any part of it what the events of that part say', async () => {
  const anyPart = fc.tuple(fc.nat(600), fc.nat(600));
  await check(
    fc.property(anyStory, fc.array(anyPart, { minLength: 4, maxLength: 8 }), (lists, parts) => {
      let seq = FROM + 1;
      const story = lists.map((events): Transaction => {
        const transaction = { seq, timeNs: 0n, subject: 1, cause: ['test'] as const, group: null, actor: null, events };
        seq += events.length;
        return transaction;
      });
      const nodes = stored(story);
      const asked = new Touches(nodes, { from: FROM, after: FROM, seq, keyEnd: Infinity });
      const read = new ReadTouches(Tree.empty(0n));
      for (const transaction of story) read.add(transaction);
      for (const ino of NODES) {
        for (const [after, length] of [...parts, [0, Infinity]]) {
          const end = FROM + after + length;
          expect(said(asked.of(ino, FROM + after, end))).toEqual(said(read.of(ino, FROM + after, end)));
        }
      }
    }),
    40,
  );
});
