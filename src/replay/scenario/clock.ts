import { type Clock, systemClock } from '../../engine/engine.ts';
import type { ClockSetting } from './scenario.ts';

/** The clock of a store that a scenario is played into. */
export class ScenarioClock {
  readonly #setting: ClockSetting | null;
  #elapsedNs = 0n;

  /** @param setting - null: the system's clock, which `@ +5s` still moves forward. */
  constructor(setting: ClockSetting | null) {
    this.#setting = setting;
  }

  readonly now: Clock = () => (this.#setting?.startNs ?? systemClock()) + this.#elapsedNs;

  /** The store has later events already: the clock goes on from them, since time in a log does not go back. */
  notBefore(timeNs: bigint): void {
    const now = this.now();
    if (now < timeNs) this.#elapsedNs += timeNs - now;
  }

  /** A step has ended. */
  endStep(): void {
    this.#elapsedNs += this.#setting?.stepNs ?? 0n;
  }

  wait(durationNs: bigint): void {
    this.#elapsedNs += durationNs;
  }
}
