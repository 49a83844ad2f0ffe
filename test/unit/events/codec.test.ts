import fc from 'fast-check';
import { unpackMultiple } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { bundleCount, bundleSeq, decodeTransactions } from '../../../src/events/bundle-reader.ts';
import { BUNDLE_PREFIX_BYTES, BundleWriter } from '../../../src/events/bundle-writer.ts';
import { decodeEventBatch, encodeEventBatch, joinEventBatches, splitEventBatches } from '../../../src/events/codec.ts';
import { type FileEvent, NO_CAUSE, type StoreEvent, type Transaction } from '../../../src/events/event.ts';
import { isStoreError } from '../../../src/events/log-error.ts';
import { FORMAT_VERSION } from '../../../src/events/upcast.ts';
import { anyFileEvent, anyTransaction, EVENTS } from './codec-arbitraries.ts';

const transactionOf = (events: StoreEvent[], rest: Partial<Transaction> = {}): Transaction => ({
  seq: 1,
  timeNs: 1_700_000_000_000_000_000n,
  subject: 1,
  cause: ['test'],
  group: null,
  actor: null,
  events,
  ...rest,
});

/** A bundle of these transactions, in a buffer of its own. */
function bundleOf(transactions: readonly Transaction[]): Buffer {
  const writer = new BundleWriter();
  for (const transaction of transactions) writer.append(transaction);
  return Buffer.from(writer.bytes());
}

const encodeTransaction = (transaction: Transaction): Buffer => bundleOf([transaction]);
const withoutCause = (transaction: Transaction): Transaction => ({ ...transaction, cause: NO_CAUSE });
const effectsOf = (bytes: Uint8Array): Transaction[] =>
  decodeTransactions(bytes, FORMAT_VERSION, 1, Number.MAX_SAFE_INTEGER, 'effects');
const decodeTransaction = (bytes: Uint8Array, format?: number): Transaction => decodeTransactions(bytes, format)[0];

/** Gives transactions the sequence numbers that they have one behind the other. */
function inSequence(transactions: readonly Transaction[], first = 1): Transaction[] {
  let next = first;
  return transactions.map((transaction) => {
    const seq = next;
    next += transaction.events.length;
    return { ...transaction, seq };
  });
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return isStoreError(error) ? error.code : String(error);
  }
  return 'no error';
};

describe('a transaction', () => {
  test('of any events comes back as it was', () => {
    fc.assert(
      fc.property(anyTransaction, (transaction) => {
        expect(decodeTransaction(encodeTransaction(transaction))).toStrictEqual(transaction);
      }),
      { numRuns: 500 },
    );
  });

  test.each(Object.keys(EVENTS) as (keyof typeof EVENTS)[])('with a %s event comes back as it was', (type) => {
    fc.assert(
      fc.property(EVENTS[type] as fc.Arbitrary<StoreEvent>, (event) => {
        const transaction = transactionOf([event]);
        expect(decodeTransaction(encodeTransaction(transaction))).toStrictEqual(transaction);
      }),
    );
  });

  test('shows its sequence number and count in fixed bytes', () => {
    const events: StoreEvent[] = [
      { type: 'OpaqueSet', ino: 5 },
      { type: 'OpaqueSet', ino: 6 },
    ];
    const bytes = encodeTransaction(transactionOf(events, { seq: 2 ** 40 + 3 }));
    expect(Buffer.from(bytes.subarray(0, BUNDLE_PREFIX_BYTES)).toString('hex')).toBe('0300000000010000' + '02000000');
    expect(bundleSeq(bytes, 0)).toBe(2 ** 40 + 3);
    expect(bundleCount(bytes, 0)).toBe(2);
  });

  test('larger than the scratch buffer comes back as it was', () => {
    const events = Array.from({ length: 5000 }, (_, ino): StoreEvent => ({
      type: 'XattrSet',
      ino,
      name: 'user.a',
      value: new Uint8Array(40),
      ctimeNs: 3n,
    }));
    const transaction = transactionOf(events);
    expect(decodeTransaction(encodeTransaction(transaction))).toStrictEqual(transaction);
  });

  test('decoded shares no memory with the bytes that it came from', () => {
    const event: StoreEvent = {
      type: 'XattrSet',
      ino: 1,
      name: 'user.a',
      value: new Uint8Array([1, 2, 3]),
      ctimeNs: 1n,
    };
    const bytes = Buffer.from(encodeTransaction(transactionOf([event])));
    const decoded = decodeTransaction(bytes);
    decodeTransaction(encodeTransaction(transactionOf([{ type: 'OpaqueSet', ino: 9 }])));
    bytes.fill(0xff);
    expect(decoded.events).toStrictEqual([event]);
  });

  test('with a string that has no bytes is refused', () => {
    expect(codeOf(() => encodeTransaction(transactionOf([{ type: 'StoreCreated', storeId: '\ud800' }])))).toBe(
      'ERR_INVALID_ARGUMENT',
    );
  });

  test('with a time beyond int64 is refused', () => {
    const started: StoreEvent = { type: 'ContainerStarted', container: 1, timeNs: -(2n ** 63n) - 1n };
    expect(codeOf(() => encodeTransaction(transactionOf([], { timeNs: 2n ** 63n })))).toBe('ERR_INVALID_ARGUMENT');
    expect(codeOf(() => encodeTransaction(transactionOf([started])))).toBe('ERR_INVALID_ARGUMENT');
  });
});

