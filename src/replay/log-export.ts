/**
 * A whole log as text: NDJSON, one record a line, UTF-8, each line ended by LF.
 *
 * ```
 * {"record":"header","format":"overlog-log","version":1,"events":3,"chunks":2}
 * {"record":"transaction","seq":1,"timeNs":"1767323045000000000","subject":0,"cause":["init"],"group":null,"actor":null,"events":[{"type":"StoreCreated","storeId":"…"}]}
 * {"record":"chunk","number":1,"digest":"<SHA-256, hex>","bytes":"<base64>"}
 * {"record":"dropped","number":2}
 * {"record":"transaction","seq":2,…}
 * {"record":"end","events":3,"chunks":2,"digest":"<SHA-256 of all lines before, hex>"}
 * ```
 *
 * - `header` is the first line and tells how many events and chunks follow; `end` is the last and proves that nothing is
 *   missing or changed.
 * - Chunks come in the order of their numbers, each before the first transaction that speaks of it. No two hold the same
 *   bytes.
 * - Transactions come in the order of `seq`, the first being 1; the next one is `seq` + number of events. The form of
 *   events is that of event-json.ts: every field explicit, in the order of event-fields.ts.
 *
 * Reading it back (log-import.ts) gives the same numbers, times and chunks, and so the same Merkle roots.
 */

import { createHash } from 'node:crypto';
import type { StoreEvent } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { base64, type Json, transactionToJson } from './event-json.ts';

export const EXPORT_FORMAT = 'overlog-log';
export const EXPORT_VERSION = 1;

/**
 * The lines of a log as it is at the first call, each with its LF. One line is held at a time.
 *
 * @throws What reading the log throws: `ERR_LOG_CORRUPT`, `ERR_LOG_CLOSED`.
 */
export function* exportLog(log: Pick<EventLog, 'head' | 'read' | 'chunks'>): Generator<string, void> {
  const events = log.head;
  const chunks = log.chunks.head;
  const hash = createHash('sha256');
  const line = (record: Readonly<Record<string, Json>>): string => {
    const text = `${JSON.stringify(record)}\n`;
    hash.update(text);
    return text;
  };
  const chunkLine = (number: number): string => {
    if (log.chunks.byteLength(number) === 0) return line({ record: 'dropped', number });
    return line({
      record: 'chunk',
      number,
      digest: Buffer.from(log.chunks.digest(number)).toString('hex'),
      bytes: base64(log.chunks.get(number)),
    });
  };
  yield line({ record: 'header', format: EXPORT_FORMAT, version: EXPORT_VERSION, events, chunks });
  let written = 0;
  if (events > 0) {
    for (const transaction of log.read(1, events)) {
      const needed = newestChunk(transaction.events);
      while (written < needed) yield chunkLine(++written);
      yield line({ record: 'transaction', ...transactionToJson(transaction) });
    }
  }
  // Content that was stored, but of which no transaction speaks: it has a number all the same.
  while (written < chunks) yield chunkLine(++written);
  yield `${JSON.stringify({ record: 'end', events, chunks, digest: hash.digest('hex') })}\n`;
}

function newestChunk(events: readonly StoreEvent[]): number {
  let newest = 0;
  for (const event of events) {
    if (event.type === 'Written') {
      for (let at = 0; at < event.pieces.length; at += 3) newest = Math.max(newest, event.pieces[at]);
    } else if (event.type === 'LayerAdded' || event.type === 'LayerFramed') {
      for (const chunk of event.chunks) newest = Math.max(newest, chunk);
    }
  }
  return newest;
}
