/** `cp` with a tar on one side: `cp NAME:/path -` and `cp - NAME:/dir`, as `docker cp` has them. */

import { COPY_FROM_HOST, extractTar, pathTar, SpooledTar, type Store } from '../index.ts';
import type { VerbContext } from './context.ts';
import type { CopyOptions } from './copy-rules.ts';
import { usageError } from './exit-codes.ts';
import { STDIN_NAME, stdinOf } from './input.ts';
import { openPlace, type Place } from './place.ts';

/** Writes the tar of a path to stdout. */
export async function streamOut(context: VerbContext, from: string, { followLink }: CopyOptions): Promise<void> {
  if (context.stdout.isTerminal) throw usageError('a tar is not for a terminal: redirect it');
  if (context.isJson) throw usageError('--json and a tar on stdout do not go together');
  const { view } = await context.view();
  const { fs, path } = openPlace(view, from);
  const onLeftOut = (left: string): void => context.say(`left out: ${left}`);
  for (const piece of pathTar(fs, path, { followLink, onLeftOut })) {
    context.stdout.write(piece);
    await context.stdout.drained();
  }
}

/** Puts the tar on stdin into a directory of a container, as one transaction. */
export async function streamIn(context: VerbContext, store: Store, place: Place): Promise<number> {
  const tar = await SpooledTar.from(stdinOf(context, 'a tar'), { file: STDIN_NAME });
  try {
    const { fs, name, path } = place;
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw Object.assign(new Error(`destination "${name}:${path}" must be a directory`), { exitCode: 1 });
    }
    const directory = fs.realpathSync(path);
    return store.engine.transact(['cp', STDIN_NAME, place.path, COPY_FROM_HOST], () => extractTar(fs, directory, tar));
  } finally {
    await tar.close();
  }
}
