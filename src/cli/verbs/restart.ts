import { CONTAINERS, eachContainer } from '../each-container.ts';
import type { Verb } from '../verb.ts';

export const restartVerb: Verb = {
  name: 'restart',
  summary: 'stop and start containers; they keep what they wrote',
  args: [CONTAINERS],
  options: [],
  examples: [{ command: 'restart web', explains: 'the writable layer stays' }],
  run: (context, names) => eachContainer(context, names, (container) => container.restart()),
};
