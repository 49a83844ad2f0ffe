/**
 * Dropping history in front of a moment.
 *
 * What takes room in a log is content. So the content goes that no moment from the oldest kept one on can show; events and
 * their causes stay, some 30 bytes each: from them blame, versions and copy-ups of the moments that are kept are
 * answered as before, and they are the state to fold from.
 *
 *     plan written ─▶ HistoryDropped appended and synced ─▶ segments written anew, one by one ─▶ plan removed
 *                     the switch: from here on it is done or finished at the next opening
 */

import { STORE_SUBJECT } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { type DropPlan, writeDropPlan } from '../storage/file/drop-plan.ts';
import type { At } from './moment.ts';
import { openStore, type OpenStoreOptions } from './open-store.ts';
import { keptChunks } from './kept-chunks.ts';
import type { Store } from './store.ts';

export interface RetainOptions extends Pick<OpenStoreOptions, 'clock' | 'actor' | 'onWarning'> {
  /** Tells what would be freed, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface RetainResult {
  /** The oldest moment that can be asked about from now on. */
  readonly oldest: number;
  /** The one before. */
  readonly oldestBefore: number;
  readonly chunksKept: number;
  readonly chunksDropped: number;
  /** Bytes of content that go. */
  readonly bytesDropped: number;
}

/**
 * Drops history in front of a moment: by a sequence number, a label, a time or an age (`~30d`), as {@link Store.at} takes it.
 * Nobody else may have the store open for writing. Who has it open for reading goes on with what was there, or is told
 * `ERR_LOG_REWRITTEN`.
 *
 * @throws `ERR_LOG_NOT_FOUND`; `ERR_LOG_LOCKED`; `ERR_AT_INVALID`; `ERR_HISTORY_DROPPED` for a moment that is gone already.
 */
export async function retainHistory(directory: string, at: At, options: RetainOptions = {}): Promise<RetainResult> {
  const { dryRun = false, ...opening } = options;
  const store = await openStore({ ...opening, directory, create: false, readOnly: dryRun });
  let result: RetainResult;
  try {
    result = await beginRetain(store, at, dryRun ? null : (plan) => writeDropPlan(directory, plan));
    if (dryRun) return result;
  } finally {
    await store.close();
  }
  // The opening does what was planned; folding once more makes new checkpoints.
  await (await openStore({ ...opening, directory, create: false })).close();
  return result;
}

/**
 * Plans what goes and throws the switch; the next opening of the log does the rest. Nothing may be written in between, since
 * content that is put could be found among what goes.
 *
 * @param write - Keeps the plan; null: nothing is changed.
 */
export async function beginRetain(
  store: Store,
  at: At,
  write: ((plan: DropPlan) => void) | null,
): Promise<RetainResult> {
  const { runs, ...result } = planOf(store, at);
  if (write === null) return result;
  const { engine } = store;
  write({ event: store.seq + 1, runs });
  const cause = ['retain', result.oldest] as const;
  engine.commit(STORE_SUBJECT, cause, [{ type: 'HistoryDropped', before: result.oldest }], engine.now());
  await store.sync();
  return result;
}

function planOf(store: Store, at: At): RetainResult & { readonly runs: readonly number[] } {
  const { log } = store.engine;
  const { seq: oldest } = store.worldAt(store.resolve(at));
  const oldestBefore = store.oldest;
  if (oldest < oldestBefore) {
    const message = `event ${oldest} is in front of the oldest moment that was kept, event ${oldestBefore}`;
    throw storeError('ERR_HISTORY_DROPPED', message, { detail: { at: oldest, oldest: oldestBefore } });
  }
  const kept = keptChunks(store.time, log, oldest);
  const runs: number[] = [];
  let chunksKept = 0;
  let chunksDropped = 0;
  let bytesDropped = 0;
  for (let chunk = 1; chunk <= log.chunks.head; chunk++) {
    const bytes = log.chunks.byteLength(chunk);
    if (kept.has(chunk) || bytes === 0) {
      if (bytes > 0) chunksKept++;
      continue;
    }
    chunksDropped++;
    bytesDropped += bytes;
    if (runs.length > 0 && runs[runs.length - 2] + runs[runs.length - 1] === chunk) runs[runs.length - 1]++;
    else runs.push(chunk, 1);
  }
  return { oldest, oldestBefore, chunksKept, chunksDropped, bytesDropped, runs };
}
