import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const rmiVerb: Verb = {
  name: 'rmi',
  summary: 'remove images, or names of them; the log remembers them',
  args: [{ form: '<image...>', description: 'names or ids' }],
  options: [{ flags: '-f, --force', description: 'by id, although it has several names' }],
  examples: [{ command: 'rmi app:1', explains: 'with its last name the image goes, and layers that no other has' }],
  run: async (context, references, options) => {
    const store = await context.store('write');
    for (const reference of references) store.images.get(reference);
    for (const reference of references) await store.images.remove(reference, { force: flag(options, 'force') });
    context.answer(references, () => references.map((reference) => `${reference}\n`).join(''));
  },
};
