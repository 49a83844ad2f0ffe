import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const commitVerb: Verb = {
  name: 'commit',
  summary: "make an image of a container: its writable layer on top of its image's",
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '[name]', description: 'name of the image' },
  ],
  options: [
    { flags: '-m, --message <text>', description: 'a note for the history' },
    { flags: '-a, --author <name>', description: 'who made it' },
  ],
  examples: [{ command: "commit -m 'with the fix' web app:2", explains: 'volumes are not part of it' }],
  run: async (context, [reference, name], options) => {
    const store = await context.store('write');
    const message = textOption(options, 'message');
    const author = textOption(options, 'author');
    const id = await store.containers.get(reference).commit({
      ...(name !== undefined && { tag: name }),
      ...(message !== undefined && { message }),
      ...(author !== undefined && { author }),
    });
    const image = store.images.get(id);
    context.answer({ id, tags: image.tags, size: image.sizeBytes }, () => `${id}\n`);
  },
};
