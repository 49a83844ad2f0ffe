import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeEventBatch,
  decodeTransaction,
  encodeEventBatch,
  encodeTransaction,
  joinEventBatches,
  splitEventBatches,
  TRANSACTION_PREFIX_BYTES,
  transactionCount,
  transactionSeq,
} from '../../../src/events/codec.ts';
import type { FileEvent, StoreEvent, Transaction } from '../../../src/events/event.ts';
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
    expect(Buffer.from(bytes.subarray(0, TRANSACTION_PREFIX_BYTES)).toString('hex')).toBe(
      '0300000000010000' + '02000000',
    );
    expect(transactionSeq(bytes, 0)).toBe(2 ** 40 + 3);
    expect(transactionCount(bytes, 0)).toBe(2);
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

  test('of a create with a small file takes at most 48 bytes per event', () => {
    const timeNs = 1_700_000_000_123_456_789n;
    const transaction: Transaction = {
      seq: 100_000,
      timeNs,
      subject: 3,
      cause: ['writeFile', '/app/data/file-000123.txt'],
      group: null,
      actor: null,
      events: [
        {
          type: 'NodeCreated',
          parent: 7000,
          name: 'file-000123.txt',
          ino: 50_000,
          mode: 0o100644,
          uid: 0,
          gid: 0,
          rdev: 0,
          target: '',
          timeNs,
          parentTimeNs: timeNs,
        },
        { type: 'Written', ino: 50_000, offset: 0, length: 1024, pieces: [50_000, 0, 1024], timeNs },
      ],
    };
    expect(encodeTransaction(transaction).length / 2).toBeLessThanOrEqual(48);
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
