import { Engine } from '../engine/engine.ts';
import { ESTALE, fsError } from '../engine/errno.ts';
import type { Cause, StoreEvent, SubjectId } from '../events/event.ts';
import { isFileEvent } from '../events/file-event.ts';

/**
 * The engine of a store, in which containers and volumes come and go while somebody still holds their file systems.
 *
 * What such a holder writes is ESTALE, as on a file system whose server lost it; the log would otherwise get an event
 * about a tree that is no more, which no fold could take.
 */
export class StoreEngine extends Engine {
  override commit(subject: SubjectId, cause: Cause, events: readonly StoreEvent[], timeNs: bigint): void {
    if (this.world.overlay(subject) === undefined && events.length > 0 && isFileEvent(events[0])) {
      if (events.every(({ type }) => type === 'NodeReleased')) return; // closing what is gone is fine
      throw fsError(ESTALE, cause[0], cause.length > 1 ? String(cause[1]) : undefined);
    }
    super.commit(subject, cause, events, timeNs);
  }
}
