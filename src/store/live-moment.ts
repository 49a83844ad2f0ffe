import { Engine } from '../engine/engine.ts';
import { OpenFileTable } from '../engine/open-file-table.ts';
import type { ChunkStore } from '../events/chunk-store.ts';
import type { Cause, StoreEvent, SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import type { World } from '../projections/world.ts';
import type { LiveMoment } from './moment.ts';

/** The live moment of an open store. */
export class OpenMoment implements LiveMoment {
  readonly engine: Engine;
  readonly files = new OpenFileTable();
  isClosed = false;
  #cause: Cause = [''];
  #timeNs = 0n;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get world(): World {
    return this.engine.world;
  }

  get chunks(): ChunkStore {
    return this.engine.log.chunks;
  }

  expectWritable(): void {
    if (this.isClosed) throw storeError('ERR_LOG_CLOSED', 'the store is closed');
    const { log } = this.engine;
    if (log.readOnly) throw storeError('ERR_LOG_READ_ONLY', 'the store was opened for reading only');
    if (log.failed) throw storeError('ERR_LOG_FAILED', 'the store failed earlier and takes no more writes');
  }

  async run<T>(cause: Cause, decide: (timeNs: bigint) => T): Promise<T> {
    this.expectWritable();
    const { engine } = this;
    const before = this.#cause;
    this.#cause = cause;
    let result: T;
    try {
      result = engine.transact(cause, () => {
        this.#timeNs = engine.now();
        return decide(this.#timeNs);
      });
    } finally {
      this.#cause = before;
    }
    await engine.log.sync();
    return result;
  }

  commit(subject: SubjectId, events: readonly StoreEvent[]): void {
    this.engine.commit(subject, this.#cause, events, this.#timeNs);
  }
}
