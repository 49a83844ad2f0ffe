import { decodeName, runFileVerb } from '../../index.ts';
import { nodeRow } from '../format/node.ts';
import { openPlace } from '../place.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const findVerb: Verb = {
  name: 'find',
  summary: 'list all paths below a directory',
  args: [{ form: '<place>', description: 'NAME:/path or volume(NAME):/path' }],
  options: [
    { flags: '--name <pattern>', description: 'whose name fits, with * and ?' },
    { flags: '--type <letter>', description: 'f file, d directory, l symlink, p fifo, c or b device, s socket' },
  ],
  examples: [
    { command: "find --name '*.conf' web:/etc", explains: 'files by name' },
    { command: 'find --type l --json web:/', explains: 'all symbolic links' },
  ],
  reads: true,
  streams: true,
  run: async (context, [place], options) => {
    const { view } = await context.view();
    const { path, namespace, fs } = openPlace(view, place);
    const name = textOption(options, 'name');
    const type = textOption(options, 'type');
    const words = [
      'find',
      path,
      ...(name === undefined ? [] : ['-name', name]),
      ...(type === undefined ? [] : ['-type', type]),
    ];
    const isText = !context.isJson && !context.isNdjson;
    const output = runFileVerb(namespace, words, { forTerminal: isText && context.stdout.isTerminal });
    if (isText) return context.stdout.write(output);
    const paths = decodeName(output).split('\n').slice(0, -1);
    context.rows(
      paths.map((each) => nodeRow(fs, each)),
      [],
    );
  },
};
