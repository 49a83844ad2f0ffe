import { printableName } from '../../index.ts';
import { pastPlace } from '../past-place.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const undeleteVerb: Verb = {
  name: 'undelete',
  summary: 'bring back what was removed at a path, with all that was below it',
  details:
    'As it was just before it was removed, or with --as-of at another moment. Where something is there now, nothing is done.',
  args: [
    { form: '<place>', description: 'CONTAINER:/path, also in a volume that is mounted there, or volume(NAME):/path' },
  ],
  options: [{ flags: '--as-of <moment>', description: 'as it was then, instead of just before it was removed' }],
  examples: [
    { command: 'undelete web:/etc/app.conf', explains: 'a file' },
    { command: 'undelete --as-of ~1h web:/srv/data', explains: 'a directory, as it was an hour ago' },
  ],
  run: async (context, [text], options) => {
    const store = await context.store('write');
    const { of, title, path } = pastPlace(store, text);
    const at = await store.past.undelete(of, path, textOption(options, 'asOf'));
    const name = 'container' in of ? { name: of.container } : of;
    context.answer({ ...name, path, at }, () => `${printableName(path)}\n`);
    if (!context.isJson) context.say(`${printableName(path)} of ${title} is as it was after event ${at}`);
  },
};
