import { encodeEventBatch } from '../../src/events/codec.ts';
import type { FileEvent, StoreEvent, Transaction } from '../../src/events/event.ts';
import { FORMAT_VERSION } from '../../src/events/upcast.ts';
import { openFileLog } from '../../src/storage/file/file-log.ts';
import { SAMPLE_EVENTS } from './sample-events.ts';

/** Name of the golden log of the current format, and of the JSON beside it that says what it holds. */
export const GOLDEN_NAME = `format-${FORMAT_VERSION}`;

/** What a golden log holds, as JSON can say it. */
export interface Expectation {
  readonly head: number;
  readonly transactions: unknown;
  /** Content and digest of each chunk, hex. */
  readonly chunks: readonly { readonly content: string; readonly digest: string }[];
  /** Events of the batch that is stored as the third chunk. */
  readonly batch: unknown;
}

export const GOLDEN_BATCH: readonly FileEvent[] = [
  ...SAMPLE_EVENTS.NodeCreated,
  ...SAMPLE_EVENTS.Written,
  ...SAMPLE_EVENTS.XattrSet,
];

/** Writes the golden log: segments of 4 KiB, every event type, alone and all in one transaction. */
export function writeGoldenLog(directory: string): Transaction[] {
  let salt = 0x60_1d_e2;
  const log = openFileLog(directory, { segmentBytesMax: 4096, syncIntervalMs: 0, randomSalt: () => salt++ });
  const transactions: Transaction[] = [];
  const append = (events: readonly StoreEvent[], rest: Partial<Transaction> = {}): void => {
    const seq = log.head + 1;
    const timeNs = 1_700_000_000_123_456_789n;
    const transaction: Transaction = {
      seq,
      timeNs,
      subject: seq % 3,
      cause: ['write', `/path/${seq}`, seq, -1.5],
      group: null,
      actor: null,
      ...rest,
      events,
    };
    log.append(transaction);
    transactions.push(transaction);
    if (seq % 7 === 0) log.flushSync();
    if (seq % 20 === 0) log.syncSync();
  };
  log.chunks.put(Buffer.from('hello'));
  log.chunks.put(Buffer.from('world of chunks'));
  log.chunks.put(encodeEventBatch(GOLDEN_BATCH));
  log.chunks.put(Buffer.alloc(3000, 0xa5));
  for (const samples of Object.values(SAMPLE_EVENTS)) for (const event of samples) append([event]);
  append(Object.values(SAMPLE_EVENTS).flat(), { group: 'step 1', actor: null, cause: ['everything at once'] });
  append([{ type: 'OpaqueSet', ino: 1 }], { group: null, actor: 'caf\u00e9 \udcff', timeNs: -1n, cause: ['open'] });
  log.closeSync();
  return transactions;
}

/** JSON that loses nothing: bigints as `{"ns": "…"}`, bytes as `{"hex": "…"}`. */
export function toJson(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, field: unknown) => {
      if (typeof field === 'bigint') return { ns: String(field) };
      if (field instanceof Uint8Array) return { hex: Buffer.from(field).toString('hex') };
      return field;
    }),
  );
}
