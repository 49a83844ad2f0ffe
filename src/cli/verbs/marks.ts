import { readFile } from 'node:fs/promises';
import { printableName } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { formatTime } from '../format/time.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const marksVerb: Verb = {
  name: 'marks',
  summary: 'list marks on the timeline, note one, or take in what docker events or podman events printed',
  details:
    'A mark has a time of its own and changes nothing. --import takes the JSON form of docker events and podman events, an object ' +
    'a line; those that are there already are not taken twice. log --marks shows them among what happened.',
  args: [],
  options: [
    {
      flags: '--import <file>',
      description: 'of docker events --format json, podman events --format json; - is stdin',
    },
    { flags: '--add <text>', description: 'note this, now' },
  ],
  examples: [
    {
      command: 'marks --import events.json',
      explains: 'docker events --format json --since 1h --until now > events.json',
    },
    { command: "marks --add 'customers complain'", explains: 'a note' },
    { command: 'log --marks', explains: 'and what happened before and after' },
  ],
  streams: true,
  run: async (context, _, options) => {
    const file = textOption(options, 'import');
    const text = textOption(options, 'add');
    if (file !== undefined && text !== undefined) throw usageError('it takes --import or --add, not both');
    if (file !== undefined) {
      const store = await context.store('write');
      const listing = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
      const count = await store.marks.import(listing, file === '-' ? 'stdin' : file);
      return context.answer({ imported: count }, () => `${plural(count, 'mark')} imported\n`);
    }
    if (text !== undefined) {
      const store = await context.store('write');
      const seq = await store.marks.add(text);
      return context.answer({ seq, text }, () => `${seq}\n`);
    }
    const store = await context.store('read');
    const rows = store.marks.list().map(({ seq, source, timeNs, text: said, attributes }) => ({
      seq,
      time: formatTime(timeNs),
      source,
      text: said,
      attributes: Object.fromEntries(attributes),
    }));
    context.rows(rows, [
      { title: 'TIME', value: (row) => row.time },
      { title: 'SOURCE', value: (row) => (row.source === '' ? '-' : printableName(row.source)) },
      { title: 'WHAT', value: (row) => printableName(row.text) },
    ]);
  },
};
