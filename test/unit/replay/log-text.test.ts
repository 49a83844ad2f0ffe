import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventLog } from '../../../src/events/event-log.ts';
import { merkleRoot } from '../../../src/projections/tree/merkle.ts';
import { eventToJson, JsonFormError, transactionFromJson, transactionToJson } from '../../../src/replay/event-json.ts';
import { exportLog } from '../../../src/replay/log-export.ts';
import { importLog } from '../../../src/replay/log-import.ts';
import { foldFrom } from '../../../src/replay/time-machine.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import { anyTransaction } from '../events/codec-arbitraries.ts';
import { play, story } from './random-story.ts';
import { Workbench } from './workbench.ts';

const textOf = (log: EventLog): string => [...exportLog(log)].join('');

/** The text in pieces of a size. */
function* pieces(text: string, size: number): Generator<Uint8Array, void> {
  const bytes = Buffer.from(text);
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    // One buffer for all pieces: whoever keeps one must copy it.
    const length = bytes.copy(buffer, 0, at, Math.min(bytes.length, at + size));
    yield buffer.subarray(0, length);
  }
}

async function failureOf(text: string): Promise<unknown> {
  try {
    await importLog(pieces(text, 1 << 16), openMemoryLog(), { file: 'x.ndjson' });
  } catch (error) {
    return error;
  }
  return null;
}

function small(): Workbench {
  const bench = new Workbench();
  bench.commit(['init'], [{ type: 'StoreCreated', storeId: 'abc' }]);
  const image = bench.image('a:1', [{ f: 'lower' }]);
  bench.container('c1', image).append('/f', 'upper').write('/\udc80name', 'x');
  return bench;
}

describe('export and import', () => {
  test('give the same log: numbers, times, chunks, roots at every moment (law 9)', async () => {
    await fc.assert(
      fc.asyncProperty(story, fc.integer({ min: 1, max: 5000 }), async (told, size) => {
        const bench = play(told);
        bench.log.chunks.put(Buffer.from('content of which nothing speaks'));
        const text = textOf(bench.log);
        const log = openMemoryLog();
        const summary = await importLog(pieces(text, size), log);
        expect(summary).toMatchObject({ events: bench.log.head, chunks: bench.log.chunks.head });
        expect([...log.read()]).toEqual([...bench.log.read()]);
        for (let chunk = 1; chunk <= log.chunks.head; chunk++) {
          expect(Buffer.compare(log.chunks.digest(chunk), bench.log.chunks.digest(chunk))).toBe(0);
        }
        const world = foldFrom(log).live;
        for (const { subject, tree } of world.overlays()) {
          expect(merkleRoot(tree, log.chunks)).toBe(merkleRoot(bench.overlay(subject).tree, bench.log.chunks));
        }
        expect(textOf(log)).toBe(text);
      }),
      { numRuns: 30 },
    );
  });

  test('take an empty log', async () => {
    const text = textOf(openMemoryLog());
    expect(text.split('\n')).toHaveLength(3);
    expect(await importLog([Buffer.from(text)], openMemoryLog())).toEqual({ events: 0, chunks: 0, transactions: 0 });
  });

  test('write a name that is not UTF-8 as its bytes, and times as decimal strings', () => {
    const text = textOf(small().log);
    expect(text).toContain(`"name":{"b64":"${Buffer.from([0x80, 0x6e, 0x61, 0x6d, 0x65]).toString('base64')}"}`);
    expect(text).toMatch(/"timeNs":"\d{19}"/);
    expect(Buffer.from(text).toString()).toBe(text);
  });

  test('a chunk comes before the first transaction that speaks of it', () => {
    const records = textOf(small().log)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { record: string; number?: number; events?: { pieces?: number[] }[] });
    let newest = 0;
    for (const { number, events } of records) {
      if (number !== undefined) expect(number).toBe(++newest);
      if (Array.isArray(events)) for (const { pieces: of } of events) expect(of?.[0] ?? 0).toBeLessThanOrEqual(newest);
    }
    expect(newest).toBeGreaterThan(2);
  });
});

