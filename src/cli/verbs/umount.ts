import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, basename } from 'node:path';
import {
  foreignHolder,
  type MountEntry,
  type MountHolder,
  overlogMountAt,
  processIn,
  startOfProcess,
  unmount,
  type UnmountHow,
} from '../../entry/mount.ts';
import { printableName } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

/** How long it is waited for the server to have closed the store. */
const WAIT_MS = 10_000;
const POLL_MS = 5;
/** How often it is looked who else has it: a namespace that lives a moment is waited for. */
const HOLDER_MS = 500;
/** How long a busy mount is tried again. */
const BUSY_MS = 250;

export const umountVerb: Verb = {
  name: 'umount',
  summary: 'unmount what overlog mount has mounted, and wait until the store is closed',
  args: [{ form: '<dir...>', description: 'mount points' }],
  options: [
    { flags: '--lazy', description: 'out of sight at once, gone when the last program has left it' },
    { flags: '--force', description: 'now, whoever is in it: their calls fail' },
  ],
  examples: [{ command: 'umount /mnt/web', explains: 'what was written is on the disk when it returns' }],
  run: async (context, directories, options) => {
    const how = flag(options, 'force') ? 'force' : flag(options, 'lazy') ? 'lazy' : 'plain';
    const done: { directory: string }[] = [];
    for (const asked of directories) {
      const directory = realDirectory(asked);
      const mount = overlogMountAt(directory);
      if (mount === null) {
        throw Object.assign(new Error(`nothing of overlog is mounted at ${asked}`), { code: 'ENOENT' });
      }
      const failure = await unmountPatiently(directory, how);
      if (failure !== null) throw new Error(`${asked}: ${whyNot(failure, directory)}`);
      if (how !== 'lazy') await serverEnded(context, asked, mount);
      done.push({ directory });
    }
    context.answer(done, () => '');
  },
};

/** A call that is just ending, or a process that is, holds a mount for a moment. */
async function unmountPatiently(directory: string, how: UnmountHow): Promise<string | null> {
  for (let waitedMs = 0; ; waitedMs += POLL_MS) {
    const failure = unmount(directory, how);
    if (failure === null || how !== 'plain' || !failure.includes('busy') || waitedMs >= BUSY_MS) return failure;
    await new Promise<void>((turn) => setTimeout(turn, POLL_MS));
  }
}

/** A dead mount has no real path any more: that of its parent serves. */
function realDirectory(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if (!existsSync(parent)) throw error;
    return join(realpathSync(parent), basename(path));
  }
}

/** What umount(8) said, and whose doing it is. */
function whyNot(failure: string, directory: string): string {
  const said = failure.replace(/^umount: [^:]*: /, '').replace(/\.$/, '');
  if (!failure.includes('busy')) return said;
  const user = processIn(directory);
  const who = user === null ? 'programs are in it' : `process ${user.pid} (${printableName(user.name)}) is in it`;
  return `${said}: ${who}; end it, or take --lazy or --force`;
}

/** The source of a mount names the process that serves it. */
const serverOf = (source: string): number => Number(/^overlog-(\d+):/.exec(source)?.[1] ?? 0);

/** The server ends with the last copy of its mount; one in another mount namespace may stay for days. */
async function serverEnded(context: VerbContext, asked: string, mount: MountEntry): Promise<void> {
  const pid = serverOf(mount.source);
  const start = startOfProcess(pid);
  if (start === '') return;
  for (let waitedMs = 0; startOfProcess(pid) === start; waitedMs += POLL_MS) {
    const holder = waitedMs > 0 && waitedMs % HOLDER_MS === 0 ? foreignHolder(mount) : null;
    if (holder !== null || waitedMs >= WAIT_MS) return sayWhoHolds(context, asked, pid, holder);
    await new Promise<void>((turn) => setTimeout(turn, POLL_MS));
  }
}

function sayWhoHolds(context: VerbContext, asked: string, server: number, holder: MountHolder | null): void {
  const who =
    holder === null
      ? `process ${server} still closes its store, or a mount namespace without a process holds it`
      : `the mount namespace of process ${holder.pid} (${printableName(holder.name)}) holds it`;
  const how = `the store is open until that ends; kill ${server} twice ends it for all`;
  context.say(`${asked} is unmounted here, but ${who}: ${how}`);
}
