/**
 * The one grammar for moments of a log, for every verb and call.
 *
 * A moment is a sequence number n: the state after event n, 0 being the empty store. A number inside a transaction means
 * the last whole transaction at or before it, since a transaction is visible as a whole or not at all; the time machine
 * does that rounding, this file only reads the text.
 *
 *     1234                      after event 1234
 *     ~10                       ten events before the head
 *     ~5m  ~1h30m               that long ago (s, m, h, d, w)
 *     2026-01-02T03:04:05.5Z    a date, with or without time of day; without a zone it is UTC
 *     @1767323045.5             seconds since 1970, to the nanosecond
 *     label   label~3           a label; three events before it
 *     web~3                     three steps (transactions) of the container web ago, where no label has its name
 *     start   now               the empty store; the head
 *     A..B    A..   ..B         a range; an end left out is now, a start left out is start
 *
 * A label may be called `start` and then takes the word over (`0` still is the empty store). No other label can look like
 * one of the other forms: {@link isLabelName}.
 */

import { printableName } from '../events/name.ts';
import { storeError } from '../events/log-error.ts';
import type { StepsBack } from './steps-back.ts';
import { parseDateNs, parseDurationNs, parseSecondsNs } from './at-time.ts';

export interface AtContext {
  /** Sequence number of the newest event. */
  readonly head: number;
  /** The oldest moment that can be asked about; 0 unless history was dropped. */
  readonly oldest: number;
  /** What `~5m` counts back from. */
  readonly nowNs: bigint;
  readonly labels: ReadonlyMap<string, number>;
  /** Last event of the last transaction at or before a time; 0 when there is none. */
  seqAtTime(timeNs: bigint): number;
  /** The moment before the last steps of a container; null: there is no container of that name. */
  stepsBack(container: string, steps: number): StepsBack | null;
}

/** From after event `from` to after event `to`; `from` may be the greater one. */
export interface SeqRange {
  readonly from: number;
  readonly to: number;
}

/** Longest label in characters. */
export const LABEL_LENGTH_MAX = 128;

const FORMS =
  'a moment is a sequence number (1234), a step back (~10, ~5m, ~1h30m), a date (2026-01-02T03:04:05Z), seconds since 1970 (@1767323045.5), a label (label, label~3), steps of a container back (web~3), start, or now';

/**
 * Whether a text can be a label: it starts with a letter or `_`, goes on with letters, digits, `_`, `-`, `.`, `/` or `+`,
 * has no `..` and no `.` at its end, and is not the word `now`. So it can't be read as a number, a date or a range.
 */
export function isLabelName(text: string): boolean {
  if (text.length === 0 || text.length > LABEL_LENGTH_MAX || text === 'now') return false;
  if (text.includes('..') || text.endsWith('.')) return false;
  return /^[\p{L}_][\p{L}\p{M}\p{N}_\-./+]*$/u.test(text);
}

/**
 * The sequence number that a text names.
 *
 * @throws `ERR_AT_INVALID` with `detail.kind`: `form` (not one of the forms), `range` (before the first or after the
 *   newest event), `label` (no such label); `ERR_HISTORY_DROPPED` for one in front of the oldest that was kept.
 */
export function resolveAt(text: string, context: AtContext): number {
  const seq = seqOf(text, context);
  if (seq < context.oldest) throw historyDropped(text, seq, context.oldest);
  return seq;
}

function historyDropped(text: string, seq: number, oldest: number): Error {
  const asked = text === String(seq) ? `event ${seq}` : `${printableName(text)}, which is event ${seq},`;
  const message = `${asked} is in front of the oldest moment that was kept, event ${oldest}: history before it was dropped`;
  return storeError('ERR_HISTORY_DROPPED', message, { detail: { at: seq, oldest } });
}

function seqOf(text: string, context: AtContext): number {
  const { head } = context;
  if (text === 'now') return head;
  if (text === 'start') return inRange(context.labels.get(text) ?? 0, text, head);
  if (/^\d+$/.test(text)) return inRange(Number(text), text, head);
  if (/^~\d+$/.test(text)) return inRange(head - Number(text.slice(1)), text, head);
  if (text.startsWith('~')) {
    const duration = parseDurationNs(text.slice(1));
    if (duration === null) throw invalidForm(text);
    return context.seqAtTime(context.nowNs - duration);
  }
  if (text.startsWith('@')) {
    const timeNs = parseSecondsNs(text.slice(1));
    if (timeNs === null) throw invalidForm(text);
    return context.seqAtTime(timeNs);
  }
  if (/^\d/.test(text)) {
    const timeNs = parseDateNs(text);
    if (timeNs === null) throw invalidForm(text);
    return context.seqAtTime(timeNs);
  }
  return labelAt(text, context);
}

/**
 * The two moments of a range. A text without `..` is the range from that moment to now.
 *
 * @throws As {@link resolveAt}.
 */
export function resolveRange(text: string, context: AtContext): SeqRange {
  const at = text.indexOf('..');
  if (at < 0) return { from: resolveAt(text, context), to: context.head };
  const from = text.slice(0, at);
  const to = text.slice(at + 2);
  if (to.includes('..')) throw invalidForm(text);
  return {
    from: resolveAt(from === '' ? 'start' : from, context),
    to: to === '' ? context.head : resolveAt(to, context),
  };
}

function labelAt(text: string, context: AtContext): number {
  const tilde = text.lastIndexOf('~');
  const back = tilde < 0 ? '0' : text.slice(tilde + 1);
  const label = tilde < 0 ? text : text.slice(0, tilde);
  if (!/^\d+$/.test(back) || !(isLabelName(label) || label === 'now')) throw invalidForm(text);
  const seq = label === 'now' ? context.head : context.labels.get(label);
  if (seq !== undefined) return inRange(seq - Number(back), text, context.head);
  if (label === 'start') return inRange(0 - Number(back), text, context.head);
  if (tilde >= 0) {
    const steps = context.stepsBack(label, Number(back));
    if (steps !== null) return wholeWay(steps, text);
  }
  throw storeError('ERR_AT_INVALID', `there is no label '${printableName(label)}'; ${FORMS}`, {
    detail: { kind: 'label', at: text, label },
  });
}

function wholeWay({ seq, found }: StepsBack, text: string): number {
  const [container, asked] = text.split('~');
  if (found === Number(asked)) return seq;
  const message = `'${printableName(text)}' is before container ${printableName(container)} was made, which has ${found} steps`;
  throw storeError('ERR_AT_INVALID', message, { detail: { kind: 'range', at: text, steps: found } });
}

function inRange(seq: number, text: string, head: number): number {
  if (seq >= 0 && seq <= head) return seq;
  throw storeError('ERR_AT_INVALID', `'${printableName(text)}' is outside of the log, which goes from 0 to ${head}`, {
    detail: { kind: 'range', at: text, head },
  });
}

function invalidForm(text: string): Error {
  return storeError('ERR_AT_INVALID', `'${printableName(text)}' is not a moment: ${FORMS}`, {
    detail: { kind: 'form', at: text },
  });
}
