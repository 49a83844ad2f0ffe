/** The settings at the top of a scenario: `driver NAME` and `clock TIME +STEP`. */

import { parseDateNs, parseDurationNs, parseSecondsNs } from '../at-time.ts';
import type { ClockSetting } from './scenario.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';

/** int64 nanoseconds. */
const TIME_NS_MAX = 2n ** 63n - 1n;

export function parseClock(words: readonly string[], place: SourcePlace): ClockSetting {
  const [time = '', step = '+1s'] = words;
  if (words.length < 1 || words.length > 2) {
    throw syntaxError(place, 'clock TIME +STEP, such as clock 2026-01-02T03:04:05Z +1s', words.join(' '));
  }
  const startNs = time.startsWith('@') ? parseSecondsNs(time.slice(1)) : parseDateNs(time);
  if (startNs === null || !isTime(startNs)) {
    throw syntaxError(place, 'a time, such as 2026-01-02T03:04:05Z or @1767323045.5', time);
  }
  return { startNs, stepNs: parseStep(step, place) };
}

/** A step of the clock: `+5s`, `+1h30m`, `+0s`. */
export function parseStep(text: string, place: SourcePlace): bigint {
  const step = text.startsWith('+') ? parseDurationNs(text.slice(1)) : null;
  if (step !== null && isTime(step)) return step;
  throw syntaxError(place, 'a step of time, such as +1s or +1h30m', text);
}

const isTime = (ns: bigint): boolean => ns <= TIME_NS_MAX && ns >= -TIME_NS_MAX - 1n;
