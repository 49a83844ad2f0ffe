import type { Clock } from '../../engine/engine.ts';

/**
 * The clock of a store that a recording is played into: it shows the time of the line that is played.
 *
 * Time in a log does not go back. In a store that has later events already, the whole recording is moved behind them.
 */
export class RecordingClock {
  /** Added to the recording's times; 0 in a new store. */
  shiftNs = 0n;
  #nowNs: bigint;

  /** @param startNs - When the recording began. */
  constructor(startNs: bigint) {
    this.#nowNs = startNs;
  }

  readonly now: Clock = () => this.#nowNs + this.shiftNs;

  /** The store has events up to that time. */
  notBefore(timeNs: bigint): void {
    if (this.now() < timeNs) this.shiftNs = timeNs - this.#nowNs;
  }

  /** Lines of several processes may be some microseconds out of order: the clock stands still then. */
  set(timeNs: bigint): void {
    if (timeNs > this.#nowNs) this.#nowNs = timeNs;
  }
}
