import { type Store, type StoreQueries, whereLine, whereLines } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { sizeText } from '../format/size.ts';
import { isPlace } from '../place.ts';
import { pastPlace, type PastPlace } from '../past-place.ts';
import { neverThere, placesAt } from '../places-at.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { transactionLine, transactionRow } from '../format/transaction.ts';
import { namesAt } from '../format/names.ts';

export const historyVerb: Verb = {
  name: 'history',
  summary: 'show how an image came to be, or what happened to a path',
  details: 'The history of a path goes back through renames, broken hard links, forks and rewinds.',
  args: [{ form: '<image | place>', description: 'an image, CONTAINER:/path or volume(NAME):/path' }],
  options: [
    { flags: '--format <template>', description: 'of an image: one line each, such as "{size}\\t{created_by}"' },
  ],
  examples: [
    { command: 'history app:1', explains: 'steps and layers of an image, the newest first' },
    { command: 'history web:/etc/app.conf', explains: 'every change of a file, the oldest first' },
  ],
  reads: true,
  streams: true,
  hasSizes: true,
  run: async (context, [what]) => {
    if (what.includes(':/') && isPlace(what)) return pathHistory(context, what);
    const { view } = await context.view();
    const rows = view.images.history(what).map((step) => ({
      created: step.created,
      created_by: step.createdBy,
      size: step.sizeBytes,
      comment: step.comment,
      empty_layer: step.emptyLayer,
      diff_id: step.diffId,
    }));
    context.rows(rows, [
      { title: 'LAYER', value: (row) => row.diff_id?.slice(7, 19) ?? '' },
      { title: 'SIZE', value: (row) => sizeText(row.size, context.exactBytes), align: 'right' },
      { title: 'CREATED BY', value: (row) => row.created_by },
      { title: 'COMMENT', value: (row) => row.comment },
    ]);
  },
};

async function pathHistory(context: VerbContext, what: string): Promise<void> {
  const { store, view } = await context.view();
  const { of, title, path } = pastPlace(view, what);
  const at = textOption(context.options, 'at');
  const transactions = store.history(of, path, at);
  if (context.isJson) return context.json(transactions.map((transaction) => transactionRow(store, transaction)));
  if (transactions.length === 0 && !context.isNdjson) return context.line(unchanged(store, view, { of, title, path }));
  const names = namesAt(store);
  for (const transaction of transactions) {
    if (context.isNdjson) context.stdout.write(`${JSON.stringify(transactionRow(store, transaction))}\n`);
    else context.line(transactionLine(transaction, names, context.style));
  }
}

/**
 * What there is to say of a path without a history.
 *
 * @throws ENOENT where nothing has ever been.
 */
function unchanged(store: Store, view: StoreQueries, { of, title, path }: Omit<PastPlace, 'fs'>): string {
  if ('volume' in of) throw neverThere(path, title);
  const { places, names } = placesAt(store, view, of.container, path);
  return `${whereLine(places, names) ?? whereLines(places, names)[0]}; unchanged since ${title} was made`;
}
