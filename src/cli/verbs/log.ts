import { setTimeout as sleep } from 'node:timers/promises';
import {
  type At,
  type MarkInLog,
  printableName,
  type Store,
  type Subject,
  type Transaction,
  type TransactionFilter,
} from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { toJson } from '../format/json.ts';
import { formatLogTime } from '../format/time.ts';
import { patchText } from '../format/patch.ts';
import { namesAt } from '../format/names.ts';
import { transactionLine, transactionRow } from '../format/transaction.ts';
import { flag, type Options, textOption } from '../options.ts';
import { pastIn, transactionFilter } from '../past-place.ts';
import type { Verb } from '../verb.ts';

/** How often --follow looks for more. */
const FOLLOW_MS = 100;

export const logVerb: Verb = {
  name: 'log',
  summary: 'show what happened: a line for each transaction, the oldest first',
  details: 'The number is that of its first event; show NUMBER tells all of it.',
  args: [{ form: '[range]', description: 'A..B; default: all' }],
  options: [
    { flags: '-n, --limit <count>', description: 'the last ones only' },
    { flags: '--container <name>', description: 'of one container' },
    { flags: '--volume <name>', description: 'of one volume' },
    { flags: '--path <path>', description: 'what touched this path of --container or --volume, through renames' },
    { flags: '--op <operation>', description: 'with this operation, such as rename' },
    { flags: '--group <id>', description: 'of one group, such as a scenario step' },
    { flags: '--actor <name>', description: 'of one actor, such as a program of a recording' },
    { flags: '--marks', description: 'with the marks, each at its own time' },
    { flags: '-p, --patch', description: 'with what changed in the content of files' },
    { flags: '-f, --follow', description: 'go on as more is written' },
  ],
  examples: [
    { command: 'log -n 20', explains: 'the last twenty transactions' },
    { command: 'log --container web --path /etc/app.conf', explains: 'all that ever touched a file' },
    { command: 'log -p --path /etc/app.conf --container web', explains: 'and what changed in it each time' },
    { command: 'log --follow --ndjson', explains: 'feed another program as things happen' },
  ],
  reads: true,
  streams: true,
  run: async (context, [range], options) => {
    const store = await context.store('read');
    const limit = textOption(options, 'limit');
    if (limit !== undefined && !/^\d+$/.test(limit)) throw usageError(`-n is a number, not "${limit}"`);
    const isWanted = transactionFilter(options);
    const chosen: Transaction[] = [];
    const last = limit === undefined ? Infinity : Number(limit);
    const names = namesAt(store);
    const marks = flag(options, 'marks') ? store.marks.list() : [];
    const print = async (transaction: Transaction): Promise<void> => {
      while (marks.length > 0 && marks[0].timeNs <= transaction.timeNs) printMark(context, marks.shift());
      if (context.isNdjson) context.line(toJson(transactionRow(store, transaction, names)));
      else {
        context.line(transactionLine(transaction, names, context.style));
        if (flag(options, 'patch')) context.print(patchText(store, transaction));
      }
      await context.stdout.drained();
    };
    const source = sourceOf(store, context, range, options);
    if (last < Infinity) {
      for (const transaction of source.newestFirst()) {
        if (chosen.length >= last) break;
        if (isWanted(transaction)) chosen.push(transaction);
      }
      chosen.reverse();
    } else {
      for (const transaction of source.all()) {
        if (!isWanted(transaction)) continue;
        if (context.isJson) chosen.push(transaction);
        else await print(transaction);
      }
    }
    if (context.isJson) return context.json(rowsWithMarks(store, chosen, marks));
    for (const transaction of chosen) await print(transaction);
    for (const mark of marks.splice(0)) printMark(context, mark);
    if (!flag(options, 'follow')) return;
    const isAbout = subjectFilter(store, options);
    await follow(store, async (transaction) => isWanted(transaction) && isAbout(transaction) && print(transaction));
  },
};

/** Rows of transactions, and between them `{ mark }`, each in front of the first transaction that is as late. */
function rowsWithMarks(store: Store, transactions: readonly Transaction[], marks: MarkInLog[]): object[] {
  const names = namesAt(store);
  const rows: object[] = [];
  for (const transaction of transactions) {
    while (marks.length > 0 && marks[0].timeNs <= transaction.timeNs) rows.push({ mark: marks.shift() });
    rows.push(transactionRow(store, transaction, names));
  }
  return [...rows, ...marks.map((mark) => ({ mark }))];
}

