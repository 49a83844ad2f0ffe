import { printableName, runFileVerb } from '../../index.ts';
import { nodeRow } from '../format/node.ts';
import { openPlace } from '../place.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

/** Options and what the file verb calls them. */
const LETTERS = [
  ['a', 'all'],
  ['l', 'long'],
  ['d', 'directory'],
  ['R', 'recursive'],
] as const;

export const lsVerb: Verb = {
  name: 'ls',
  summary: 'list a directory of a container or volume',
  args: [{ form: '<place...>', description: 'NAME:/path or volume(NAME):/path' }],
  options: [
    { flags: '-a, --all', description: 'names that begin with a dot too' },
    { flags: '-l, --long', description: 'with attributes' },
    { flags: '-d, --directory', description: 'the directory itself' },
    { flags: '-R, --recursive', description: 'with all below it' },
    { flags: '-1', description: 'one name a line, which is the default' },
  ],
  examples: [
    { command: 'ls -l web:/etc', explains: 'as it is now' },
    { command: 'ls --at before-rm web:/tmp', explains: 'as it was' },
  ],
  reads: true,
  streams: true,
  run: async (context, places, options) => {
    const { view } = await context.view();
    const flags = LETTERS.filter(([, name]) => flag(options, name)).map(([letter]) => `-${letter}`);
    const rows = [];
    for (const text of places) {
      const { path, namespace, fs } = openPlace(view, text);
      if (context.isJson || context.isNdjson) {
        const node = fs.lstatSync(path, { bigint: true });
        const names = node.isDirectory() && !flag(options, 'directory') ? fs.readdirSync(path) : null;
        const paths =
          names === null ? [path] : names.map((name) => (path.endsWith('/') ? path + name : `${path}/${name}`));
        rows.push(...paths.map((each) => nodeRow(fs, each)));
        continue;
      }
      if (places.length > 1) context.line(`${printableName(text)}:`);
      const forTerminal = context.stdout.isTerminal;
      context.stdout.write(runFileVerb(namespace, ['ls', ...flags, '--', path], { forTerminal }));
    }
    if (context.isJson || context.isNdjson) context.rows(rows, []);
  },
};
