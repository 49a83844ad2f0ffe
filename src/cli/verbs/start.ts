import { CONTAINERS, eachContainer } from '../each-container.ts';
import type { Verb } from '../verb.ts';

export const startVerb: Verb = {
  name: 'start',
  summary: 'start containers; a running one stays as it is',
  args: [CONTAINERS],
  options: [],
  examples: [{ command: 'start web', explains: 'what it wrote before is still there' }],
  run: (context, names) => eachContainer(context, names, (container) => container.start()),
};
