import { listOption, textOption } from '../options.ts';
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
    {
      flags: '-c, --change <instruction>',
      description: 'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, USER, VOLUME or WORKDIR of a Dockerfile',
      repeat: true,
    },
    { flags: '--no-pause', description: 'let a running container run on meanwhile' },
  ],
  examples: [
    { command: "commit -m 'with the fix' web app:2", explains: 'volumes are not part of it' },
    {
      command: `commit -c 'CMD ["serve"]' -c 'ENV PORT=81' web app:3`,
      explains: 'with another command and environment',
    },
  ],
  run: async (context, [reference, name], options) => {
    const store = await context.store('write');
    const message = textOption(options, 'message');
    const author = textOption(options, 'author');
    const id = await store.containers.get(reference).commit({
      ...(name !== undefined && { tag: name }),
      ...(message !== undefined && { message }),
      ...(author !== undefined && { author }),
      changes: listOption(options, 'change'),
      pause: options['pause'] !== false,
    });
    const image = store.images.get(id);
    context.answer({ id, tags: image.tags, size: image.sizeBytes }, () => `${id}\n`);
  },
};
