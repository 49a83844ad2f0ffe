/**
 * Stays awake for a moment before it sleeps, because the next request mostly comes soon.
 *
 * A program that works in a mount asks again some microseconds after it was answered. When this thread sleeps by then, the
 * program has to wake it, which takes both of them longer than the request itself: an idle processor is to be woken, too.
 * So where requests come soon after each other, the next one is looked for over and over for a moment.
 *
 * Where both share one processor, the program can't ask before this thread sleeps, and looking is in its way. Then nothing is
 * found; each time so, it takes twice as many short sleeps in a row until it is tried again.
 */

import { availableParallelism } from 'node:os';
import { NOTHING, type RequestReader, SleepingReader } from './request-reader.ts';
import { openWasiFile, type WaitlessFile } from './wasi-file.ts';

/**
 * How long it is looked for a request, in ms. While tar, git and rm worked in a mount, it was looked in vain once for 120
 * requests that were found; looking half as long, once for 20.
 */
const LOOK_MS = 0.08;
/** A sleep that has ended by then might have been spared, in ms. */
const SHORT_SLEEP_MS = 2 * LOOK_MS;
/** Looking was worth it when it found so many requests before it found none. */
const WORTH_REQUESTS = 8;
const SHORT_SLEEPS_MAX = 1024;

export class EagerReader implements RequestReader {
  readonly bytes: Buffer;
  readonly #file: WaitlessFile;
  readonly #now: () => number;
  /** The file does not wait. */
  #looks = false;
  #found = 0;
  #shortSleeps = 0;
  /** So many short sleeps in a row, and it is looked again. */
  #shortSleepsNeeded = 1;

  /**
   * @param file - One that waits.
   * @param now - A clock in ms.
   */
  constructor(file: WaitlessFile, now = (): number => performance.now()) {
    this.bytes = file.bytes;
    this.#file = file;
    this.#now = now;
  }

  look(): number {
    if (!this.#looks) return NOTHING;
    const until = this.#now() + LOOK_MS;
    do {
      const length = this.#file.read();
      if (length !== NOTHING) {
        this.#found++;
        return length;
      }
    } while (this.#now() < until);
    this.#rest();
    return NOTHING;
  }

  #rest(): void {
    this.#shortSleepsNeeded =
      this.#found >= WORTH_REQUESTS ? 1 : Math.min(2 * this.#shortSleepsNeeded, SHORT_SLEEPS_MAX);
    this.#shortSleeps = 0;
    this.#looks = false;
    this.#file.setWaiting(true);
  }

  read(): number {
    const start = this.#now();
    const length = this.#file.read();
    if (this.#now() - start > SHORT_SLEEP_MS) {
      this.#shortSleeps = 0;
    } else if (++this.#shortSleeps >= this.#shortSleepsNeeded) {
      this.#found = 0;
      this.#looks = true;
      this.#file.setWaiting(false);
    }
    return length;
  }
}

/**
 * The quickest reader that there can be here.
 *
 * @param device - An open descriptor of /dev/fuse; whether it waits is set for all who have it.
 */
export function openReader(device: number): RequestReader {
  const file = availableParallelism() > 1 ? openWasiFile(device) : null;
  return file === null ? new SleepingReader(device) : new EagerReader(file);
}