describe('a bundle', () => {
  test('of any transactions comes back as it was, whole or from and to any event', () => {
    const transactions = fc.array(anyTransaction, { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(transactions, fc.nat(30), fc.nat(30), (drawn, from, length) => {
        const all = inSequence(drawn, 2 ** 33);
        const bytes = bundleOf(all);
        expect(decodeTransactions(bytes)).toStrictEqual(all);
        expect(effectsOf(bytes)).toStrictEqual(all.map(withoutCause));
        const fromSeq = 2 ** 33 + from;
        const toSeq = fromSeq + length;
        const expected = all.filter(({ seq, events }) => seq + events.length > fromSeq && seq <= toSeq);
        expect(decodeTransactions(bytes, FORMAT_VERSION, fromSeq, toSeq)).toStrictEqual(expected);
      }),
    );
  });

  test('of paths that resemble each other comes back as it was', () => {
    const component = fc.constantFrom(
      'a',
      'ab',
      'café',
      'caf\udcc3',
      '\ufeffx',
      '',
      '.',
      'usr',
      '\udcff\udcfe',
      '日本',
    );
    const path = fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    const transaction = fc
      .record({ cause: fc.tuple(path, path), name: component, other: component, timeNs: fc.bigInt(-5n, 5n) })
      .map(({ cause, name, other, timeNs }): Transaction => {
        const node = { ino: 2, mode: 0o100644, uid: 0, gid: 0, rdev: 0, target: '' };
        return transactionOf(
          [
            { type: 'NodeCreated', parent: 1, name, ...node, timeNs, parentTimeNs: timeNs },
            { type: 'WhiteoutCreated', parent: 1, name: other },
          ],
          { cause: ['rename', ...cause], timeNs },
        );
      });
    fc.assert(
      fc.property(fc.array(transaction, { minLength: 1, maxLength: 10 }), (drawn) => {
        const all = inSequence(drawn);
        expect(decodeTransactions(bundleOf(all))).toStrictEqual(all);
        expect(effectsOf(bundleOf(all))).toStrictEqual(all.map(withoutCause));
      }),
      { numRuns: 300 },
    );
  });

  test('is as it was before a transaction that was refused or taken out again', () => {
    fc.assert(
      fc.property(fc.array(anyTransaction, { minLength: 2, maxLength: 6 }), (drawn) => {
        const all = inSequence(drawn);
        const writer = new BundleWriter();
        for (const transaction of all) {
          expect(codeOf(() => writer.append({ ...transaction, cause: ['x', '/a/b', '\ud800'] }))).toBe(
            'ERR_INVALID_ARGUMENT',
          );
          writer.append({ ...transaction, cause: ['x', '/some/other/path'], timeNs: 99n, group: 'other' });
          writer.undo();
          writer.append(transaction);
        }
        expect(Buffer.from(writer.bytes()).equals(bundleOf(all))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('is plain MessagePack: a list for each transaction, in it a list for each event', () => {
    fc.assert(
      fc.property(fc.array(anyTransaction, { minLength: 1, maxLength: 5 }), (drawn) => {
        const all = inSequence(drawn);
        const lists: unknown[] = [];
        unpackMultiple(bundleOf(all).subarray(BUNDLE_PREFIX_BYTES), (value) => {
          lists.push(value);
        });
        expect(lists).toHaveLength(all.length);
        for (const [index, { events }] of all.entries()) {
          const list = lists[index] as unknown[][];
          expect(list).toHaveLength(3 + events.length);
          expect(list.slice(3).every((event) => Array.isArray(event) && typeof event[0] === 'number')).toBe(true);
        }
      }),
    );
  });

  const timeNs = 1_700_000_000_123_456_789n;
  /** Bytes that the bundle grows by with the second of two transactions. */
  const growth = (first: Transaction, second: Transaction): number =>
    bundleOf(inSequence([first, second], 100_000)).length - bundleOf([first]).length;

  test('takes at most 48 bytes for a chmod with a path of 20 bytes, whatever came before', () => {
    const chmod = (path: string): Transaction => {
      const unchanged = { uid: null, gid: null, atimeNs: null, mtimeNs: null };
      const change: StoreEvent = { type: 'AttributesChanged', ino: 70_000, mode: 0o600, ...unchanged, ctimeNs: timeNs };
      return transactionOf([change], { cause: ['chmod', path, '0600'], timeNs });
    };
    const other = transactionOf([{ type: 'OpaqueSet', ino: 1 }], { timeNs: timeNs - 50_000n });
    expect(growth(other, chmod('/dir-1234/file-12345'))).toBeLessThanOrEqual(48);
    expect(growth(chmod('/dir-1234/file-12344'), chmod('/dir-1234/file-12345'))).toBeLessThanOrEqual(32);
  });

  test('takes at most 48 bytes for a create with a small file', () => {
    const create = (path: string, name: string): Transaction => {
      const node = { ino: 70_000, mode: 0o100644, uid: 0, gid: 0, rdev: 0, target: '' };
      return transactionOf(
        [
          { type: 'NodeCreated', parent: 7000, name, ...node, timeNs, parentTimeNs: timeNs },
          { type: 'Written', ino: 70_000, offset: 0, length: 1024, pieces: [70_000, 0, 1024], timeNs },
        ],
        { cause: ['writeFile', path], timeNs },
      );
    };
    const before = create('/app/data/file-000122.txt', 'file-000122.txt');
    expect(growth(before, create('/app/data/file-000123.txt', 'file-000123.txt'))).toBeLessThanOrEqual(48);
  });
});

describe('malformed bytes', () => {
  const event: StoreEvent = {
    type: 'Unlinked',
    parent: 1,
    name: 'a',
    ino: 2,
    nlink: 0,
    released: true,
    timeNs: 5n,
  };
  const whole = Buffer.from(encodeTransaction(transactionOf([event])));

  test('are refused as corrupt or unsupported, whichever byte is changed or missing', () => {
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0x00, 0x7f, 0xc0, 0xc1, 0xc3, 0xd4, 0xdd, 0xff]) {
        const changed = Buffer.from(whole);
        changed[at] = value;
        expect(['no error', 'ERR_LOG_CORRUPT']).toContain(codeOf(() => decodeTransaction(changed)));
      }
      expect(codeOf(() => decodeTransaction(whole.subarray(0, at)))).toBe('ERR_LOG_CORRUPT');
    }
  });

  test('of a newer format are refused as unsupported', () => {
    expect(codeOf(() => decodeTransaction(whole, FORMAT_VERSION + 1))).toBe('ERR_LOG_FORMAT_UNSUPPORTED');
    expect(codeOf(() => decodeEventBatch(Buffer.of(FORMAT_VERSION + 1)))).toBe('ERR_LOG_FORMAT_UNSUPPORTED');
  });

  test('of an event with an unknown code are refused as corrupt', () => {
    expect(codeOf(() => decodeEventBatch(Buffer.of(FORMAT_VERSION, 0x91, 0x7f)))).toBe('ERR_LOG_CORRUPT');
    expect(codeOf(() => decodeEventBatch(Buffer.of(FORMAT_VERSION, 0x92, 1, 0xa0)))).toBe('ERR_LOG_CORRUPT');
    expect(codeOf(() => decodeEventBatch(new Uint8Array()))).toBe('ERR_LOG_CORRUPT');
  });
});

describe('an event batch', () => {
  const batch = fc.array(anyFileEvent, { maxLength: 30 });

  test('comes back as it was, empty or not', () => {
    expect(decodeEventBatch(encodeEventBatch([]))).toStrictEqual([]);
    fc.assert(
      fc.property(batch, (events) => {
        expect(decodeEventBatch(encodeEventBatch(events))).toStrictEqual(events);
      }),
    );
  });

  test('cut into pieces of any size comes back as it was', () => {
    fc.assert(
      fc.property(batch, fc.integer({ min: 1, max: 300 }), (events, bytesMax) => {
        const pieces = [...splitEventBatches(events, bytesMax)];
        expect(pieces.slice(0, -1).every((piece) => piece.length === bytesMax)).toBe(true);
        expect(joinEventBatches(pieces)).toStrictEqual(events);
        expect(Buffer.concat(pieces).equals(encodeEventBatch(events))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('may hold an event that is larger than a piece', () => {
    const events: FileEvent[] = [
      { type: 'XattrSet', ino: 1, name: 'user.big', value: new Uint8Array(65_536).fill(1), ctimeNs: null },
      { type: 'OpaqueSet', ino: 1 },
    ];
    const pieces = [...splitEventBatches(events, 65_536)];
    expect(pieces).toHaveLength(2);
    expect(joinEventBatches(pieces)).toStrictEqual(events);
  });

  test('is not disturbed by what is encoded between two pieces', () => {
    const events: FileEvent[] = [5n, 5n, 7n, 5n].map((ctimeNs) => ({
      type: 'XattrRemoved',
      ino: 1,
      name: 'user.a',
      ctimeNs,
    }));
    const pieces: Uint8Array[] = [];
    for (const piece of splitEventBatches(events, 8)) {
      pieces.push(piece);
      encodeTransaction(transactionOf([{ type: 'ContainerStarted', container: 1, timeNs: 99n }]));
    }
    expect(joinEventBatches(pieces)).toStrictEqual(events);
  });
});
