import { plural } from '../format/size.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const downVerb: Verb = {
  name: 'down',
  summary: 'stop and remove the containers of a compose project',
  details:
    'They are those with the label com.docker.compose.project=PROJECT. Volumes stay, as with docker compose down.',
  args: [{ form: '<project>', description: 'the value of the label' }],
  options: [
    {
      flags: '-v, --volumes',
      description: "its volumes too: anonymous ones, and those named PROJECT_…; others are not the project's own",
    },
  ],
  examples: [
    { command: 'down shop', explains: 'its volumes are there for the next start' },
    { command: 'down shop -v', explains: 'all of it' },
  ],
  run: async (context, [project], options) => {
    const store = await context.store('write');
    const removed = await store.containers.down(project, { volumes: flag(options, 'volumes') });
    context.answer(removed, () => [...removed.containers, ...removed.volumes].map((name) => `${name}\n`).join(''));
    const { containers, volumes } = removed;
    context.say(`removed ${plural(containers.length, 'container')} and ${plural(volumes.length, 'volume')}`);
  },
};
