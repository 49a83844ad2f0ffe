import { printableName, type PathVersion } from '../../index.ts';
import { sizeText } from '../format/size.ts';
import { formatTime } from '../format/time.ts';
import { causeLine } from '../format/transaction.ts';
import { hasTransactionFilter, pastPlace, transactionFilter } from '../past-place.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const versionsVerb: Verb = {
  name: 'versions',
  summary: 'list the versions of a path: what stood there, and what made it so',
  details:
    'The number is a moment: cat --at, diff and rewind --path take it. A path that is gone tells of what was last there.',
  args: [{ form: '<place>', description: 'CONTAINER:/path or volume(NAME):/path' }],
  options: [
    { flags: '--op <operation>', description: 'only those that this operation made' },
    { flags: '--group <id>', description: 'only those that this group made' },
  ],
  examples: [
    { command: 'versions web:/etc/app.conf', explains: 'every version of a file, the oldest first' },
    { command: 'cat --at 42 web:/etc/app.conf', explains: 'one of them' },
  ],
  reads: true,
  streams: true,
  hasSizes: true,
  run: async (context, [text], options) => {
    const { store, view } = await context.view();
    const { of, title, path } = pastPlace(view, text);
    const versions = store.past.versions(of, path, textOption(context.options, 'at'));
    const isWanted = transactionFilter(options);
    const shown = versions.filter(({ transaction }) =>
      transaction === null ? !hasTransactionFilter(options) : isWanted(transaction),
    );
    if (versions.length === 0 && !context.isJson && !context.isNdjson) {
      return context.line(`${printableName(path)} has not changed since ${title} was made, or never was`);
    }
    context.rows(
      shown.map((version) => rowOf(version)),
      [
        { title: 'AT', value: (row) => String(row.at), align: 'right' },
        { title: 'TIME', value: (row) => row.time ?? '' },
        {
          title: 'SIZE',
          value: (row) => (row.kind === null ? 'gone' : sizeText(row.size, context.exactBytes)),
          align: 'right',
        },
        { title: 'PATH', value: (row) => printableName(row.path) },
        { title: 'CHANGED', value: (row) => row.what.join(',') },
        { title: 'BY', value: (row) => row.by },
      ],
    );
  },
};

function rowOf({ seq, transaction, kind, sizeBytes, mode, what, path }: PathVersion) {
  return {
    at: seq,
    time: transaction === null ? null : formatTime(transaction.timeNs),
    path,
    kind,
    size: sizeBytes,
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    what,
    by: transaction === null ? '(as it was made)' : causeLine(transaction.cause),
    group: transaction?.group ?? null,
  };
}
