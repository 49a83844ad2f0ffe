import { expect, test } from 'vitest';
import { EagerReader } from '../../../src/mount/eager-reader.ts';
import { NOTHING } from '../../../src/mount/request-reader.ts';
import type { WaitlessFile } from '../../../src/mount/wasi-file.ts';

const LENGTH = 56;
const POLL_MS = 0.01;
const LOOK_MS = 0.08;

/** A file that a request comes to so long after it was last read from, on a clock that only reading moves. */
class Gaps implements WaitlessFile {
  readonly bytes = Buffer.alloc(LENGTH);
  waits = true;
  now = 0;
  #due = 0;

  /** @param ms - Time to the next request. */
  next(ms: number): void {
    this.#due = this.now + ms;
  }

  read(): number {
    if (this.waits) this.now = Math.max(this.now, this.#due);
    else this.now += POLL_MS;
    return this.now >= this.#due ? LENGTH : NOTHING;
  }

  setWaiting(waits: boolean): void {
    this.waits = waits;
  }
}

function readerOf(file: Gaps) {
  const reader = new EagerReader(file, () => file.now);
  /** Serves a request that comes so late. @returns Whether it was found by looking, and how long looking has taken. */
  return (ms: number): { found: boolean; looked: number } => {
    file.next(ms);
    const start = file.now;
    const length = reader.look();
    const looked = file.now - start;
    expect(length === NOTHING ? reader.read() : length).toBe(LENGTH);
    return { found: length !== NOTHING, looked };
  };
}

test('it is looked for a request once one has come soon', () => {
  const file = new Gaps();
  const serve = readerOf(file);
  expect(serve(1000)).toEqual({ found: false, looked: 0 });
  expect(serve(1000)).toEqual({ found: false, looked: 0 });
  expect(serve(0.03)).toEqual({ found: false, looked: 0 });
  for (let time = 0; time < 20; time++) expect(serve(0.03).found).toBe(true);
});

test('looking ends after a moment, and with it reading without waiting', () => {
  const file = new Gaps();
  const serve = readerOf(file);
  serve(0.03);
  expect(file.waits).toBe(false);
  const { found, looked } = serve(1000);
  expect(found).toBe(false);
  expect(looked).toBeGreaterThanOrEqual(LOOK_MS);
  expect(looked).toBeLessThan(LOOK_MS + 2 * POLL_MS);
  expect(file.waits).toBe(true);
  expect(serve(1000)).toEqual({ found: false, looked: 0 });
});

test('where looking finds nothing it is tried ever less often, and again at once after it was worth it', () => {
  const file = new Gaps();
  const serve = readerOf(file);
  // Short sleeps, of which looking spares none: it comes too late each time.
  const late = LOOK_MS + 2 * POLL_MS;
  const looks = (requests: number): number =>
    Array.from({ length: requests }, () => serve(late).looked).filter((ms) => ms > 0).length;
  expect(looks(100)).toBeLessThanOrEqual(7);
  expect(looks(1000)).toBeLessThanOrEqual(4);
  looks(10_000);
  expect(looks(10_000)).toBeGreaterThanOrEqual(9);
  // As soon as it finds some, a pause is no reason to doubt it.
  while (!serve(0.03).found);
  for (let time = 0; time < 20; time++) expect(serve(0.03).found).toBe(true);
  expect(serve(1000).found).toBe(false);
  expect(serve(0.03).found).toBe(false);
  expect(serve(0.03).found).toBe(true);
});
