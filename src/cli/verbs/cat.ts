import { printableName } from '../../index.ts';
import { openPlace } from '../place.ts';
import type { Verb } from '../verb.ts';

/** Bytes of one read: a file may be larger than memory. */
const PIECE_BYTES = 2 ** 20;

export const catVerb: Verb = {
  name: 'cat',
  summary: 'print files of a container or volume',
  args: [{ form: '<place...>', description: 'NAME:/path or volume(NAME):/path' }],
  options: [],
  examples: [
    { command: 'cat web:/etc/app.conf', explains: 'as it is now' },
    { command: 'cat --at ~5m web:/var/log/app.log', explains: 'as it was five minutes ago, also when it is gone' },
  ],
  reads: true,
  run: async (context, places) => {
    const { view } = await context.view();
    const rows: unknown[] = [];
    for (const text of places) {
      const { path, fs } = openPlace(view, text);
      if (fs.statSync(path).isDirectory()) throw isDirectory(text);
      if (context.isJson) {
        rows.push({ path, content: fs.readFileSync(path) });
        continue;
      }
      const file = fs.openSync(path, 'r');
      try {
        const buffer = Buffer.alloc(PIECE_BYTES);
        for (let count = fs.readSync(file, buffer); count > 0; count = fs.readSync(file, buffer)) {
          context.stdout.write(Uint8Array.prototype.slice.call(buffer, 0, count));
          await context.stdout.drained();
        }
      } finally {
        fs.closeSync(file);
      }
    }
    if (context.isJson) context.json(rows);
  },
};

/** What reading would say, which knows the descriptor only. */
const isDirectory = (place: string): Error =>
  Object.assign(new Error(`EISDIR: illegal operation on a directory, read '${printableName(place)}'`), {
    code: 'EISDIR',
  });
