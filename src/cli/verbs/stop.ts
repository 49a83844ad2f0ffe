import { usageError } from '../exit-codes.ts';
import { CONTAINERS, eachContainer } from '../each-container.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const stopVerb: Verb = {
  name: 'stop',
  summary: 'stop running containers; they keep what they wrote',
  args: [CONTAINERS],
  options: [{ flags: '--exit-code <code>', description: 'what its program ended with (default: 0)' }],
  examples: [
    { command: 'stop web', explains: 'its state becomes exited' },
    { command: 'stop --exit-code 3 web', explains: 'as if its program had failed' },
  ],
  run: (context, names, options) => {
    const code = textOption(options, 'exitCode') ?? '0';
    if (!/^\d{1,3}$/.test(code)) throw usageError(`--exit-code is a number from 0 to 255, not "${code}"`);
    return eachContainer(context, names, (container) => container.stop({ exitCode: Number(code) }));
  },
};
