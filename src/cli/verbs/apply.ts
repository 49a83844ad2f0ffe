import { printableName } from '../../index.ts';
import { EXIT_DIFFERENT, EXIT_OK } from '../exit-codes.ts';
import { flag } from '../options.ts';
import { findContainer } from '../place.ts';
import type { Verb } from '../verb.ts';

const LETTERS = { Added: 'A', Modified: 'M', Removed: 'D' } as const;

export const applyVerb: Verb = {
  name: 'apply',
  summary: 'write what a container changed onto the directory that it was made of',
  details:
    'Each path is judged alone. One that is no longer as it was when the image was loaded is left as it is and named, and the ' +
    'exit code is 1; so is what a directory is not given: devices, extended attributes.',
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '<dir>', description: 'a directory of the host' },
  ],
  options: [{ flags: '--dry-run', description: 'show what would be done, and do nothing' }],
  examples: [
    { command: 'apply --dry-run work .', explains: 'what it would do, and what has drifted' },
    { command: 'apply work .', explains: 'do it' },
  ],
  reads: true,
  run: async (context, [name, directory], options) => {
    const { view } = await context.view();
    const result = findContainer(view, name).apply(directory, { dryRun: flag(options, 'dryRun') });
    context.answer(result, () =>
      result.applied.map(({ change, path }) => `${LETTERS[change]} ${printableName(path)}\n`).join(''),
    );
    for (const { path, reason } of result.refused) context.say(`left as it is: ${printableName(path)} ${reason}`);
    return result.refused.length > 0 ? EXIT_DIFFERENT : EXIT_OK;
  },
};
