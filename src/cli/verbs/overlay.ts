import { mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkDirectories, checkMountPoint, type OverlayOptions, parseOverlayOptions } from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import {
  inBackground,
  isInBackground,
  openServeLog,
  reportFailure,
  reportMounted,
  reportOf,
} from '../mounting/background.ts';
import { loadLowers, serveWithHistory } from '../mounting/overlay-store.ts';
import type { ServedMount } from '../mounting/served-mount.ts';
import { ServedOverlay } from '../mounting/served-overlay.ts';
import { untilUnmounted, whileStarting } from '../mounting/signals.ts';
import { flag, listOption, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

interface OverlayReport {
  readonly pid: number;
  readonly directory: string;
  readonly readOnly: boolean;
}

export const overlayVerb: Verb = {
  name: 'overlay',
  summary: 'mount plain directories over one another, as the kernel and fuse-overlayfs do',
  details:
    'What is changed goes to the upper directory, in the format of the kernel: it can mount the same directories afterwards. Options ' +
    'are those of mount(8) for an overlay; without -o lowerdir= they are given as LOWERS UPPER DIR, and the work directory is ' +
    'UPPER.work. With --store, or -o store=DIR, every change is also in the log of that store, as a container of the name of DIR or ' +
    '--name; with ro it shows that container as it is then. Linux with /dev/fuse, as root or in a user namespace.',
  args: [
    {
      form: '<place...>',
      description: 'LOWER[:LOWER…], topmost first, UPPER, and DIR; or DIR alone, with -o lowerdir=…',
    },
  ],
  options: [
    {
      flags: '-o, --option <list>',
      description:
        'lowerdir=, upperdir=, workdir=, redirect_dir=, index=, metacopy=, userxattr, volatile, store=, name=, ro, noatime, …',
      repeat: true,
    },
    { flags: '--source <text>', description: 'what the mount table shows as source; default: overlay' },
    {
      flags: '--name <name>',
      description: 'of the container whose history the store keeps; default: as DIR is called',
    },
    { flags: '--foreground', description: 'stay, and unmount on Ctrl-C; default: serve in the background' },
  ],
  examples: [
    { command: 'overlay /srv/base /srv/changes /mnt', explains: 'work on a copy of /srv/base that costs nothing' },
    {
      command: 'overlay -o lowerdir=/a:/b,upperdir=/u,workdir=/w,redirect_dir=on /mnt',
      explains: 'the same with the options of mount(8)',
    },
    {
      command: 'overlay --store ~/history --name work /srv/base /srv/changes /mnt',
      explains:
        'the same, and every change is in the log: overlog log --container work, diff, blame, undelete, mount work@~1h',
    },
    { command: 'umount /mnt', explains: 'take it away; the kernel can mount the directories now' },
  ],
  run: async (context, places, options) => {
    const directory = places.at(-1) as string;
    const overlay = parseOverlayOptions([
      ...placesAsOptions(places),
      ...listOption(options, 'option'),
      ...historyOptions(textOption(context.options, 'store'), textOption(options, 'name')),
    ]);
    if (overlay.work !== null && places.length === 3) mkdirSync(overlay.work, { recursive: true });
    checkDirectories(overlay);
    // With a store, what a killed server has left there is taken away first.
    if (overlay.store === null) checkMountPoint(directory);
    const source = textOption(options, 'source') ?? 'overlay';
    const store = overlay.store === null ? null : resolve(overlay.store);
    if (store !== null && !isInBackground(context)) await loadLowers(context, store, overlay, directory);
    if (flag(options, 'foreground')) return serve(context, overlay, source, directory);
    const history = historyOptions(store, overlay.name ?? undefined).flatMap((option) => ['-o', option]);
    const argv = ['overlay', '--foreground', '--source', source, ...lists(options), ...history, '--', ...places];
    const log = store === null ? openSync('/dev/null', 'w') : openServeLog(store);
    const mounted = await inBackground<OverlayReport>(context, argv, log);
    context.answer(mounted, () => '');
  },
};

async function serve(context: VerbContext, options: OverlayOptions, source: string, directory: string): Promise<void> {
  const { store } = options;
  let served: ServedOverlay | ServedMount;
  let signal: NodeJS.Signals | null = null;
  try {
    if (store === null) served = await ServedOverlay.start({ options, source, directory });
    else {
      const start = (cutOff: AbortSignal) => serveWithHistory(context, { store, options, directory, cutOff });
      ({ started: served, signal } = await whileStarting(context, start));
    }
  } catch (error) {
    if (isInBackground(context)) reportFailure(error);
    throw error;
  }
  const report: OverlayReport =
    'opened' in served
      ? reportOf(served, process.pid)
      : { pid: process.pid, directory: served.directory, readOnly: options.readOnly };
  if (isInBackground(context)) reportMounted(report);
  else context.say(`${source} is mounted at ${served.directory}; Ctrl-C unmounts it`);
  const error = await untilUnmounted(context, served, signal);
  if (error !== null) throw new Error(error);
}

const lists = (options: Options): string[] => listOption(options, 'option').flatMap((list) => ['-o', list]);

/** LOWERS UPPER DIR as the options that they stand for. */
function placesAsOptions(places: readonly string[]): string[] {
  if (places.length === 1) return [];
  if (places.length !== 3) throw usageError('it takes LOWERS UPPER DIR, or -o lowerdir=… and DIR');
  const [lowers, upper] = places;
  const work = resolve(dirname(upper), `${resolve(upper)}.work`);
  return [`lowerdir=${lowers.replaceAll(',', '\\,')},upperdir=${escape(upper)},workdir=${escape(work)}`];
}

/** Where the history is kept, as options of the mount. */
const historyOptions = (store: string | null | undefined, name: string | undefined): string[] => [
  ...(store == null ? [] : [`store=${escape(store)}`]),
  ...(name === undefined ? [] : [`name=${escape(name)}`]),
];

const escape = (path: string): string => path.replaceAll(/[,\\]/g, '\\$&');
