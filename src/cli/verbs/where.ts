import {
  placesInImage,
  placesOf,
  type Store,
  type StoreQueries,
  whereLine,
  whereLines,
  type WhereNames,
} from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { findContainer } from '../place.ts';
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
    const name = text.slice(0, colon);
    const path = text.slice(colon + 1);
    const { places, names } = placesAt(store, view, name, path);
    if (places.length === 0) {
      throw Object.assign(new Error(`nothing has ever been at ${path} of ${name}`), { code: 'ENOENT' });
    }
    context.answer(places, () => {
      const line = flag(options, 'all') ? null : whereLine(places, names);
      return (line === null ? whereLines(places, names) : [line]).map((each) => `${each}\n`).join('');
    });
  },
};

function placesAt(store: Store, view: StoreQueries, name: string, path: string) {
  const transactionAt: WhereNames['transactionAt'] = (seq) => store.time.transactionAt(seq);
  if (!name.includes(':')) {
    const container = findContainer(view, name);
    const { imageReference } = container.inspect();
    const places = placesOf(view.world, container.subject, path);
    return { places, names: { container: container.name, image: imageReference, transactionAt } };
  }
  const places = placesInImage(view.world, view.world.layersOf(view.images.get(name).id), path);
  return { places, names: { container: null, image: name, transactionAt } };
}
