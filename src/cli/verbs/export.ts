import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { exportLog, type Store } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { textOption } from '../options.ts';
import type { Verb } from '../verb.ts';
import { exportContainer } from './export-container.ts';

/** Characters that are collected before they are written. */
const PIECE_CHARS = 2 ** 18;

export const exportVerb: Verb = {
  name: 'export',
  summary: "write a container's files as a tar, or the whole log as NDJSON",
  details:
    'With the name of a container: its merged tree, as docker export writes it, without volumes; with --upper what is its ' +
    'own, for an overlay mount over its image. Without a name, with --ndjson, or with a file that ends in .ndjson: the whole ' +
    'log, from which import makes the same store.',
  args: [{ form: '[container|file]', description: 'a container; or a file for the log. Default: the log, to stdout' }],
  options: [
    {
      flags: '-o, --output <path>',
      description: 'the file to write (default: stdout); with --upper also a directory: dir/',
    },
    { flags: '--upper', description: "the container's writable layer only" },
    { flags: '--dialect <dialect>', description: 'whiteouts of an upper: overlay (default), user-overlay, aufs' },
    { flags: '--form <form>', description: 'of an upper: tar or directory; the latter needs root' },
  ],
  examples: [
    { command: 'export web -o web.tar', explains: "a container's files" },
    { command: 'export --upper web -o upper/', explains: 'a directory for mount -t overlay -o upperdir=' },
    { command: 'export --ndjson story.ndjson', explains: 'the log, for import and other programs' },
    { command: 'export | gzip > story.ndjson.gz', explains: 'the log, compressed' },
  ],
  reads: true,
  streams: true,
  run: async (context, [what], options) => {
    if (what !== undefined && !context.isNdjson && !what.endsWith('.ndjson')) {
      return exportContainer(context, what, options);
    }
    const file = what ?? textOption(options, 'output');
    if (what !== undefined && options['output'] !== undefined) throw usageError('the file of the log is named twice');
    for (const name of ['at', 'upper', 'dialect', 'form']) {
      if (options[name] !== undefined) throw usageError(`--${name} is for a container; the log is written as a whole`);
    }
    const store = await context.store('read');
    if (file === undefined) {
      if (context.isJson) throw usageError('--json tells of a file that was written: name one');
      for (const piece of pieces(store)) {
        context.print(piece);
        await context.stdout.drained();
      }
      return;
    }
    await writeFile(context, store, file);
    if (context.isJson) context.json({ file, events: store.seq });
    else context.say(`${file}: ${plural(store.seq, 'event')}`);
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
