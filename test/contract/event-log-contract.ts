import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CHUNK_BYTES_MAX } from '../../src/events/chunk-store.ts';
import { NO_CAUSE, type Transaction } from '../../src/events/event.ts';
import type { EventLog } from '../../src/events/event-log.ts';
import { anyTransaction } from '../unit/events/codec-arbitraries.ts';
import { codeOf, rejectedCodeOf, transactionAt } from '../unit/storage/log-fixtures.ts';

/** A storage under test. */
export interface LogUnderTest {
  /** Opens a new empty log. */
  open(): EventLog;
  /** Closes what is open and removes what it left. */
  clean(): void;
}

/** What every storage promises (`event-log.ts`, `chunk-store.ts`). */
export function testEventLog(name: string, make: () => LogUnderTest): void {
  describe(`${name} log`, () => {
    let under: LogUnderTest;
    let log: EventLog;
    beforeEach(() => {
      under = make();
      log = under.open();
    });
    afterEach(() => {
      log.closeSync();
      under.clean();
    });

    const append = (count: number, eventsEach = 1): Transaction[] => {
      const appended: Transaction[] = [];
      for (let index = 0; index < count; index++) {
        const transaction = transactionAt(log.head + 1, eventsEach);
        log.append(transaction);
        appended.push(transaction);
      }
      return appended;
    };

    test('an empty log has head 0 and nothing to read', () => {
      expect(log.head).toBe(0);
      expect(log.syncedSeq).toBe(0);
      expect(log.chunks.head).toBe(0);
      expect(log.failed).toBe(false);
      expect([...log.read()]).toStrictEqual([]);
      expect(log.refresh()).toBe(0);
    });

    test('an append is visible at once and moves the head by its events', () => {
      const [first] = append(1, 3);
      expect(log.head).toBe(3);
      expect([...log.read()]).toStrictEqual([first]);
    });

    test('an append with a stale expected sequence is refused and writes nothing', () => {
      append(2);
      for (const seq of [0, 1, 2, 4, -1]) expect(codeOf(() => log.append(transactionAt(seq)))).toBe('ERR_LOG_CONFLICT');
      expect(log.head).toBe(2);
      expect([...log.read()]).toHaveLength(2);
    });

    test('a transaction without events is refused', () => {
      expect(codeOf(() => log.append(transactionAt(1, 0)))).toBe('ERR_INVALID_ARGUMENT');
      expect(log.head).toBe(0);
    });

    test('a refused transaction leaves nothing', () => {
      const refused = { ...transactionAt(1), group: '\ud800' };
      expect(codeOf(() => log.append(refused))).toBe('ERR_INVALID_ARGUMENT');
      expect(log.head).toBe(0);
      append(1);
      expect([...log.read()]).toHaveLength(1);
    });

    test('any transactions come back as they were appended', () => {
      fc.assert(
        fc.property(fc.array(anyTransaction, { maxLength: 5 }), (transactions) => {
          const from = log.head + 1;
          const appended = transactions.map((transaction) => {
            const next = { ...transaction, seq: log.head + 1 };
            log.append(next);
            return next;
          });
          expect([...log.read(from)]).toStrictEqual(appended);
          log.flushSync();
          expect([...log.read(from)]).toStrictEqual(appended);
        }),
        { numRuns: 50 },
      );
    });

    test('a read gives the whole transactions that hold the first to the last event', () => {
      const all = append(50, 3);
      for (let from = 1; from <= 150; from += 7) {
        for (const to of [from, from + 1, from + 5, 149, 150]) {
          const expected = all.filter(({ seq }) => seq + 2 >= from && seq <= to);
          expect([...log.read(from, to)]).toStrictEqual(expected);
        }
      }
      expect([...log.read(151)]).toStrictEqual([]);
      expect([...log.read(10, 9)]).toStrictEqual([]);
      expect([...log.read(0, 1000)]).toStrictEqual(all);
      for (const { cause, ...effects } of log.read(20, 90, 'effects')) {
        const { cause: known, ...expected } = all.find(({ seq }) => seq === effects.seq) as Transaction;
        expect(effects).toStrictEqual(expected);
        expect([known, NO_CAUSE]).toContainEqual(cause);
      }
    });

    test('a read ends at the head of the moment of its call', () => {
      append(2);
      const read = log.read();
      append(2);
      expect([...read]).toHaveLength(2);
    });

    test('a read goes on while the log grows, flushes and syncs', () => {
      const all = append(300, 2);
      const seen: Transaction[] = [];
      for (const transaction of log.read()) {
        seen.push(transaction);
        append(1);
        if (seen.length % 10 === 0) log.flushSync();
        if (seen.length % 100 === 0) log.syncSync();
      }
      expect(seen).toStrictEqual(all);
    });

    test('a sync makes everything appended durable', async () => {
      append(3);
      await log.sync();
      expect(log.syncedSeq).toBe(3);
      append(2);
      log.syncSync();
      expect(log.syncedSeq).toBe(5);
    });

    test('concurrent flushes and syncs all resolve', async () => {
      const calls: Promise<void>[] = [];
      for (let index = 0; index < 20; index++) {
        append(1);
        calls.push(log.flush(), log.sync());
        if (index % 5 === 0) await Promise.resolve();
      }
      await Promise.all(calls);
      expect(log.syncedSeq).toBe(20);
      await log.sync();
      await log.flush();
    });

    test('a chunk is stored once and comes back as it was', () => {
      const first = log.chunks.put(Buffer.from('one'));
      const second = log.chunks.put(Buffer.from('two'));
      expect([first, second]).toStrictEqual([1, 2]);
      expect(log.chunks.put(Buffer.from('one'))).toBe(1);
      expect(log.chunks.head).toBe(2);
      expect(Buffer.from(log.chunks.get(1)).toString()).toBe('one');
      log.flushSync();
      expect(Buffer.from(log.chunks.get(2)).toString()).toBe('two');
      expect(log.chunks.put(Buffer.from('two'))).toBe(2);
      expect(log.chunks.byteLength(2)).toBe(3);
      // SHA-256 of "one", as `printf one | sha256sum` prints it.
      const digest = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed';
      expect(Buffer.from(log.chunks.digest(1)).toString('hex')).toBe(digest);
      // As zlib's crc32 gives it.
      expect(log.chunks.sum(1)).toBe(0x7a6c86f1);
    });

    test('a stored chunk does not change with the buffer that it came from', () => {
      const bytes = Buffer.from('before');
      const chunk = log.chunks.put(bytes);
      bytes.fill(0);
      expect(Buffer.from(log.chunks.get(chunk)).toString()).toBe('before');
      const held = log.chunks.get(chunk);
      for (let index = 0; index < 100; index++) log.chunks.put(Buffer.alloc(60_000, index));
      log.flushSync();
      expect(Buffer.from(held).toString()).toBe('before');
    });

    test('chunks of every size up to the bound come back, flushed or not', () => {
      const sizes = [1, 2, 299, 300, 301, 4095, 4096, 65_535, CHUNK_BYTES_MAX];
      const contents = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const numbers = contents.map((content) => log.chunks.put(content));
      for (const flushed of [false, true]) {
        if (flushed) log.flushSync();
        for (const [index, number] of numbers.entries()) {
          expect(contents[index].equals(log.chunks.get(number))).toBe(true);
          expect(log.chunks.byteLength(number)).toBe(sizes[index]);
        }
      }
    });

    test('an empty and an oversized chunk are refused', () => {
      expect(codeOf(() => log.chunks.put(new Uint8Array()))).toBe('ERR_LOG_RECORD_TOO_LARGE');
      expect(codeOf(() => log.chunks.put(new Uint8Array(CHUNK_BYTES_MAX + 1)))).toBe('ERR_LOG_RECORD_TOO_LARGE');
      expect(log.chunks.head).toBe(0);
    });

    test('an unknown chunk is refused', () => {
      log.chunks.put(Buffer.from('one'));
      for (const chunk of [0, 2, -1, 1.5, Number.NaN]) {
        expect(codeOf(() => log.chunks.get(chunk))).toBe('ERR_LOG_CHUNK_UNKNOWN');
        expect(codeOf(() => log.chunks.byteLength(chunk))).toBe('ERR_LOG_CHUNK_UNKNOWN');
        expect(codeOf(() => log.chunks.digest(chunk))).toBe('ERR_LOG_CHUNK_UNKNOWN');
        expect(codeOf(() => log.chunks.sum(chunk))).toBe('ERR_LOG_CHUNK_UNKNOWN');
      }
    });

    test('many equal and unequal chunks keep their numbers apart', () => {
      const numbers = new Map<string, number>();
      for (let index = 0; index < 5000; index++) {
        const text = `content ${index % 3000}`;
        const number = log.chunks.put(Buffer.from(text));
        expect(numbers.get(text) ?? number).toBe(number);
        numbers.set(text, number);
      }
      expect(log.chunks.head).toBe(3000);
      for (const [text, number] of numbers) expect(Buffer.from(log.chunks.get(number)).toString()).toBe(text);
    });

    test('a closed log refuses everything and closes again without effect', async () => {
      append(1);
      await log.close();
      await log.close();
      log.closeSync();
      expect(codeOf(() => log.append(transactionAt(2)))).toBe('ERR_LOG_CLOSED');
      expect(codeOf(() => log.chunks.put(Buffer.from('x')))).toBe('ERR_LOG_CLOSED');
      expect(codeOf(() => log.read())).toBe('ERR_LOG_CLOSED');
      expect(codeOf(() => log.flushSync())).toBe('ERR_LOG_CLOSED');
      expect(codeOf(() => log.syncSync())).toBe('ERR_LOG_CLOSED');
      expect(await rejectedCodeOf(log.flush())).toBe('ERR_LOG_CLOSED');
      expect(await rejectedCodeOf(log.sync())).toBe('ERR_LOG_CLOSED');
    });
  });
}
