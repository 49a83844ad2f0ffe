/** What touched the nodes of a container or volume, read from the histories of nodes in checkpoints. */

import type { Ino } from '../../events/event.ts';
import { decodeFileEvent } from '../../events/codec.ts';
import type { Origin } from '../../projections/subject-past.ts';
import { EVENT } from './node-histories.ts';
import { forEachEffect, type HistoryPlace } from './node-history.ts';
import { lowerBound } from './sorted.ts';
import type { TouchedNodes } from './touches.ts';

/** In one stretch; all calls add to `into` what comes at or before event `upTo`, ascending. */
export class StoredPast {
  readonly #nodes: TouchedNodes;

  constructor(nodes: TouchedNodes) {
    this.#nodes = nodes;
  }

  /** First events of the transactions that touched a node. */
  addTouched(ino: Ino, upTo: number, into: number[]): void {
    const place = this.#place(ino);
    if (place === null) return;
    let last = -1;
    forEachEffect(place.bytes, { start: place.start, row: null }, place.end, (row) => {
      if (row === last) return;
      last = row;
      const seq = place.seqOf(row);
      if (seq <= upTo) into.push(seq);
    });
  }

  /** Of these, the ones that changed the entry of a directory with that name. */
  addChangedEntry(directory: Ino, name: string, upTo: number, into: number[]): void {
    const at = this.#at(directory);
    if (at < 0) return;
    const history = this.#nodes.history(at);
    for (const entry of history.entriesOf(name)) {
      const first = this.#nodes.firstOf(history.seq(entry));
      if (first <= upTo && first !== into.at(-1)) into.push(first);
    }
  }

  /** What a node was before. */
  addOrigins(ino: Ino, upTo: number, into: Origin[]): void {
    const place = this.#place(ino);
    if (place === null) return;
    const { bytes, start, end, seqOf } = place;
    forEachEffect(bytes, { start, row: null }, end, (row, index, kind, payload, payloadEnd) => {
      const seq = seqOf(row) + index;
      if (kind !== EVENT || seq > upTo) return;
      const event = decodeFileEvent(bytes, payload, payloadEnd);
      if (event.type === 'Renamed') {
        if (event.ino === ino && event.replaced !== 0 && !event.exchange) into.push({ ino: event.replaced, seq });
      } else if ('upperIno' in event && event.upperIno === ino && event.ino !== ino) into.push({ ino: event.ino, seq });
    });
  }

  #place(ino: Ino): HistoryPlace | null {
    const at = this.#at(ino);
    return at < 0 ? null : this.#nodes.place(at);
  }

  #at(ino: Ino): number {
    const { inos } = this.#nodes.table;
    const at = lowerBound(inos, ino);
    return inos[at] === ino ? at : -1;
  }
}
