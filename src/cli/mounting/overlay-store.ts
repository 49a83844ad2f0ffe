/** An overlay of plain directories whose history a store keeps: served by the thread that owns the store, as a container is. */

import { resolve } from 'node:path';
import {
  checkDirectories,
  checkStorePlace,
  imageOfLowers,
  type OverlayOptions,
  takeInOverlay,
} from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { loadProgressText } from '../format/progress.ts';
import { prepareMount, refuseSecondWriter, ServedMount } from './served-mount.ts';

/**
 * Reads the lowers into the store, which takes as long as reading all their data; where they are in it already, as long as listing
 * them. Done before anything is served, where somebody can see how far it is.
 *
 * @throws What keeps it from being mounted.
 */
export async function loadLowers(
  context: VerbContext,
  store: string,
  options: OverlayOptions,
  directory: string,
): Promise<void> {
  const say = (text: string): void => context.say(text);
  prepareMount(store, directory, say);
  refuseSecondWriter(store);
  const directories = checkDirectories(options);
  const { lowers } = directories;
  checkStorePlace(store, directories);
  const other = context.at(store);
  try {
    const opened = await other.store('create');
    let isTold = false;
    await imageOfLowers(opened, lowers, {
      onProgress: (progress) => {
        if (!isTold) context.say('the lower directories are read into the store, which is done once');
        isTold = true;
        context.progress(loadProgressText(lowers[progress.layer - 1] ?? '', progress));
      },
      warn: (text) => {
        context.progress(null);
        context.say(`warning: ${text}`);
      },
    });
    context.progress(null);
  } finally {
    await other.close();
  }
}

interface HistoryMount {
  readonly store: string;
  readonly options: OverlayOptions;
  readonly directory: string;
  readonly cutOff: AbortSignal;
}

/** For reading only it is the container at the moment at which it is mounted, and the store is free for others. */
export async function serveWithHistory(
  context: VerbContext,
  { store, options, directory, cutOff }: HistoryMount,
): Promise<ServedMount> {
  const overlay = { overlay: options, directory };
  const what = options.readOnly ? await takenIn(context, store, overlay) : overlay;
  return ServedMount.start({
    store: resolve(store),
    what,
    directory,
    env: context.env,
    say: (text) => context.say(text),
    generic: options.generic,
    cutOff,
  });
}

async function takenIn(
  context: VerbContext,
  store: string,
  overlay: { readonly overlay: OverlayOptions; readonly directory: string },
): Promise<{ readonly container: string; readonly at: string }> {
  const other = context.at(store);
  try {
    const opened = await other.store('create');
    const warn = (text: string): void => context.say(`warning: ${text}`);
    const { name } = await takeInOverlay(opened, { ...overlay, warn });
    return { container: name, at: String(opened.seq) };
  } finally {
    await other.close();
  }
}
