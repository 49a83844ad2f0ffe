import { runFileVerb } from '../../index.ts';
import { nodeRow } from '../format/node.ts';
import { openPlace } from '../place.ts';
import { flag, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

const DEFAULT_FORMAT = '%n\t%F\t%A\t%u:%g\t%s bytes\t%y';

export const statVerb: Verb = {
  name: 'stat',
  summary: 'show the attributes of files',
  args: [{ form: '<place...>', description: 'NAME:/path or volume(NAME):/path' }],
  options: [
    { flags: '-c, --format <format>', description: 'as stat(1): %s size, %a mode, %u owner, %y mtime, %h links, …' },
    { flags: '-L, --dereference', description: 'follow symbolic links' },
  ],
  examples: [
    { command: 'stat web:/etc/app.conf', explains: 'the attributes' },
    { command: 'stat -c %s --at before web:/data.db', explains: 'how large it was' },
  ],
  reads: true,
  streams: true,
  run: async (context, places, options) => {
    const { view } = await context.view();
    const follow = flag(options, 'dereference');
    if (context.isJson || context.isNdjson) {
      const rows = places.map((text) => {
        const { path, fs } = openPlace(view, text);
        return nodeRow(fs, follow ? fs.realpathSync(path) : path);
      });
      return context.rows(rows, []);
    }
    for (const text of places) {
      const { path, namespace } = openPlace(view, text);
      const format = textOption(options, 'format') ?? DEFAULT_FORMAT;
      const words = ['stat', ...(follow ? ['-L'] : []), '-c', format, '--', path];
      context.stdout.write(runFileVerb(namespace, words, { forTerminal: context.stdout.isTerminal }));
    }
  },
};
