/**
 * Reads a log back from the text of log-export.ts into an empty log.
 *
 * Nothing is taken on trust: the form of every field, digests of chunks, the sequence, that chunks exist where they are
 * spoken of, that each transaction can be folded, that layers have the Merkle root they claim, and at the end the digest
 * of all lines. The first thing wrong ends it with `ERR_LOG_IMPORT`, file and line; what the log has taken by then is of
 * no use, so a caller imports into a place of its own and publishes that only when this has succeeded.
 */

import { createHash, hash } from 'node:crypto';
import { CHUNK_BYTES_MAX, type ChunkReader } from '../events/chunk-store.ts';
import { lastSeq, type StoreEvent, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { isStoreError, storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import { LowerViews } from '../projections/lower-views.ts';
import { merkleRoot } from '../projections/tree/merkle.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { World } from '../projections/world.ts';
import { bytesOf, intOf, JsonFormError, objectOf, transactionFromJson } from './event-json.ts';
import { EXPORT_FORMAT, EXPORT_VERSION } from './log-export.ts';
import { type Line, linesOf } from './text-lines.ts';
import { TimeMachine } from './time-machine.ts';

/** Bytes of text between two flushes of the log. */
const FLUSH_BYTES = 8 << 20;

export interface LogImportOptions {
  /** Names the source in errors. */
  readonly file?: string;
  /** Told after each record: events and chunks so far. */
  readonly onProgress?: (done: LogImportSummary) => void;
}

export interface LogImportSummary {
  readonly events: number;
  readonly chunks: number;
  readonly transactions: number;
}

/**
 * Imports a log. The log is flushed, not synced, at the end.
 *
 * @param source - The text as UTF-8, in pieces of any size.
 * @param log - Empty and writable; the caller's to close, and after an error to throw away.
 * @throws `ERR_LOG_IMPORT` with `detail.file` and `detail.line`; `ERR_INVALID_ARGUMENT` for a log that is not empty; what
 *   writing to the log throws.
 */
export async function importLog(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  log: EventLog,
  options: LogImportOptions = {},
): Promise<LogImportSummary> {
  if (log.head !== 0 || log.chunks.head !== 0) {
    throw storeError('ERR_INVALID_ARGUMENT', 'a log is imported into an empty one');
  }
  const file = options.file ?? '<import>';
  const importer = new Importer(log);
  let number = 0;
  let unflushed = 0;
  try {
    for await (const line of linesOf(source)) {
      number = line.number;
      importer.line(line);
      options.onProgress?.(importer.summary);
      unflushed += line.bytes.length;
      if (unflushed < FLUSH_BYTES) continue;
      unflushed = 0;
      await log.flush();
    }
    number++;
    importer.expectEnded();
  } catch (error) {
    if (!(error instanceof JsonFormError)) throw error;
    throw storeError('ERR_LOG_IMPORT', `${printableName(file)}:${number}: ${error.message}`, {
      detail: { file, line: number },
      cause: error.cause,
    });
  }
  await log.flush();
  return importer.summary;
}

class Importer {
  readonly #log: EventLog;
  readonly #time: TimeMachine;
  readonly #hash = createHash('sha256');
  #promised: { readonly events: number; readonly chunks: number } | null = null;
  #transactions = 0;
  #isEnded = false;

  constructor(log: EventLog) {
    this.#log = log;
    this.#time = new TimeMachine(log, new World(new LowerViews(log.chunks)));
  }

  get summary(): LogImportSummary {
    return { events: this.#log.head, chunks: this.#log.chunks.head, transactions: this.#transactions };
  }

  line(line: Line): void {
    if (this.#isEnded) throw new JsonFormError('there is text behind the end record');
    const { record, ...fields } = recordOf(line);
    if (record === 'end') return this.#end(fields);
    this.#hash.update(line.bytes).update('\n');
    if (this.#promised === null) {
      if (record !== 'header') throw new JsonFormError('the first record is not a header');
      return this.#header(fields);
    }
    if (record === 'chunk') return this.#chunk(fields);
    if (record === 'dropped') return this.#dropped(fields);
    if (record === 'transaction') return this.#transaction(transactionFromJson(fields));
    throw new JsonFormError('the record is neither a chunk nor a transaction nor the end');
  }

  expectEnded(): void {
    if (!this.#isEnded) throw new JsonFormError('the text ends before the end record: it was cut off');
  }

  #header(json: unknown): void {
    const fields = objectOf(json, ['format', 'version', 'events', 'chunks'], 'header');
    if (fields.format !== EXPORT_FORMAT) throw new JsonFormError(`the format is not ${EXPORT_FORMAT}`);
    const version = intOf(fields.version, 'version', 1);
    if (version !== EXPORT_VERSION) {
      throw new JsonFormError(
        `version ${version} of the format is not supported: this reads version ${EXPORT_VERSION}`,
      );
    }
    this.#promised = { events: intOf(fields.events, 'events'), chunks: intOf(fields.chunks, 'chunks') };
  }

  #chunk(json: unknown): void {
    const fields = objectOf(json, ['number', 'digest', 'bytes'], 'chunk');
    const { chunks } = this.#log;
    const number = intOf(fields.number, 'number', 1);
    if (number !== chunks.head + 1) throw new JsonFormError(`chunk ${number} comes where ${chunks.head + 1} is next`);
    const bytes = bytesOf(fields.bytes, 'bytes');
    if (bytes.length === 0 || bytes.length > CHUNK_BYTES_MAX) {
      throw new JsonFormError(`chunk ${number} has ${bytes.length} bytes: 1 to ${CHUNK_BYTES_MAX} are allowed`);
    }
    if (fields.digest !== hash('sha256', bytes)) throw new JsonFormError(`chunk ${number} does not match its digest`);
    const stored = chunks.put(bytes);
    if (stored !== number) throw new JsonFormError(`chunk ${number} has the same bytes as chunk ${stored}`);
  }

  #dropped(json: unknown): void {
    const { chunks } = this.#log;
    const number = intOf(objectOf(json, ['number'], 'dropped').number, 'number', 1);
    if (number !== chunks.head + 1) throw new JsonFormError(`chunk ${number} comes where ${chunks.head + 1} is next`);
    chunks.putDropped(1);
  }

  #transaction(transaction: Transaction): void {
    const next = this.#log.head + 1;
    if (transaction.seq !== next) throw new JsonFormError(`seq is ${transaction.seq} where ${next} is next`);
    if (transaction.timeNs < this.#time.live.timeNs && next > 1) {
      throw new JsonFormError('timeNs is before that of the last transaction');
    }
    if (lastSeq(transaction) > (this.#promised?.events ?? 0)) {
      throw new JsonFormError('there are more events than the header says');
    }
    transaction.events.forEach((event, index) => this.#expectChunks(event, `events[${index}]`));
    this.#fold(transaction);
    this.#log.append(transaction);
    this.#time.committed(transaction);
    this.#transactions++;
  }

  /** An event in a log can't fail to fold. One that does here was never in a log. */
  #fold(transaction: Transaction): void {
    try {
      this.#time.live.apply(transaction, this.#time);
      for (const event of transaction.events) if (event.type === 'LayerAdded') this.#expectRoot(event);
    } catch (error) {
      if (error instanceof JsonFormError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new JsonFormError(`the transaction does not fit what was before it: ${message}`, { cause: error });
    }
  }

  #expectRoot(event: StoreEvent & { readonly type: 'LayerAdded' }): void {
    const { chunks } = this.#log;
    const root = rootOf(this.#time.live.lowers.layer(event), chunks);
    if (root === null) return;
    if (root !== event.root) throw new JsonFormError(`layer ${event.chainId} does not have the root that it claims`);
  }

  #expectChunks(event: StoreEvent, where: string): void {
    const { chunks } = this.#log;
    const expectChunk = (chunk: number): void => {
      if (chunk < 1 || chunk > chunks.head)
        throw new JsonFormError(`${where} speaks of chunk ${chunk}, which is not there yet`);
    };
    if (event.type === 'LayerAdded' || event.type === 'LayerFramed') event.chunks.forEach(expectChunk);
    if (event.type !== 'Written') return;
    let length = 0;
    for (let at = 0; at < event.pieces.length; at += 3) {
      const [chunk, offset, bytes] = event.pieces.slice(at, at + 3);
      expectChunk(chunk);
      const bytesMax = chunks.byteLength(chunk) || CHUNK_BYTES_MAX;
      if (bytes === 0 || offset + bytes > bytesMax) {
        throw new JsonFormError(`${where} takes bytes that chunk ${chunk} does not have`);
      }
      length += bytes;
    }
    if (length !== event.length) throw new JsonFormError(`${where}.length is not the sum of its pieces`);
  }

  #end(json: unknown): void {
    const fields = objectOf(json, ['events', 'chunks', 'digest'], 'end');
    const { events, chunks } = this.summary;
    for (const promise of [this.#promised, fields]) {
      if (promise === null) throw new JsonFormError('the first record is not a header');
      if (promise.events !== events || promise.chunks !== chunks) {
        throw new JsonFormError(`there are ${events} events and ${chunks} chunks, not as many as the text says`);
      }
    }
    if (fields.digest !== this.#hash.digest('hex')) throw new JsonFormError('the lines do not match their digest');
    this.#isEnded = true;
  }
}

/** Null: the layer was removed before the oldest moment that was kept, and its content is gone. */
function rootOf(tree: Tree, chunks: ChunkReader): string | null {
  try {
    return merkleRoot(tree, chunks);
  } catch (error) {
    if (isStoreError(error, 'ERR_HISTORY_DROPPED')) return null;
    throw error;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function recordOf(line: Line): Readonly<Record<string, unknown>> {
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(line.bytes));
  } catch (error) {
    throw new JsonFormError('the line is not JSON in UTF-8', { cause: error });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new JsonFormError('the line is not an object');
  return json as Readonly<Record<string, unknown>>;
}
