import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { importLog } from '../../index.ts';
import { openFileLog } from '../../entry/storage-file.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { STDIN_NAME, stdinOf } from '../input.ts';
import { plural } from '../format/size.ts';
import type { Verb } from '../verb.ts';

export const importVerb: Verb = {
  name: 'import',
  summary: 'make a new store from what export wrote',
  details:
    'Everything is verified on the way. The store appears under its name only when it is whole; when something is wrong, ' +
    'nothing is left behind.',
  args: [{ form: '<file>', description: 'the export; - is stdin' }],
  options: [],
  examples: [
    { command: 'import story.ndjson --store ./copy', explains: 'the same log, the same trees' },
    { command: 'import - --store ./copy < story.ndjson', explains: 'from a pipe' },
  ],
  run: async (context, [file]) => {
    if (context.session !== undefined) throw usageError('a scenario cannot make another store');
    const target = resolve(context.directory);
    if (existsSync(target) && (await readdir(target)).length > 0) {
      throw usageError(`${context.directory} is there already; name a new store with --store`);
    }
    await mkdir(dirname(target), { recursive: true });
    const part = await mkdtemp(join(dirname(target), `.${basename(target)}-import-`));
    context.leftover(part, true);
    try {
      const summary = await importInto(context, file, part);
      if (existsSync(target)) await rmdir(target);
      await rename(part, target);
      context.answer({ directory: target, ...summary }, () => {
        return `${context.directory}: ${plural(summary.events, 'event')} in ${plural(summary.transactions, 'transaction')}\n`;
      });
    } catch (error) {
      await rm(part, { recursive: true, force: true });
      throw error;
    } finally {
      context.leftover(part, false);
    }
  },
};

async function importInto(context: VerbContext, file: string, directory: string) {
  const source = file === '-' ? stdinOf(context, 'an export') : createReadStream(file);
  const log = openFileLog(directory);
  try {
    const summary = await importLog(source, log, {
      file: file === '-' ? STDIN_NAME : file,
      onProgress: ({ events }) => {
        if (events % 1000 === 0) context.progress(`${file}: ${plural(events, 'event')}`);
      },
    });
    await log.sync();
    return summary;
  } finally {
    context.progress(null);
    await log.close();
  }
}
