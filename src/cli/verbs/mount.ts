import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import {
  inBackground,
  isInBackground,
  type MountReport,
  openServeLog,
  reportFailure,
  reportMounted,
  reportOf,
} from '../mounting/background.ts';
import { prepareMount, refuseSecondWriter, ServedMount } from '../mounting/served-mount.ts';
import { untilUnmounted, whileStarting } from '../mounting/signals.ts';
import { checkSupervision, isSupervised, serveSupervised, supervise } from '../mounting/supervisor.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const mountVerb: Verb = {
  name: 'mount',
  summary: 'mount a container as a directory, now for reading and writing, or as it was at a moment',
  details:
    'Any program can work in the directory; every change it makes is in the log, by process. Linux with /dev/fuse, as root. ' +
    'While it is mounted, other verbs that change the store are done by the process that serves it.',
  args: [
    {
      form: '<container>',
      description: 'name or id; NAME@MOMENT mounts an earlier moment, of a removed container too',
    },
    { form: '<dir>', description: 'an empty directory' },
  ],
  options: [
    { flags: '--foreground', description: 'stay, and unmount on Ctrl-C; default: serve in the background' },
    {
      flags: '--supervise',
      description: 'a server that dies is replaced by another, and programs go on (Linux 6.9 or later)',
    },
  ],
  examples: [
    { command: 'mount web /mnt/web', explains: 'work in it; every change is in the log' },
    { command: 'mount web@~1h /mnt/then', explains: 'as it was an hour ago, to read' },
    { command: 'umount /mnt/web', explains: 'take it away' },
  ],
  run: async (context, [name, directory], options) => {
    const { container, at } = parseMount(name);
    const say = (text: string): void => context.say(text);
    if (!flag(options, 'foreground')) {
      if (!context.storeExists) await context.store('read');
      prepareMount(resolve(context.directory), directory, say);
      if (at === null) refuseSecondWriter(resolve(context.directory));
      if (flag(options, 'supervise')) checkSupervision();
      const store = resolve(context.directory);
      const how = flag(options, 'supervise') ? ['--foreground', '--supervise'] : ['--foreground'];
      const argv = ['mount', ...how, '--store', store, '--', name, directory];
      const mounted = await inBackground<MountReport>(context, argv, openServeLog(store));
      context.answer(mounted, () => `${mounted.directory}\n`);
      return;
    }
    if (isSupervised(context.env)) return serveSupervised(context, { container, at }, directory);
    const report = (mounted: MountReport): void => announce(context, mounted);
    if (flag(options, 'supervise')) {
      checkSupervision();
      prepareMount(resolve(context.directory), directory, say);
      const error = await supervise(context, name, realpathSync(directory), report).catch((failure: unknown) => {
        if (isInBackground(context)) reportFailure(failure);
        throw failure;
      });
      if (error !== null) throw new Error(error);
      return;
    }
    const { started, signal } = await whileStarting(context, (cutOff) =>
      startServing(context, { container, at }, directory, cutOff),
    );
    report(reportOf(started, process.pid));
    const error = await untilUnmounted(context, started, signal);
    if (error !== null) throw new Error(error);
  },
};

/** Says that it is mounted, to whoever waits for it. */
function announce(context: VerbContext, mounted: MountReport): void {
  if (isInBackground(context)) return reportMounted(mounted);
  const moment = mounted.at === null ? '' : ` as it was after event ${mounted.at}`;
  context.say(`${mounted.container}${moment} is mounted at ${mounted.directory}; Ctrl-C unmounts it`);
}

async function startServing(
  context: VerbContext,
  what: { readonly container: string; readonly at: string | null },
  directory: string,
  cutOff: AbortSignal,
): Promise<ServedMount> {
  const say = (text: string): void => context.say(text);
  try {
    return await ServedMount.start({
      store: resolve(context.directory),
      what,
      directory,
      env: context.env,
      say,
      cutOff,
    });
  } catch (error) {
    if (isInBackground(context)) reportFailure(error);
    throw error;
  }
}

/** `NAME`, or `NAME@MOMENT`; a moment may hold an @ of its own (`@1767323045.5`). */
function parseMount(text: string): { container: string; at: string | null } {
  const at = text.indexOf('@');
  if (at < 0) return { container: text, at: null };
  const moment = text.slice(at + 1);
  if (at === 0 || moment === '')
    throw usageError(`"${text}" is not a container, nor a container at a moment: NAME@MOMENT`);
  return { container: text.slice(0, at), at: moment };
}
