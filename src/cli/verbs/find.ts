import { decodeName, printableName, runFileVerb, type Store, type StoreQueries } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { hasTransactionFilter, pastPlace, TRANSACTION_OPTIONS, transactionFilter } from '../past-place.ts';
import { nodeRow } from '../format/node.ts';
import { openPlace } from '../place.ts';
import { type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const findVerb: Verb = {
  name: 'find',
  summary: 'list all paths below a directory',
  args: [{ form: '<place>', description: 'NAME:/path or volume(NAME):/path' }],
  options: [
    { flags: '--name <pattern>', description: 'whose name fits, with * and ?' },
    { flags: '--type <letter>', description: 'f file, d directory, l symlink, p fifo, c or b device, s socket' },
    ...TRANSACTION_OPTIONS,
  ],
  examples: [
    { command: "find --name '*.conf' web:/etc", explains: 'files by name' },
    { command: 'find --type f --op chmod web:/', explains: 'files that chmod ever touched' },
    { command: 'find --type l --json web:/', explains: 'all symbolic links' },
  ],
  reads: true,
  streams: true,
  run: async (context, [place], options) => {
    const { store, view } = await context.view();
    const { path, namespace, fs } = openPlace(view, place);
    const name = textOption(options, 'name');
    const type = textOption(options, 'type');
    const words = [
      'find',
      path,
      ...(name === undefined ? [] : ['-name', name]),
      ...(type === undefined ? [] : ['-type', type]),
    ];
    const isText = !context.isJson && !context.isNdjson;
    const isFiltered = hasTransactionFilter(options);
    const output = runFileVerb(namespace, words, {
      forTerminal: isText && !isFiltered && context.stdout.isTerminal,
    });
    if (isText && !isFiltered) return context.stdout.write(output);
    const found = decodeName(output).split('\n').slice(0, -1);
    const paths = isFiltered ? found.filter(touchedBy(context, store, view, place, options)) : found;
    if (isText) return context.print(paths.map((each) => `${printableName(each)}\n`).join(''));
    context.rows(
      paths.map((each) => nodeRow(fs, each)),
      [],
    );
  },
};

/** Whether a transaction that the options ask for is in the history of a path. */
function touchedBy(
  context: VerbContext,
  store: Store,
  view: StoreQueries,
  place: string,
  options: Options,
): (path: string) => boolean {
  const at = textOption(context.options, 'at');
  const isWanted = transactionFilter(options);
  const name = place.includes(':') ? place.slice(0, place.indexOf(':')) : place;
  const tests = new Map<string, (path: string) => boolean>();
  return (path) => {
    const { of, title, path: inner } = pastPlace(view, `${name}:${path}`);
    const test = tests.get(title) ?? store.past.touchedBy(of, isWanted, { at });
    tests.set(title, test);
    return test(inner);
  };
}
