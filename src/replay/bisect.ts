/** Bisect: the transaction after which something was no longer as it had been, found by looking at few moments. */

import type { SubjectId, Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { storeError } from '../events/log-error.ts';

export type Verdict = boolean | 'skip';

export interface BisectOptions {
  /** A moment at which the test says false. */
  readonly from: number;
  /** A later one at which it says true. */
  readonly to: number;
  /** Look only between transactions about this container or volume. */
  readonly subject?: SubjectId;
  /** Look only between groups: a group's transactions are taken as one step. */
  readonly byGroup?: boolean;
  /**
   * Whether it has happened after event `seq`; `skip` where that can't be told. It must not turn back between `from` and
   * `to`.
   */
  readonly test: (seq: number) => Verdict | Promise<Verdict>;
  /** Told before each test: moments that are left. */
  readonly onStep?: (step: { readonly seq: number; readonly left: number }) => void;
}

export interface BisectResult {
  /** The first step after which the test says true; of a group its last transaction. */
  readonly transaction: Transaction;
  /** The moment before that step. */
  readonly before: number;
  /** Moments that were tested. */
  readonly tests: number;
  /** More than one where moments had to be skipped: it is one of these, oldest first, the last of which is `transaction`. */
  readonly candidates: readonly Transaction[];
}

/**
 * Finds the step that made a test true, in about log2 of the steps.
 *
 * @throws `ERR_INVALID_ARGUMENT` when the test is true at `from`, or false at `to`, or nothing lies between.
 */
export async function bisect(log: Pick<EventLog, 'read'>, options: BisectOptions): Promise<BisectResult> {
  const { from, to } = options;
  const ends = stepEnds(log, options);
  let tests = 0;
  const test = async (seq: number, left: number): Promise<Verdict> => {
    options.onStep?.({ seq, left });
    tests++;
    return options.test(seq);
  };
  if (ends.length === 0) throw invalid(`nothing happened between event ${from} and event ${to}`);
  if ((await test(from, ends.length)) !== false) throw invalid(`it is so at the start already, after event ${from}`);
  if ((await test(to, ends.length)) !== true) throw invalid(`it is not so at the end, after event ${to}`);
  // It is not so after step `low - 1`, and it is after step `high`.
  let low = 0;
  let high = ends.length - 1;
  const skipped = new Set<number>();
  while (low < high) {
    const middle = nearestOf(low, high, skipped);
    if (middle === null) break;
    const verdict = await test(ends[middle], high - low + 1); // one after the other: each answer tells where to look next
    if (verdict === 'skip') skipped.add(middle);
    else if (verdict) high = middle;
    else low = middle + 1;
  }
  const candidates = ends.slice(low, high + 1).map((end) => transactionOf(log, end));
  const transaction = candidates[candidates.length - 1];
  return { transaction, before: low === 0 ? from : ends[low - 1], tests, candidates };
}

/** The step nearest to the middle of `[low, high)` that was not skipped; null: all were. */
function nearestOf(low: number, high: number, skipped: ReadonlySet<number>): number | null {
  const middle = (low + high) >>> 1;
  for (let distance = 0; distance <= high - low; distance++) {
    for (const step of [middle - distance, middle + distance]) {
      if (step >= low && step < high && !skipped.has(step)) return step;
    }
  }
  return null;
}

function transactionOf(log: Pick<EventLog, 'read'>, seq: number): Transaction {
  for (const transaction of log.read(seq, seq)) return transaction;
  throw invalid(`event ${seq} is gone`);
}

/** Last events of the steps in `(from, to]`. */
function stepEnds(log: Pick<EventLog, 'read'>, { from, to, subject, byGroup = false }: BisectOptions): number[] {
  const ends: number[] = [];
  let group: string | null = null;
  if (to <= from) return ends;
  for (const transaction of log.read(from + 1, to)) {
    const end = lastSeq(transaction);
    if (end <= from || end > to || (subject !== undefined && transaction.subject !== subject)) continue;
    if (byGroup && transaction.group !== null && transaction.group === group) ends.pop();
    group = transaction.group;
    ends.push(end);
  }
  return ends;
}

function invalid(message: string): Error {
  return storeError('ERR_INVALID_ARGUMENT', message);
}
