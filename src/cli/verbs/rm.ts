import { CONTAINERS, eachContainer } from '../each-container.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const rmVerb: Verb = {
  name: 'rm',
  summary: 'remove containers with their writable layers; the log remembers them',
  args: [CONTAINERS],
  options: [
    { flags: '-f, --force', description: 'also when it is running' },
    { flags: '-v, --volumes', description: 'its anonymous volumes too' },
  ],
  examples: [
    { command: 'rm web', explains: 'end it' },
    { command: 'fork web --at ~1 --as web', explains: 'bring it back as it was one event ago' },
  ],
  run: (context, names, options) =>
    eachContainer(context, names, (container) =>
      container.remove({ force: flag(options, 'force'), volumes: flag(options, 'volumes') }),
    ),
};
