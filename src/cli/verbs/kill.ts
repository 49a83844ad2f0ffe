import { CONTAINERS, eachContainer } from '../each-container.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const killVerb: Verb = {
  name: 'kill',
  summary: 'kill running containers',
  args: [CONTAINERS],
  options: [{ flags: '-s, --signal <signal>', description: 'the signal (default: SIGKILL)' }],
  examples: [{ command: 'kill -s SIGTERM web', explains: 'its state becomes exited, with code 143' }],
  run: (context, names, options) =>
    eachContainer(context, names, (container) => container.kill(textOption(options, 'signal') ?? 'SIGKILL')),
};
