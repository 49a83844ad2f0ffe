import { randomBytes } from 'node:crypto';
import type { Clock, Engine } from '../engine/engine.ts';
import { releaseOrphans } from '../engine/orphans.ts';
import { STORE_SUBJECT } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { storeError } from '../events/log-error.ts';
import { openTime, type TimeMachineOptions } from '../replay/time-machine.ts';
import { type FileLogOptions, openFileLog } from '../storage/file/file-log.ts';
import { openMemoryLog } from '../storage/memory.ts';
import { StoreEngine } from './store-engine.ts';
import { Store } from './store.ts';

/** Names a store that lives in memory only. */
export const MEMORY = ':memory:';

export interface OpenStoreOptions extends Pick<
  FileLogOptions,
  'create' | 'segmentBytesMax' | 'syncIntervalMs' | 'chunkCacheBytes'
> {
  /** Where the store lies; it is made when it is not there. Left out, or `:memory:`: in memory only. */
  readonly directory?: string;
  /** A log of another kind, instead of a directory; the store closes it. */
  readonly log?: EventLog;
  /** Follow a store that another process may be writing to; what storage drivers paid is kept beside its checkpoints. Default false. */
  readonly readOnly?: boolean;
  /** Nanoseconds since 1970. Default: the system's clock. */
  readonly clock?: Clock;
  /** Id of a store that is made now: hex digits. Default: random ones. Ids of containers follow from it. */
  readonly storeId?: string;
  /** What every transaction carries as its actor, unless said otherwise. */
  readonly actor?: string;
  /**
   * Keeps files that have no name and were open when the last process that wrote ended: this one has taken over what was open.
   * Default false: they are released.
   */
  readonly keepsNameless?: boolean;
  readonly timeMachine?: TimeMachineOptions;
  /** Told what could not be done on the host for a bind. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens a store, and makes it when it is not there.
 *
 * @param where - A directory, `:memory:`, or options.
 * @throws `ERR_LOG_LOCKED` when another process writes to it; `ERR_LOG_CORRUPT`, `ERR_LOG_FORMAT_UNSUPPORTED`;
 *   `ERR_LOG_NOT_FOUND` when it is to be read only and is not there.
 */
export async function openStore(where: string | OpenStoreOptions = {}): Promise<Store> {
  const options = typeof where === 'string' ? { directory: where } : where;
  const directory = options.directory === undefined || options.directory === MEMORY ? null : options.directory;
  const log = options.log ?? openLog(directory, options);
  try {
    const warn = options.onWarning ?? warnProcess;
    const time = openTime(log, options.timeMachine, (error) =>
      warn(`no more checkpoints are written: ${String(error)}`),
    );
    const engine = new StoreEngine({
      log,
      world: time.live,
      past: time,
      ...(options.clock && { clock: options.clock }),
    });
    engine.onCommit((transaction) => time.committed(transaction));
    engine.actor = options.actor ?? null;
    if (!log.readOnly) {
      if (log.head === 0) createStore(engine, options.storeId);
      else if (options.keepsNameless !== true) releaseOrphans(engine);
      await log.sync();
    }
    return new Store({ engine, time, directory, warn, keepMin: options.timeMachine?.checkpoints?.keepMin });
  } catch (error) {
    await log.close();
    throw error;
  }
}

function openLog(directory: string | null, options: OpenStoreOptions): EventLog {
  if (directory === null) {
    if (options.readOnly) throw storeError('ERR_INVALID_ARGUMENT', 'a store in memory that is read only holds nothing');
    return openMemoryLog();
  }
  const { readOnly = false, create, segmentBytesMax, syncIntervalMs, chunkCacheBytes } = options;
  return openFileLog(directory, {
    readOnly,
    ...(create !== undefined && { create }),
    ...(segmentBytesMax !== undefined && { segmentBytesMax }),
    ...(syncIntervalMs !== undefined && { syncIntervalMs }),
    ...(chunkCacheBytes !== undefined && { chunkCacheBytes }),
  });
}

const warnProcess = (message: string): void => process.emitWarning(message, { type: 'OverlogWarning' });

function createStore(engine: Engine, storeId = randomBytes(16).toString('hex')): void {
  if (!/^[0-9a-f]{8,64}$/.test(storeId)) {
    throw storeError('ERR_INVALID_ARGUMENT', `"${storeId}" is not a store id: 8 to 64 hex digits`);
  }
  engine.commit(STORE_SUBJECT, ['init'], [{ type: 'StoreCreated', storeId }], engine.now());
}
