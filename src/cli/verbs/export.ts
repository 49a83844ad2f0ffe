import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { exportLog, type Store } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { plural } from '../format/size.ts';
import type { Verb } from '../verb.ts';

/** Characters that are collected before they are written. */
const PIECE_CHARS = 2 ** 18;

export const exportVerb: Verb = {
  name: 'export',
  summary: 'write the whole log as NDJSON, from which import makes the same store',
  args: [{ form: '[file]', description: 'default: stdout' }],
  options: [],
  examples: [
    { command: 'export --ndjson story.ndjson', explains: 'a file that other programs read, too' },
    { command: 'export | gzip > story.ndjson.gz', explains: 'compressed' },
  ],
  streams: true,
  isText: true,
  run: async (context, [file]) => {
    const store = await context.store('read');
    if (file === undefined) {
      for (const piece of pieces(store)) {
        context.print(piece);
        await context.stdout.drained();
      }
      return;
    }
    await writeFile(context, store, file);
    context.say(`${file}: ${plural(store.seq, 'event')}`);
  },
};

/** Into a file beside it, which takes its name when it is whole. */
async function writeFile(context: VerbContext, store: Store, file: string): Promise<void> {
  const part = `${file}.part-${process.pid}`;
  const stream = createWriteStream(part, { flags: 'wx' });
  const failed = new Promise<never>((_, reject) => stream.once('error', reject));
  failed.catch(() => {});
  let chars = 0;
  context.leftover(part, true);
  try {
    for (const piece of pieces(store)) {
      chars += piece.length;
      context.progress(`${file}: ${chars} characters`);
      if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), failed]);
    }
    stream.end();
    await Promise.race([once(stream, 'close'), failed]);
    await rename(part, file);
  } catch (error) {
    stream.destroy();
    await rm(part, { force: true });
    throw error;
  } finally {
    context.leftover(part, false);
    context.progress(null);
  }
}

function* pieces(store: Store): Generator<string> {
  let piece = '';
  for (const line of exportLog(store.engine.log)) {
    piece += line;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
