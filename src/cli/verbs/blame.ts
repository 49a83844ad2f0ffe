import { type ContainerView, type Store, type Transaction } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { plural } from '../format/size.ts';
import { formatLogTime } from '../format/time.ts';
import { causeLine } from '../format/transaction.ts';
import { hasTransactionFilter, pastPlace, transactionFilter } from '../past-place.ts';
import { flag, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** Who a stretch or a line comes from. */
interface Source {
  readonly seq: number | null;
  readonly layer: number | null;
}

export const blameVerb: Verb = {
  name: 'blame',
  summary: 'tell which event wrote each line of a file, or each stretch of its bytes, down to the image layer',
  details:
    'Goes back through copy-ups, renames, forks, rewinds and undos. A line that several events wrote counts as the newest one’s. ' +
    'A line that nothing wrote since the image is of its layer.',
  args: [{ form: '<place>', description: 'CONTAINER:/path or volume(NAME):/path' }],
  options: [
    { flags: '--ranges', description: 'stretches of bytes instead of lines; for files that are not text' },
    { flags: '--op <operation>', description: 'only what this operation wrote' },
    { flags: '--group <id>', description: 'only what this group wrote' },
  ],
  examples: [
    { command: 'blame web:/etc/app.conf', explains: 'line by line' },
    { command: 'blame --ranges web:/var/lib/app.db', explains: 'byte by byte' },
  ],
  reads: true,
  run: async (context, [text], options) => {
    const { store, view } = await context.view();
    const { of, path, fs } = pastPlace(view, text);
    const blame = store.past.blame(of, path, textOption(context.options, 'at'));
    const rows = flag(options, 'ranges') ? blame.spans : blame.lines;
    const found = transactionsOf(store, rows);
    const isWanted = transactionFilter(options);
    const shown = rows.filter(({ seq }) => {
      const transaction = seq === null ? undefined : found.get(seq);
      return transaction === undefined ? !hasTransactionFilter(options) : isWanted(transaction);
    });
    const sourceOf = ({ seq, layer }: Source) => {
      const transaction = seq === null ? null : (found.get(seq) ?? null);
      return { seq, layer, group: transaction?.group ?? null, cause: transaction?.cause ?? null };
    };
    context.answer(
      shown.map((row) => ({ ...row, ...sourceOf(row) })),
      () => shown.map((row) => rowText(context, row, found, contentOf(fs, path, row, options))).join(''),
    );
  },
};

function transactionsOf(store: Store, rows: readonly Source[]): Map<number, Transaction> {
  const found = new Map<number, Transaction>();
  for (const { seq } of rows) {
    if (seq === null || found.has(seq)) continue;
    const transaction = store.time.transactionAt(seq);
    if (transaction !== undefined) found.set(seq, transaction);
  }
  return found;
}

interface Row extends Source {
  readonly start: number;
  readonly end: number;
}

function contentOf(fs: ContainerView['fs'], path: string, { start, end }: Row, options: Options): string {
  if (flag(options, 'ranges')) return `${start}-${end}  ${plural(end - start, 'byte')}`;
  return fs.readFileSync(path).toString('utf8', start, end).replace(/\n$/, '');
}

function rowText(context: VerbContext, row: Row, found: ReadonlyMap<number, Transaction>, content: string): string {
  const { style } = context;
  const transaction = row.seq === null ? undefined : found.get(row.seq);
  const who =
    transaction === undefined
      ? `${''.padStart(6)}  ${`layer ${(row.layer ?? 0) + 1}`.padEnd(23)}  ${''.padEnd(24)}`
      : `${String(row.seq).padStart(6)}  ${formatLogTime(transaction.timeNs)}  ${causeLine(transaction.cause).slice(0, 24).padEnd(24)}`;
  return `${style.dim(who)}  ${content}\n`;
}
