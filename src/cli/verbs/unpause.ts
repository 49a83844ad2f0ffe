import { CONTAINERS, eachContainer } from '../each-container.ts';
import type { Verb } from '../verb.ts';

export const unpauseVerb: Verb = {
  name: 'unpause',
  summary: 'let paused containers go on',
  args: [CONTAINERS],
  options: [],
  examples: [{ command: 'unpause web', explains: 'its state becomes running' }],
  run: (context, names) => eachContainer(context, names, (container) => container.unpause()),
};
