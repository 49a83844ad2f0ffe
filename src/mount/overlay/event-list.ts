import type { FileEvent, Ino, StoreEvent } from '../../events/event.ts';
import { nameInUpper } from '../../projections/tree/overlay-xattr.ts';

export type EventOf<T extends FileEvent['type']> = Extract<FileEvent, { type: T }>;

/** The events of one call. Some belong together, as one step on the host: the later one is taken with the earlier. */
export class EventList {
  readonly #events: readonly StoreEvent[];
  /** Places of those that were taken. */
  readonly #done = new Set<number>();

  constructor(events: readonly StoreEvent[]) {
    this.#events = events;
  }

  isDone(index: number): boolean {
    return this.#done.has(index);
  }

  /** Whether one of the events puts something in the place of a whiteout. */
  takesPlace(parent: Ino, name: string): boolean {
    return this.#events.some(
      (event) =>
        ((event.type === 'NodeCreated' || event.type === 'Linked') && event.parent === parent && event.name === name) ||
        (event.type === 'Renamed' && event.toParent === parent && event.toName === name),
    );
  }

  /** Takes the whiteout that comes where a name goes; whether there is one. */
  takeWhiteout(parent: Ino, name: string, index: number): boolean {
    return this.#take(
      index,
      (event) => event.type === 'WhiteoutCreated' && event.parent === parent && event.name === name,
    );
  }

  takeMetacopy(ino: Ino, index: number): boolean {
    return this.#take(index, (event) => event.type === 'MetacopySet' && event.ino === ino);
  }

  takeOpaque(ino: Ino, index: number): boolean {
    return this.#take(index, (event) => event.type === 'OpaqueSet' && event.ino === ino);
  }

  /** Takes what a new node has to have before it is seen: names of attributes on the host, and values. */
  takeAttributes(ino: Ino, index: number, prefix: string): [name: string, value: string | Uint8Array][] {
    const found: [string, string | Uint8Array][] = [];
    for (let next = index + 1; next < this.#events.length; next++) {
      const event = this.#events[next];
      if (event.type === 'XattrSet' && event.ino === ino) found.push([nameInUpper(event.name, prefix), event.value]);
      else if (event.type === 'OpaqueSet' && event.ino === ino) found.push([`${prefix}opaque`, 'y']);
      else continue;
      this.#done.add(next);
    }
    return found;
  }

  #take(index: number, isWanted: (event: StoreEvent) => boolean): boolean {
    const next = this.#events.findIndex((event, at) => at > index && isWanted(event));
    if (next >= 0) this.#done.add(next);
    return next >= 0;
  }
}
