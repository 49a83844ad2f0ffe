import assert from 'node:assert/strict';
import type { Transaction } from '../../src/events/event.ts';
import { type FileLog, type FileLogOptions, openFileLog } from '../../src/storage/file/file-log.ts';
import type { LogFileSystem } from '../../src/storage/file/log-file-system.ts';
import { lastSeq } from '../../src/events/event.ts';

/** Where the log lies on a simulated disk. */
export const DIRECTORY = '/store';

/** Opens on a simulated disk; without timers, and with salts that a run repeats. */
export function openOn(fileSystem: LogFileSystem, options: FileLogOptions = {}): FileLog {
  let salt = 0x5eed;
  return openFileLog(DIRECTORY, { fileSystem, syncIntervalMs: 0, randomSalt: () => salt++, ...options });
}

/** Content of the chunk that transaction `seq` writes; its length tells the sequence number. */
export const contentOf = (seq: number): Buffer => Buffer.alloc(1 + ((seq * 37) % 700), seq);

/** Appends a {@link workTransaction} with a chunk of its own. */
export function appendNext(log: FileLog): Transaction {
  const content = contentOf(log.head + 1);
  const transaction = workTransaction(log.head + 1, log.chunks.put(content));
  log.append(transaction);
  return transaction;
}

/** A transaction of one or two events that writes a chunk with {@link contentOf} its sequence number. */
export function workTransaction(seq: number, chunk: number): Transaction {
  const content = contentOf(seq);
  const timeNs = BigInt(seq) * 1_000_000n;
  const written = {
    type: 'Written',
    ino: 2,
    offset: 0,
    length: content.length,
    pieces: [chunk, 0, content.length],
    timeNs,
  } as const;
  const events = seq % 3 === 0 ? [written, { type: 'Truncated', ino: 2, size: 1, timeNs } as const] : [written];
  return { seq, timeNs, subject: 1, cause: ['write', `/file-${seq}`], group: null, actor: null, events };
}

/** That the log holds the first transactions of `all`, whole, with their content. Returns how many. */
export function expectPrefix(log: FileLog, all: readonly Transaction[]): number {
  const found = [...log.read()];
  assert.deepStrictEqual(found, all.slice(0, found.length));
  const last = found.at(-1);
  assert.equal(log.head, last === undefined ? 0 : lastSeq(last));
  for (const { seq, events } of found) {
    const [event] = events;
    if (event.type !== 'Written') continue;
    if (!contentOf(seq).equals(log.chunks.get(event.pieces[0]))) throw new Error(`the content of ${seq} differs`);
  }
  return found.length;
}
