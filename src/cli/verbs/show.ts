import {
  diffStat,
  lastSeq,
  printableName,
  type Store,
  type StoreEvent,
  type SubjectId,
  type Transaction,
} from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { toJson } from '../format/json.ts';
import { patchesOf } from '../format/patch.ts';
import { sizeText } from '../format/size.ts';
import { namesAt } from '../format/names.ts';
import { formatTime } from '../format/time.ts';
import { causeLine, transactionRow } from '../format/transaction.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const showVerb: Verb = {
  name: 'show',
  summary: 'show one transaction: its cause, its events, what was before and after, and what it cost',
  args: [{ form: '<moment>', description: 'an event of it: a number from log, or any other moment' }],
  options: [{ flags: '-p, --patch', description: 'with what changed in the content of files' }],
  examples: [
    { command: 'show 12', explains: 'the transaction that holds event 12' },
    { command: 'show now --json', explains: 'the last one' },
  ],
  run: async (context, [moment], options) => {
    const store = await context.store('read');
    const seq = store.resolve(moment);
    if (seq === 0) throw usageError('nothing happened before event 1');
    const transaction = store.time.transactionAt(seq);
    if (transaction === undefined) throw usageError(`there is no event ${seq}`);
    const isPatch = flag(options, 'patch');
    const changes = patchesOf(store, transaction);
    const cost = costOf(store, transaction);
    if (context.isJson) return context.json({ ...transactionRow(store, transaction), changes, cost });
    print(context, store, transaction);
    context.line('');
    for (const line of diffStat(changes)) context.line(`  ${line}`);
    if (cost !== null) context.line(costText(context, cost));
    if (isPatch) for (const { patch } of changes) context.print(patch);
  },
};

interface Cost {
  /** Docker's size of the writable layer, before and after. */
  readonly upperBytes: readonly [before: number, after: number];
  /** Of copy-ups: what counts for the writable layer, and what overlay2 copied. */
  readonly copiedUpBytes: number;
  readonly copiedBytes: number;
}

/** What it did to the room that the container takes; null for what is about no container or volume. */
function costOf(store: Store, { seq, subject, events, ...rest }: Transaction): Cost | null {
  const before = treeAt(store, subject, seq - 1)?.upperBytes ?? 0;
  const after = treeAt(store, subject, lastSeq({ seq, subject, events, ...rest }))?.upperBytes;
  if (subject === 0 || after === undefined) return null;
  const copyUps = events.flatMap((event) => (event.type === 'FileCopiedUp' ? [event] : []));
  return {
    upperBytes: [before, after],
    copiedUpBytes: copyUps.reduce((sum, { bytes }) => sum + bytes, 0),
    copiedBytes: copyUps.reduce((sum, { copiedBytes }) => sum + copiedBytes, 0),
  };
}

function costText(context: VerbContext, { upperBytes: [before, after], copiedUpBytes, copiedBytes }: Cost): string {
  const size = (bytes: number): string => sizeText(bytes, context.exactBytes);
  const copied =
    copiedUpBytes === 0 ? '' : `; copied up ${size(copiedUpBytes)}, of which overlay2 copies ${size(copiedBytes)}`;
  return `${context.style.dim('cost      ')} writable layer ${size(before)} -> ${size(after)}${copied}`;
}

function print(context: VerbContext, store: Store, transaction: Transaction): void {
  const { seq, timeNs, subject, cause, group, actor, events } = transaction;
  const { style } = context;
  const field = (name: string, value: string): void => context.line(`${style.dim(name.padEnd(10))} ${value}`);
  field('events', seq === lastSeq(transaction) ? String(seq) : `${seq} to ${lastSeq(transaction)}`);
  field('time', formatTime(timeNs));
  if (subject !== 0) field('about', printableName(namesAt(store)(subject)));
  field('cause', causeLine(cause));
  if (group !== null) field('group', printableName(group));
  if (actor !== null) field('actor', printableName(actor));
  context.line('');
  events.forEach((event, index) => {
    const path = pathOf(store, subject, event, transaction);
    const about = path === null ? '' : `  ${style.cyan(printableName(path))}`;
    context.line(`${style.yellow(String(seq + index).padStart(6))}  ${style.bold(event.type)}${about}`);
    context.line(`        ${style.dim(printableName(fieldsText(event)))}`);
  });
}

/** Fields of an event, but for its type and for what is null. */
function fieldsText(event: StoreEvent): string {
  const shown = Object.entries(event).filter(([key, value]) => key !== 'type' && value !== null);
  return shown.map(([key, value]) => `${key}=${valueText(key, value)}`).join(' ');
}

function valueText(key: string, value: unknown): string {
  if (typeof value === 'bigint') return formatTime(value);
  if (typeof value === 'number' && key === 'mode') return `0${value.toString(8)}`;
  if (typeof value === 'string') return /\s/.test(value) || value === '' ? `'${value}'` : value;
  const text = toJson(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The path of what an event is about, as it is afterwards, or of something that is gone, as it was. */
function pathOf(store: Store, subject: SubjectId, event: StoreEvent, transaction: Transaction): string | null {
  const after = treeAt(store, subject, lastSeq(transaction));
  const before = treeAt(store, subject, transaction.seq - 1);
  if ('parent' in event && typeof event.parent === 'number' && 'name' in event) {
    const tree = after?.get(event.parent) === undefined ? before : after;
    return tree?.get(event.parent) === undefined ? null : tree.entryPath(event.parent, event.name);
  }
  if (!('ino' in event)) return null;
  return (
    (after?.get(event.ino) && after.pathOf(event.ino)) ?? (before?.get(event.ino) && before.pathOf(event.ino)) ?? null
  );
}

const treeAt = (store: Store, subject: SubjectId, seq: number) => store.at(seq).world.overlay(subject)?.tree;
