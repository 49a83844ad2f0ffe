import { retainHistory } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { plural, sizeText } from '../format/size.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const retainVerb: Verb = {
  name: 'retain',
  summary: 'drop history in front of a moment, and free the room that its content takes',
  details:
    'The moment, and all since, answer as before. An earlier one is gone for good: asking about it is an error that names the ' +
    'oldest one left. Content that nothing shows any more is taken out of the log; events, with their names and causes, stay.',
  args: [{ form: '<moment>', description: 'the oldest one to keep: an age (~30d), a date, an event, a label' }],
  options: [{ flags: '--dry-run', description: 'say what would be freed, and change nothing' }],
  examples: [
    { command: 'retain ~30d --dry-run', explains: 'what dropping all but thirty days would free' },
    { command: 'retain before-upgrade', explains: 'a label is the oldest moment from now on' },
  ],
  hasSizes: true,
  run: async (context, [moment], options) => {
    if (context.session !== undefined)
      throw usageError('retain works on the files of a store: not inside of a scenario');
    const dryRun = flag(options, 'dryRun');
    const result = await retainHistory(context.directory, moment, { dryRun });
    context.answer({ ...result, dryRun }, () => {
      const freed = sizeText(result.bytesDropped, context.options['bytes'] === true);
      const [keeps, goes] = dryRun ? ['would be', 'would go'] : ['is', 'went'];
      return (
        `the oldest moment ${keeps} event ${result.oldest}\n` +
        `${freed} of content in ${plural(result.chunksDropped, 'chunk')} ${goes}, ${plural(result.chunksKept, 'chunk')} stay\n`
      );
    });
  },
};
