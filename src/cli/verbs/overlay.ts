import { mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { checkDirectories, checkMountPoint, type OverlayOptions, parseOverlayOptions } from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { inBackground, isInBackground, reportFailure, reportMounted } from '../mounting/background.ts';
import { ServedOverlay } from '../mounting/served-overlay.ts';
import { untilUnmounted } from '../mounting/signals.ts';
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
    'UPPER.work. Linux with /dev/fuse, as root or in a user namespace.',
  args: [
    {
      form: '<place...>',
      description: 'LOWER[:LOWER…], topmost first, UPPER, and DIR; or DIR alone, with -o lowerdir=…',
    },
  ],
  options: [
    {
      flags: '-o, --option <list>',
      description: 'lowerdir=, upperdir=, workdir=, redirect_dir=, metacopy=, userxattr, volatile, ro, noatime, …',
      repeat: true,
    },
    { flags: '--source <text>', description: 'what the mount table shows as source; default: overlay' },
    { flags: '--foreground', description: 'stay, and unmount on Ctrl-C; default: serve in the background' },
  ],
  examples: [
    { command: 'overlay /srv/base /srv/changes /mnt', explains: 'work on a copy of /srv/base that costs nothing' },
    {
      command: 'overlay -o lowerdir=/a:/b,upperdir=/u,workdir=/w,redirect_dir=on /mnt',
      explains: 'the same with the options of mount(8)',
    },
    { command: 'umount /mnt', explains: 'take it away; the kernel can mount the directories now' },
  ],
  run: async (context, places, options) => {
    const directory = places.at(-1) as string;
    const overlay = parseOverlayOptions([...placesAsOptions(places), ...listOption(options, 'option')]);
    if (overlay.work !== null && places.length === 3) mkdirSync(overlay.work, { recursive: true });
    checkDirectories(overlay);
    checkMountPoint(directory);
    const source = textOption(options, 'source') ?? 'overlay';
    if (flag(options, 'foreground')) return serve(context, overlay, source, directory);
    const argv = ['overlay', '--foreground', '--source', source, ...lists(options), '--', ...places];
    const mounted = await inBackground<OverlayReport>(context, argv, openSync('/dev/null', 'w'));
    context.answer(mounted, () => '');
  },
};

async function serve(context: VerbContext, options: OverlayOptions, source: string, directory: string): Promise<void> {
  let served: ServedOverlay;
  try {
    served = await ServedOverlay.start({ options, source, directory });
  } catch (error) {
    if (isInBackground(context)) reportFailure(error);
    throw error;
  }
  const report: OverlayReport = { pid: process.pid, directory: served.directory, readOnly: options.readOnly };
  if (isInBackground(context)) reportMounted(report);
  else context.say(`${source} is mounted at ${served.directory}; Ctrl-C unmounts it`);
  const error = await untilUnmounted(context, served);
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

const escape = (path: string): string => path.replaceAll(/[,\\]/g, '\\$&');
