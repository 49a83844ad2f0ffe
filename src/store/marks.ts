/** Marks on the timeline: what others saw, at times of their own. */

import { STORE_SUBJECT } from '../events/event.ts';
import { type Mark, parseEngineEvents } from '../replay/engine-events.ts';
import type { LiveMoment } from './moment.ts';

/** A mark in the log. */
export interface MarkInLog extends Omit<Mark, 'type'> {
  /** The event that noted it. */
  readonly seq: number;
}

export class Marks {
  readonly #live: LiveMoment;

  constructor(live: LiveMoment) {
    this.#live = live;
  }

  /** All marks, by their time. */
  list(): MarkInLog[] {
    const marks: MarkInLog[] = [];
    for (const { seq, events } of this.#live.engine.log.read(1)) {
      events.forEach((event, index) => {
        if (event.type !== 'MarkAdded') return;
        const { type: _, ...mark } = event;
        marks.push({ seq: seq + index, ...mark });
      });
    }
    return marks.toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : a.seq - b.seq));
  }

  /** Notes something now. @returns Its event. */
  async add(text: string): Promise<number> {
    await this.#live.run(['mark', text], (timeNs) => {
      this.#live.commit(STORE_SUBJECT, [{ type: 'MarkAdded', source: '', timeNs, text, attributes: [] }]);
    });
    return this.#live.world.seq;
  }

  /**
   * Takes in what `docker events` or `podman events` printed as JSON, an object a line. Marks that are there are not noted
   * twice, so a growing listing can be imported again.
   *
   * @param file - What the listing is called in errors and in the log.
   * @returns How many were new.
   * @throws `ERR_LOG_IMPORT` with the line that is no such event; nothing is noted then.
   */
  async import(text: string, file: string): Promise<number> {
    const known = new Set(this.list().map(keyOf));
    const fresh = parseEngineEvents(text, file).filter((mark) => !known.has(keyOf(mark)));
    if (fresh.length > 0) {
      await this.#live.run(['import marks', file], () => this.#live.commit(STORE_SUBJECT, fresh));
    }
    return fresh.length;
  }
}

const keyOf = ({ source, timeNs, text, attributes }: Omit<Mark, 'type'>): string =>
  JSON.stringify([source, String(timeNs), text, attributes]);
