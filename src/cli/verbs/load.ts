import { existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { stackParts, type Store } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { loadProgressText } from '../format/progress.ts';
import { usageError } from '../exit-codes.ts';
import { STDIN_NAME, withStdinFile } from '../input.ts';
import { type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const loadVerb: Verb = {
  name: 'load',
  summary: 'load images from an archive or a directory',
  details:
    'Reads OCI layouts (a directory or a tar), docker save archives, the tar of a root file system, and directories; ' +
    'plain, gzip or zstd. The content tells which it is. All digests are verified; a damaged source loads nothing. ' +
    'LOWER:LOWER:UPPER puts overlay upperdirs, directories or tars, on top of each other or of an image, lowest first.',
  args: [{ form: '[file...]', description: 'archives or directories; default: stdin, which is - too' }],
  options: [
    { flags: '-i, --input <file>', description: 'an archive, as docker load takes it' },
    { flags: '-t, --tag <name>', description: 'name of the image, instead of the one in the archive' },
    { flags: '--platform <os/arch>', description: 'which one of an image for several (default: linux/amd64)' },
    {
      flags: '--compat <rules>',
      description: 'oci (default), or docker: what Docker 20.10 shows where importers differ',
    },
    { flags: '--overlay', description: 'a tar or directory has whiteouts as overlayfs writes them' },
  ],
  examples: [
    { command: 'load app.oci.tar', explains: 'what docker save, podman save or skopeo wrote' },
    { command: 'load < app.tar', explains: 'from a pipe or a redirection' },
    { command: 'load --tag base:1 ./rootfs', explains: 'a directory as an image of one layer' },
    { command: 'load --tag app:2 app.tar:./upper', explains: 'an image with an upperdir on top' },
  ],
  run: async (context, files, options) => {
    compatOf(options);
    const input = textOption(options, 'input');
    const named = [...(input === undefined ? [] : [input]), ...files];
    const asked = named.length === 0 ? ['-'] : named;
    if (!asked.includes('-')) return loadFiles(context, asked, options);
    return withStdinFile(context, 'an archive', (stdin) => loadFiles(context, asked, options, stdin));
  },
};

/** @param stdin - Where what `-` stands for lies meanwhile. */
async function loadFiles(
  context: VerbContext,
  files: readonly string[],
  options: Options,
  stdin?: string,
): Promise<void> {
  const sources = files.map((file) =>
    file === '-' && stdin !== undefined ? { file: STDIN_NAME, path: stdin } : { file, path: file },
  );
  // A name that is not there makes no store.
  for (const { path } of sources) for (const part of (await stackParts(path)) ?? [path]) await access(part);
  const isNewStore = context.session === undefined && !context.storeExists;
  const isNewDirectory = !existsSync(context.directory);
  const store = await context.store('create');
  const loaded: LoadedFrom[] = [];
  try {
    for (const source of sources) loaded.push(...(await loadFile(context, store, source, options)));
  } catch (error) {
    if (isNewStore && loaded.length === 0) await context.discard(isNewDirectory);
    throw error;
  }
  context.answer(loaded, () =>
    loaded
      .map(({ id, tags, known }) => `${known ? 'Already loaded' : 'Loaded'} image: ${tags.join(', ') || id}\n`)
      .join(''),
  );
}

function compatOf(options: Options): 'oci' | 'docker' {
  const asked = textOption(options, 'compat') ?? 'oci';
  if (asked !== 'oci' && asked !== 'docker') throw usageError(`--compat is oci or docker, not "${asked}"`);
  return asked;
}

interface LoadedFrom {
  readonly file: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly known: boolean;
}

interface Source {
  /** As messages call it. */
  readonly file: string;
  readonly path: string;
}

async function loadFile(
  context: VerbContext,
  store: Store,
  { file, path }: Source,
  options: Options,
): Promise<LoadedFrom[]> {
  const tag = textOption(options, 'tag');
  const platform = textOption(options, 'platform');
  const images = await store.images.load(path, {
    ...(tag !== undefined && { tag }),
    ...(platform !== undefined && { platform }),
    compat: compatOf(options),
    ...(options['overlay'] === true && { dialect: 'overlay' as const }),
    onProgress: (progress) => context.progress(loadProgressText(file, progress)),
    onWarning: ({ entry, message }) => {
      context.progress(null);
      context.say(`warning: ${entry === null ? '' : `"${entry}": `}${message}`);
    },
  });
  context.progress(null);
  return images.map(({ id, tags, wasKnown }) => ({ file, id, tags, known: wasKnown }));
}