describe('an import refuses', () => {
  const lines = textOf(small().log).split('\n').slice(0, -1);
  const failing = (change: (copy: string[]) => void): Promise<unknown> => {
    const copy = [...lines];
    change(copy);
    return failureOf(copy.map((line) => `${line}\n`).join(''));
  };
  const indexOf = (text: string): number => lines.findIndex((line) => line.includes(text));

  test.each<[string, number, RegExp, (copy: string[]) => void]>([
    ['a text without a header', 1, /not a header/, (copy) => copy.splice(0, 1)],
    ['another format', 1, /format is not/, (copy) => (copy[0] = copy[0].replace('overlog-log', 'other'))],
    ['a newer version', 1, /version 2/, (copy) => (copy[0] = copy[0].replace('"version":1', '"version":2'))],
    ['a line that is not JSON', 2, /not JSON/, (copy) => (copy[1] = copy[1].slice(1))],
    ['a cut text', lines.length, /cut off/, (copy) => copy.pop()],
    ['a text behind the end', lines.length + 1, /behind the end/, (copy) => copy.push(copy[1])],
    [
      'a missing transaction',
      indexOf('"ImageAdded"') + 1,
      /where \d+ is next/,
      (copy) => copy.splice(indexOf('"ImageAdded"'), 1),
    ],
    [
      'a missing chunk',
      indexOf('"number":2') + 1,
      /chunk 2, which is not there/,
      (copy) => copy.splice(indexOf('"number":2'), 1),
    ],
    [
      'a chunk that was altered',
      indexOf('"number":1') + 1,
      /digest/,
      (copy) => (copy[indexOf('"number":1')] = copy[indexOf('"number":1')].replace(/"bytes":"..../, '"bytes":"AAAA')),
    ],
    ['an unknown event', 2, /no known type/, (copy) => (copy[1] = copy[1].replace('StoreCreated', 'constructor'))],
    [
      'an unknown field',
      2,
      /unknown field "more"/,
      (copy) => (copy[1] = copy[1].replace('"storeId"', '"more":1,"storeId"')),
    ],
    ['a missing field', 2, /lacks storeId/, (copy) => (copy[1] = copy[1].replace('"storeId":"abc"', '"x":1'))],
    ['a field of another type', 2, /storeId is not a text/, (copy) => (copy[1] = copy[1].replace('"abc"', '5'))],
    [
      'a time that is a number',
      2,
      /timeNs is not a time/,
      (copy) => (copy[1] = copy[1].replace(/"timeNs":"(\d+)"/, '"timeNs":$1')),
    ],
    ['a change that keeps the form', lines.length, /digest/, (copy) => (copy[1] = copy[1].replace('"abc"', '"abd"'))],
    [
      'a layer without the root that it claims',
      indexOf('"LayerAdded"') + 1,
      /root/,
      (copy) => (copy[indexOf('"LayerAdded"')] = copy[indexOf('"LayerAdded"')].replace(/"root":"../, '"root":"zz')),
    ],
    [
      'a node that nobody made',
      indexOf('"NodeCreated"') + 1,
      /does not fit/,
      (copy) => (copy[indexOf('"NodeCreated"')] = copy[indexOf('"NodeCreated"')].replace('"parent":1', '"parent":77')),
    ],
    [
      'a chunk that is not there',
      indexOf('"Written"') + 1,
      /chunk 99/,
      (copy) => (copy[indexOf('"Written"')] = copy[indexOf('"Written"')].replace(/"pieces":\[\d+/, '"pieces":[99')),
    ],
    [
      'a name with a slash',
      indexOf('"FileCopiedUp"') + 1,
      /not the name/,
      (copy) =>
        (copy[indexOf('"FileCopiedUp"')] = copy[indexOf('"FileCopiedUp"')].replace('"name":"f"', '"name":"../f"')),
    ],
  ])('%s, and tells the line', async (_, line, message, change) => {
    expect(await failing(change)).toMatchObject({
      code: 'ERR_LOG_IMPORT',
      message: expect.stringMatching(message),
      detail: { file: 'x.ndjson', line },
    });
  });

  test('any damage to any byte, or ends where nothing was damaged', async () => {
    const text = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(text);
        damaged[at] ^= change;
        let failure: unknown = null;
        try {
          await importLog([damaged], openMemoryLog());
        } catch (error) {
          failure = error;
        }
        expect(failure === null ? at === text.length - 1 : (failure as { code: string }).code).toBe(
          failure === null ? true : 'ERR_LOG_IMPORT',
        );
      }),
      { numRuns: 300 },
    );
  });

  test('a log that holds something already', async () => {
    const { log } = small();
    await expect(importLog([Buffer.from(textOf(log))], log)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

test('every event survives JSON, or is none that a tree could hold', () => {
  let survived = 0;
  fc.assert(
    fc.property(anyTransaction, (transaction) => {
      const json: unknown = JSON.parse(JSON.stringify(transactionToJson(transaction)));
      for (const event of transaction.events) {
        const one = { ...transaction, events: [event] };
        try {
          expect(transactionFromJson({ ...(json as object), events: [eventToJson(event)] })).toEqual(one);
          survived++;
        } catch (error) {
          if (!(error instanceof JsonFormError)) throw error;
          expect(error.message).toMatch(/whole number from [01] to \d+$|is not the name/);
        }
      }
    }),
    { numRuns: 300 },
  );
  expect(survived).toBeGreaterThan(500);
});
