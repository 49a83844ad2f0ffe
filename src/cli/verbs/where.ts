import { whereLine, whereLines } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { placesAt } from '../places-at.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const whereVerb: Verb = {
  name: 'where',
  summary: 'tell which layer a path comes from, what hides it, and which operation copied it up',
  args: [{ form: '<place>', description: 'CONTAINER:/path, or IMAGE:TAG:/path' }],
  options: [{ flags: '-a, --all', description: 'everything at the path, hidden or not, from the top down' }],
  examples: [
    { command: 'where web:/app/data/seed.db', explains: 'what decides' },
    { command: 'where --all app:1:/etc/app.conf', explains: 'what each layer of an image holds' },
  ],
  reads: true,
  run: async (context, [text], options) => {
    const { store, view } = await context.view();
    const colon = text.indexOf(':/');
    if (colon < 1) throw usageError(`"${text}" is not a place: CONTAINER:/path or IMAGE:TAG:/path`);
    const { places, names } = placesAt(store, view, text.slice(0, colon), text.slice(colon + 1));
    context.answer(places, () => {
      const line = flag(options, 'all') ? null : whereLine(places, names);
      return (line === null ? whereLines(places, names) : [line]).map((each) => `${each}\n`).join('');
    });
  },
};
