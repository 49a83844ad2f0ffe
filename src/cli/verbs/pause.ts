import { CONTAINERS, eachContainer } from '../each-container.ts';
import type { Verb } from '../verb.ts';

export const pauseVerb: Verb = {
  name: 'pause',
  summary: 'pause running containers',
  args: [CONTAINERS],
  options: [],
  examples: [{ command: 'pause web', explains: 'its state becomes paused' }],
  run: (context, names) => eachContainer(context, names, (container) => container.pause()),
};
