import { resolve } from 'node:path';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { usageError } from '../exit-codes.ts';

export const initVerb: Verb = {
  name: 'init',
  summary: 'make an empty store; one that is there stays as it is',
  args: [{ form: '[dir]', description: 'where; default: --store, $OVERLOG_STORE, ./.overlog' }],
  options: [],
  examples: [
    { command: 'init', explains: 'make ./.overlog' },
    { command: '--store /srv/layers init', explains: 'make it elsewhere' },
  ],
  run: async (context, [directory]) => {
    if (directory !== undefined && textOption(context.options, 'store') !== undefined) {
      throw usageError('the store is named twice');
    }
    const target = directory === undefined ? context : context.at(directory);
    const existed = target.storeExists;
    const store = await target.store('create');
    const path = resolve(target.directory);
    const { id, seq } = store;
    await target.close();
    context.answer({ directory: path, id, seq, created: !existed }, () =>
      existed ? `${path} is a store already, with ${seq} events\n` : `made the store ${path}\n`,
    );
  },
};
