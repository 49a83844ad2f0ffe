/** What storage drivers keep, as bytes: at any moment of any history it can be written, read, and gone on with. */

import { deserialize } from 'node:v8';
import { expect, test } from 'vitest';
import { lastSeq } from '../../src/events/event.ts';
import { DOCKER_PROFILE, POSIX_PROFILE } from '../../src/events/overlay-profile.ts';
import { driverBills } from '../../src/projections/drivers/bill.ts';
import { configureDrivers, STORAGE_DRIVERS } from '../../src/projections/drivers/drivers.ts';
import { storageBooks, type StorageBooks } from '../../src/projections/drivers/storage-books.ts';
import { foldProjection } from '../../src/projections/projection.ts';
import { encodeBooks, StoredBooks } from '../../src/replay/checkpoint/stored-books.ts';
import type { Store } from '../../src/store/store.ts';
import { forAllCommands } from './play.ts';

const DRIVERS = configureDrivers([
  ...STORAGE_DRIVERS.map(({ name }) => name),
  'overlay2-reflink:zeroes-tail=1',
  'btrfs:max-inline=0',
  'zfs:record-size=4K',
  'containerd-blockfile:sparse=0',
  'qcow2:cluster-size=4K',
  'qcow2:cluster-size=64K,extended-l2=1',
]);

/** The table of stored books, and the section of each driver. */
function partsOf(bytes: Buffer): { table: Record<string, unknown>; sections: string[] } {
  const start = 4 + bytes.readUInt32LE(0);
  const { sections: lengths, ...table } = deserialize(bytes.subarray(4, start)) as { sections: number[] };
  let at = start;
  const sections = lengths.map((length) => bytes.toString('latin1', at, (at += length)));
  expect(at).toBe(bytes.length);
  return { table, sections };
}

/** Files are given an earlier content, too, and written again. */
async function restoreSome(store: Store): Promise<void> {
  for (const { name } of store.containers.list()) {
    try {
      await store.containers.rewindPath(name, Math.floor(store.seq * 0.6), '/');
      store.containers.get(name).fs.appendFileSync('/a', 'again');
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
    }
  }
}

function expectSameAtEveryCut(store: Store): void {
  const { world, time, seq: head } = store;
  const { log } = store.engine;
  const moments = time.referredMoments(0, head);
  const projection = storageBooks(DRIVERS, { moments });
  const goOn = (books: StorageBooks, after: number): StorageBooks =>
    foldProjection(projection, log.read(after + 1, head), world, books);
  const billsOf = (books: StorageBooks): unknown => driverBills(books, world, time);
  const expected = billsOf(goOn(projection.initial(), 0));
  let books = projection.initial();
  for (const transaction of log.read()) {
    const cut = lastSeq(transaction);
    books = projection.apply(books, [transaction], world);
    const bytes = encodeBooks(books, moments);
    const stored = new StoredBooks(bytes);
    expect(stored.moments).toEqual(moments);
    const read = stored.load(DRIVERS, moments, world.lowers);
    const { table, sections } = partsOf(bytes);
    // What was read says the same as what was written, and what is shared in it is the same.
    const again = partsOf(encodeBooks(read, moments));
    expect({ cut, table: again.table }).toEqual({ cut, table });
    expect(again.sections).toEqual(sections);
    const ended = goOn(read, cut);
    expect(partsOf(encodeBooks(ended, moments)).sections).toEqual(
      partsOf(encodeBooks(goOn(books, cut), moments)).sections,
    );
    expect({ cut, bills: billsOf(ended) }).toEqual({ cut, bills: expected });
    // A driver alone reads its section alone.
    const one = cut % DRIVERS.length;
    const alone = stored.load([DRIVERS[one]], moments, world.lowers);
    expect(partsOf(encodeBooks(alone, moments)).sections).toEqual([sections[one]]);
  }
}

test.each([
  ['docker', DOCKER_PROFILE],
  ['posix', POSIX_PROFILE],
])(
  'books that were stored at any event go on as books that were folded, with every driver (%s)',
  async (_, profile) => {
    await forAllCommands(
      12,
      () => ({
        async end({ store }) {
          await restoreSome(store);
          expectSameAtEveryCut(store);
        },
      }),
      () => ({ profile }),
    );
  },
  300_000,
);
