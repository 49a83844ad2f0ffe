/** Transactions for people (one line) and for programs (one object). */

import { type Cause, lastSeq, printableName, type Store, type Transaction } from '../../index.ts';
import { summarize } from './events.ts';
import { namesAt, type SubjectNames } from './names.ts';
import type { Style } from './style.ts';
import { formatLogTime, formatTime } from './time.ts';

/** `    12  2026-01-02 03:04:13.000  c1  appendFile /app/data/seed.db  file copied up (10MB), 1 byte written`. */
export function transactionLine(transaction: Transaction, names: SubjectNames, style: Style): string {
  const { seq, timeNs, subject, cause, events } = transaction;
  const name = shortName(printableName(names(subject))) || '-';
  return [
    style.yellow(String(seq).padStart(6)),
    style.dim(formatLogTime(timeNs)),
    style.cyan(name.padEnd(10)),
    causeLine(cause).padEnd(36),
    style.dim(summarize(events)),
  ].join('  ');
}

/** An anonymous volume's name is an id: its start is enough for people. */
const shortName = (name: string): string => (/^[0-9a-f]{64}$/.test(name) ? name.slice(0, 12) : name);

/** The operation and its arguments; those with blanks in quotes. */
export function causeLine(cause: Cause): string {
  return cause
    .map((part, index) => {
      const text = printableName(String(part));
      return index > 0 && (text === '' || /\s/.test(text)) ? `'${text}'` : text;
    })
    .join(' ');
}

/** A transaction as an object, its events included. */
export function transactionRow(store: Store, transaction: Transaction, names = namesAt(store)) {
  const { seq, timeNs, subject, cause, group, actor, events } = transaction;
  const name = names(subject);
  const time = formatTime(timeNs);
  return { seq, last: lastSeq(transaction), time, time_ns: String(timeNs), subject, name, cause, group, actor, events };
}
