import { plural } from '../format/size.ts';
import { choiceOption, flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const downVerb: Verb = {
  name: 'down',
  summary: 'stop and remove the containers of a compose project',
  details:
    'They are those with the label com.docker.compose.project=PROJECT. Volumes and images stay, as with docker compose down.',
  args: [{ form: '<project>', description: 'the value of the label' }],
  options: [
    {
      flags: '-v, --volumes',
      description: "its volumes too: anonymous ones, and those named PROJECT_…; others are not the project's own",
    },
    {
      flags: '--rmi <which>',
      description:
        'images too: local, those that compose built and named PROJECT-SERVICE, or all that its containers were made of',
    },
  ],
  examples: [
    { command: 'down shop', explains: 'its volumes are there for the next start' },
    { command: 'down shop -v --rmi all', explains: 'all of it' },
  ],
  run: async (context, [project], options) => {
    const store = await context.store('write');
    const which = choiceOption(options, 'rmi', ['local', 'all']);
    const removed = await store.containers.down(project, {
      volumes: flag(options, 'volumes'),
      ...(which !== undefined && { images: which }),
    });
    const { containers, volumes, images, imagesInUse } = removed;
    context.answer(removed, () => [...containers, ...volumes, ...images].map((name) => `${name}\n`).join(''));
    const counts = [plural(containers.length, 'container'), plural(volumes.length, 'volume')];
    if (which !== undefined) counts.push(plural(images.length, 'image'));
    context.say(`removed ${counts.slice(0, -1).join(', ')} and ${counts.at(-1)}`);
    for (const name of imagesInUse) context.say(`${name} stays: a container outside of the project uses it`);
  },
};
