import type { SubjectId, Transaction } from '../events/event.ts';
import type { At } from './moment.ts';

/** Which transactions of the log to read; all that are given must fit. */
export interface TransactionFilter {
  /** From the transaction that holds the event after this moment on. Default: the oldest moment that was kept. */
  readonly from?: At;
  /** To the transaction that holds this event. Default: now. */
  readonly to?: At;
  /** Name, id or id prefix; a removed container by its number. */
  readonly container?: string | SubjectId;
  readonly volume?: string | SubjectId;
  readonly group?: string;
  readonly actor?: string;
  /** From the end of the range to its beginning; who stops early has not read the rest. Default false: the oldest first. */
  readonly newestFirst?: boolean;
}

/** @param subjects - The container and the volume of the filter, by number; null: any. */
export function transactionTest(
  { group, actor }: TransactionFilter,
  subjects: readonly (SubjectId | null)[],
): (transaction: Transaction) => boolean {
  return (transaction) =>
    (group === undefined || transaction.group === group) &&
    (actor === undefined || transaction.actor === actor) &&
    subjects.every((subject) => subject === null || transaction.subject === subject);
}
