import { printableName } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { pastPlace } from '../past-place.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const undeleteVerb: Verb = {
  name: 'undelete',
  summary: 'bring back what was removed at a path, with all that was below it',
  details:
    'As it was just before it was removed, or with --as-of at another moment. Where something is there now, nothing is done.',
  args: [{ form: '<place>', description: 'CONTAINER:/path' }],
  options: [{ flags: '--as-of <moment>', description: 'as it was then, instead of just before it was removed' }],
  examples: [
    { command: 'undelete web:/etc/app.conf', explains: 'a file' },
    { command: 'undelete --as-of ~1h web:/srv/data', explains: 'a directory, as it was an hour ago' },
  ],
  run: async (context, [text], options) => {
    const store = await context.store('write');
    const { of, title, path } = pastPlace(store, text);
    if (!('container' in of)) throw usageError(`undelete is of paths of containers, and ${path} is in ${title}`);
    const { container } = of;
    const at = await store.past.undelete(container, path, textOption(options, 'asOf'));
    context.answer({ name: container, path, at }, () => `${printableName(path)}\n`);
    if (!context.isJson) context.say(`${printableName(path)} of ${container} is as it was after event ${at}`);
  },
};