function printMark(context: VerbContext, mark: MarkInLog | undefined): void {
  if (mark === undefined) return;
  if (context.isNdjson) return context.line(toJson({ mark }));
  const { style } = context;
  const source = mark.source === '' ? '-' : printableName(mark.source);
  context.line(
    [
      style.yellow('mark'.padStart(6)),
      style.dim(formatLogTime(mark.timeNs)),
      style.cyan(source.padEnd(10)),
      printableName(mark.text),
    ].join('  '),
  );
}

/** The transactions that are asked for, but for the filters. */
interface Source {
  all(): Iterable<Transaction>;
  newestFirst(): Iterable<Transaction>;
}

function sourceOf(store: Store, context: VerbContext, range: string | undefined, options: Options): Source {
  const container = textOption(options, 'container');
  const volume = textOption(options, 'volume');
  const path = textOption(options, 'path');
  const at = textOption(context.options, 'at');
  if (range !== undefined && at !== undefined) throw usageError('it takes a range or --at, not both');
  if (path !== undefined) {
    const until = range === undefined ? at : rangeOf(range).to;
    const found = pathOption(store, options, path, until);
    const transactions = within(store, store.history(found.of, found.path, until), range);
    return { all: () => transactions, newestFirst: () => transactions.toReversed() };
  }
  const { from, to } = range === undefined ? { from: '', to: at ?? 'now' } : rangeOf(range);
  const filter: TransactionFilter = {
    ...(from !== '' && { from }),
    to,
    ...(container !== undefined && { container: subjectOf(store, container) }),
    ...(volume !== undefined && { volume }),
  };
  return {
    all: () => store.transactions(filter),
    newestFirst: () => store.transactions({ ...filter, newestFirst: true }),
  };
}

/** What --path is about: a path of the container or volume, or of the volume that the container has there. */
function pathOption(store: Store, options: Options, path: string, at?: At): { of: Subject; path: string } {
  const container = textOption(options, 'container');
  const volume = textOption(options, 'volume');
  if (container === undefined && volume === undefined) throw usageError('--path needs --container or --volume');
  if (container === undefined) return { of: { volume: volume as string }, path };
  const view = at === undefined ? store : store.at(at);
  return pastIn(view, view.containers.get(container), path);
}

/** `from`: '' is the oldest moment. */
function rangeOf(range: string): { from: string; to: string } {
  const dots = range.indexOf('..');
  if (dots < 0) throw usageError(`"${range}" is not a range A..B`);
  return { from: range.slice(0, dots), to: range.slice(dots + 2) || 'now' };
}

const within = (store: Store, transactions: readonly Transaction[], range: string | undefined): Transaction[] => {
  const from = range === undefined ? '' : rangeOf(range).from;
  const after = from === '' ? 0 : store.resolve(from);
  return transactions.filter(({ seq }) => seq > after);
};

/** A container by name; one that was removed by the name that it had last. */
function subjectOf(store: Store, name: string): number {
  try {
    return store.containers.get(name).subject;
  } catch (error) {
    let found: number | null = null;
    for (const { events } of store.time.besidesFiles(0, store.seq)) {
      for (const event of events) {
        const isNamed =
          event.type === 'ContainerCreated' || event.type === 'ContainerForked' || event.type === 'ContainerRenamed';
        if (isNamed && event.name === name) found = event.container;
      }
    }
    if (found === null) throw error;
    return found;
  }
}

/** What follows is of the same container, volume and path as what was shown. */
function subjectFilter(store: Store, options: Options): (transaction: Transaction) => boolean {
  const container = textOption(options, 'container');
  const volume = textOption(options, 'volume');
  const path = textOption(options, 'path');
  // Which volume it is that is mounted there may change.
  const isOfPath = (transaction: Transaction): boolean => {
    const found = pathOption(store, options, path as string);
    return store.history(found.of, found.path).some(({ seq }) => seq === transaction.seq);
  };
  if (path !== undefined) return isOfPath;
  const subject = container === undefined ? null : subjectOf(store, container);
  const volumeSubject = volume === undefined ? null : store.volumes.get(volume).subject;
  return (transaction) =>
    (subject === null || transaction.subject === subject) &&
    (volumeSubject === null || transaction.subject === volumeSubject);
}

async function follow(store: Store, take: (transaction: Transaction) => Promise<unknown>): Promise<never> {
  let { seq } = store;
  for (;;) {
    await sleep(FOLLOW_MS);
    if (store.refresh() === seq) continue;
    for (const transaction of store.transactions({ from: seq })) await take(transaction);
    seq = store.seq;
  }
}
