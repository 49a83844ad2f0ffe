import { basename, dirname, join, resolve } from 'node:path';
import { EXIT_OK } from '../exit-codes.ts';
import { flag, textOption } from '../options.ts';
import { recordProgram } from '../record-program.ts';
import { replayRecordingVerb } from '../replay-recording.ts';
import type { Verb } from '../verb.ts';

export const recordVerb: Verb = {
  name: 'record',
  summary: 'run a program and record what it does to a directory, for replay',
  details:
    'Runs the command over a kernel overlay of the directory, with strace. The directory itself stays as it is: what the ' +
    'program changed is in the recording only. Where no overlay can be mounted (it takes root), it runs in a copy. ' +
    'Everything that the program writes is in the log, secrets too. Takes Linux and strace. Ends with the exit code of the command; with --replay, when that is 0, with the one of the replay.',
  args: [{ form: '<command...>', description: 'the program and its arguments, behind --' }],
  options: [
    { flags: '--lower <directory>', description: 'the directory (default: the current one)' },
    { flags: '-o, --output <directory>', description: 'folder of the recording (default: NAME.recording beside it)' },
    { flags: '--copy', description: 'run it in a copy of the directory, not over an overlay' },
    { flags: '--replay', description: 'replay it at once, and compare with what was there' },
    { flags: '--name <name>', description: 'with --replay: name of the image and the container' },
    { flags: '--report <form>', description: 'with --replay: text or json' },
    { flags: '--strict', description: 'with --replay: end with 1 if any file is inexact' },
    { flags: '--resync', description: 'with --replay: put right what differs from the tree that was there' },
    { flags: '--scratch', description: 'with --replay: in a store in memory' },
  ],
  examples: [
    { command: 'record --replay -- make -j4', explains: 'then look around with log, history, where and diff' },
    { command: 'record --lower ./app -o run1 -- npm install', explains: 'to be replayed later: overlog replay run1' },
  ],
  run: async (context, argv, options) => {
    const lower = resolve(textOption(options, 'lower') ?? '.');
    const out = textOption(options, 'output') ?? join(dirname(lower), `${basename(lower)}.recording`);
    const code = await recordProgram({
      lower,
      out,
      argv,
      env: context.env,
      copy: flag(options, 'copy'),
      say: (text) => context.say(text),
    });
    context.say(`recorded to ${out}; what the program wrote is in its log, secrets too`);
    if (code !== EXIT_OK || !flag(options, 'replay')) return code;
    return replayRecordingVerb(context, out, options);
  },
};
