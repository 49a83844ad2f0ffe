import { type ContainerView, type Store, type StoreQueries, whereLine, whereLines } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { sizeText } from '../format/size.ts';
import { findContainer, isPlace, parsePlace } from '../place.ts';
import { placesAt } from '../places-at.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { transactionLine, transactionRow } from '../format/transaction.ts';
import { namesAt } from '../format/names.ts';

export const historyVerb: Verb = {
  name: 'history',
  summary: 'show how an image came to be, or what happened to a path of a container',
  details: 'The history of a path goes back through renames, broken hard links, forks and rewinds.',
  args: [{ form: '<image | container:/path>', description: 'what to tell the history of' }],
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
  const { name, path } = parsePlace(what);
  const container = findContainer(view, name);
  const at = textOption(context.options, 'at');
  const transactions = store.history(container.name, path, at);
  if (context.isJson) return context.json(transactions.map((transaction) => transactionRow(store, transaction)));
  if (transactions.length === 0 && !context.isNdjson) return context.line(unchanged(store, view, container, path));
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
function unchanged(store: Store, view: StoreQueries, container: ContainerView, path: string): string {
  const mount = container.mounts.find(({ target }) => path === target || path.startsWith(`${target}/`));
  if (mount !== undefined) return `${path} is not in the container itself: ${mount.target} is mounted`;
  const { places, names } = placesAt(store, view, container.name, path);
  return `${whereLine(places, names) ?? whereLines(places, names)[0]}; unchanged since ${container.name} was made`;
}
