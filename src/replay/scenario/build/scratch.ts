/**
 * A container that no log knows: where the instructions of an image run.
 *
 * It stands on a merged view and writes into a world of its own. Its content lies in the store's chunks, so that adding the
 * finished layer copies nothing; its events are folded and forgotten.
 */

import { DOCKER_PROFILE } from '../../../events/overlay-profile.ts';
import { rootCaller } from '../../../engine/caller.ts';
import { Engine } from '../../../engine/engine.ts';
import { Namespace } from '../../../engine/namespace.ts';
import { OpenFileTable } from '../../../engine/open-file-table.ts';
import type { ChunkStore } from '../../../events/chunk-store.ts';
import { lastSeq, type Transaction } from '../../../events/event.ts';
import type { EventLog } from '../../../events/event-log.ts';
import { NO_CONTAINER } from '../../../projections/registry.ts';
import { overLower } from '../../../projections/tree/merge.ts';
import type { Tree } from '../../../projections/tree/tree.ts';
import { type Overlay, World } from '../../../projections/world.ts';
import { Shell } from '../verbs/shell.ts';

const SUBJECT = 1;

export interface Scratch {
  readonly shell: Shell;
  readonly overlay: Overlay;
}

/**
 * @param engine - Of the store; it gives the chunks and the time.
 * @param lower - The view that it stands on; left as it is.
 */
export function openScratch(engine: Engine, lower: Tree): Scratch {
  const timeNs = engine.now();
  const overlay: Overlay = { subject: SUBJECT, tree: overLower(lower, timeNs), lower, profile: DOCKER_PROFILE };
  const world = new World(engine.world.lowers, new Map([[SUBJECT, overlay]]));
  const log = new ForgetfulLog(engine.log.chunks);
  const past = {
    worldAt: (): never => {
      throw new Error('scratch: there is no past');
    },
  };
  const scratch = new Engine({ log, world, past, clock: () => timeNs });
  const files = new OpenFileTable();
  const namespace = new Namespace({
    engine: scratch,
    world,
    container: { ...NO_CONTAINER, container: SUBJECT },
    chunks: log.chunks,
    files,
  });
  return { shell: new Shell({ ...rootCaller(namespace), umask: 0o022 }, scratch), overlay };
}

/** Counts events and keeps none. */
class ForgetfulLog implements EventLog {
  readonly chunks: ChunkStore;
  readonly readOnly = false;
  readonly failed = false;
  head = 0;

  constructor(chunks: ChunkStore) {
    this.chunks = chunks;
  }

  get syncedSeq(): number {
    return this.head;
  }

  append(transaction: Transaction): void {
    this.head = lastSeq(transaction);
  }

  read(): Transaction[] {
    return [];
  }

  async flush(): Promise<void> {}
  flushSync(): void {}
  async sync(): Promise<void> {}
  syncSync(): void {}

  refresh(): number {
    return this.head;
  }

  async close(): Promise<void> {}
  closeSync(): void {}
}
