import { existsSync, mkdtempSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { foreignHolder, overlogMountAt } from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { DEFAULT_PATH, variableOf } from '../mounting/environment.ts';
import { inOwnNamespace, needsNamespace, programEnvironment } from '../mounting/own-namespace.ts';
import { exitCodeOfProgram, type ProgramOptions } from '../mounting/program.ts';
import { runProgram } from '../mounting/run-program.ts';
import type { RunSpec } from '../mounting/run-spec.ts';
import { ServedMount } from '../mounting/served-mount.ts';
import { whileStarting } from '../mounting/signals.ts';
import { type Answer, askWhatNow } from '../mounting/trial.ts';
import { flag, listOption, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const runVerb: Verb = {
  name: 'run',
  summary: 'run a program in a container: every change it makes is in the log, by process, and can be undone',
  details:
    'With --image the container is its root directory, in mount, pid and ipc namespaces of its own. With --lower DIR it lies over ' +
    'DIR, for the program alone: DIR stays as it is. A container that is there already is gone on with. Start and end are in ' +
    'the log. Linux with /dev/fuse; who is not root gets a user namespace.',
  args: [{ form: '[command...]', description: 'the program and its arguments, behind --; default: that of the image' }],
  options: [
    { flags: '--image <image>', description: 'make the container of an image' },
    { flags: '--lower <dir>', description: 'make it of a directory, which stays as it is' },
    { flags: '--name <name>', description: 'its name; one that is there is taken' },
    { flags: '-v, --volume <mount>', description: 'VOLUME:PATH[:ro,nocopy], /HOST:PATH[:ro] or PATH', repeat: true },
    {
      flags: '-w, --workdir <dir>',
      description: 'where the program starts, in the container; made where it is missing',
    },
    { flags: '-e, --env <key=value>', description: 'a variable of its environment', repeat: true },
    { flags: '--chroot', description: 'the container is its root directory, with --lower too' },
    { flags: '--rm', description: 'remove the container afterwards; earlier moments keep it' },
    {
      flags: '--try [answer]',
      description: 'show what it changed, then keep, apply (to the directory) or drop it; default: ask',
    },
  ],
  examples: [
    {
      command: 'run --lower . --try -- npm install left-pad',
      explains: 'see what it does before it is done to this directory',
    },
    { command: 'run --image app:1 --name web -- sh', explains: 'a shell in a container of an image' },
    { command: 'run --name web -- sh', explains: 'once more in the same container' },
  ],
  run: async (context, command, options) => {
    if (needsNamespace(context)) return inOwnNamespace(context);
    const spec = specOf(context, command, options);
    const trial = trialOf(options);
    const root = mkdtempSync(join(tmpdir(), 'overlog-run-'));
    try {
      const { started, signal } = await whileStarting(context, (cutOff) =>
        ServedMount.start({
          store: resolve(context.directory),
          what: { run: spec },
          directory: root,
          env: context.env,
          say: (text) => context.say(text),
          cutOff,
        }),
      );
      return await runIn(context, started, { spec, options, trial, signal });
    } finally {
      rmdirSync(root);
    }
  },
};

function specOf(context: VerbContext, command: readonly string[], options: Options): RunSpec {
  const [image, lower, name] = ['image', 'lower', 'name'].map((option) => textOption(options, option) ?? null);
  if (image !== null && lower !== null) throw usageError('it takes --image or --lower, not both');
  if (lower !== null && !isDirectory(lower)) throw usageError(`--lower ${lower} is not there, or is not a directory`);
  const directory = lower === null ? null : realpathSync(lower);
  const store = resolve(context.directory);
  if (directory !== null && (store === directory || store.startsWith(directory === '/' ? '/' : `${directory}/`))) {
    throw usageError(
      `the store ${store} lies in ${directory} and would be a part of it: name one elsewhere with --store`,
    );
  }
  const workingDirectory = textOption(options, 'workdir') ?? null;
  return { image, lower: directory, name, volumes: listOption(options, 'volume'), command, workingDirectory };
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

function trialOf(options: Options): Answer | 'ask' | null {
  const value = options['try'];
  if (value === undefined) return null;
  if (value === true) return 'ask';
  if (value !== 'keep' && value !== 'apply' && value !== 'drop') throw usageError('--try is one of: keep, apply, drop');
  return value;
}

interface Run {
  readonly spec: RunSpec;
  readonly options: Options;
  readonly trial: Answer | 'ask' | null;
  /** What came before there was a program to give it to. */
  readonly signal: NodeJS.Signals | null;
}

async function runIn(context: VerbContext, served: ServedMount, run: Run): Promise<number> {
  const { container, id, defaults } = served.opened;
  const { spec, options, trial } = run;
  const lower = spec.lower ?? defaults?.lower ?? null;
  // Between the program and the end of the mount there is nobody else for them.
  const interrupt = new AbortController();
  context.onSignal = (signal) => interrupt.abort(exitCodeOfProgram(null, signal));
  if (run.signal !== null) context.onSignal(run.signal);
  let exitCode = 1;
  let afterwards: 'keep' | 'drop' | 'remove' = flag(options, 'rm') ? 'remove' : 'keep';
  try {
    if (interrupt.signal.aborted) {
      if (defaults?.isNew === true) afterwards = 'remove';
      return (exitCode = Number(interrupt.signal.reason));
    }
    const over = flag(options, 'chroot') ? null : lower;
    exitCode = await runProgram(context, programOf(context, served, spec, over, options), (pid) =>
      served.programStarted(pid, over),
    );
    if (trial !== null) {
      const before = defaults?.before ?? 0;
      const about = { container: id, before, lower, answer: trial, interrupt: interrupt.signal };
      const answer = await askWhatNow(context, served, about);
      if (answer === 'drop') afterwards = 'drop';
      if (answer === 'failed') exitCode ||= 1;
      if (interrupt.signal.aborted) exitCode = Number(interrupt.signal.reason);
    }
  } finally {
    served.endRun({ exitCode, afterwards });
    context.onSignal = () => served.abort();
    const error = await untilLeft(context, served, container);
    context.onSignal = null;
    if (error !== null) context.say(`overlog run: ${error}`);
  }
  return exitCode;
}

/** How long what has just ended may take to let go of the mount. */
const LEAVING_MS = 500;

/**
 * Unmounts. Programs that go on hold the mount; those with a mount namespace of their own do so without umount(8) saying it.
 *
 * @returns null, or what went wrong.
 */
async function untilLeft(context: VerbContext, served: ServedMount, container: string): Promise<string | null> {
  const mount = overlogMountAt(served.directory);
  const sayWho = (): void =>
    context.say(`programs that it has started are still in ${container}: it ends with the last of them`);
  const isBusy = served.unmount() !== null;
  if (isBusy) {
    sayWho();
    served.unmount('lazy');
  }
  const look = setTimeout(() => {
    if (!isBusy && mount !== null && foreignHolder(mount) !== null) sayWho();
  }, LEAVING_MS);
  try {
    return await served.ended;
  } finally {
    clearTimeout(look);
  }
}

/** @param over - The directory that it sees the container at; null: as its root directory. */
function programOf(
  context: VerbContext,
  served: ServedMount,
  spec: RunSpec,
  over: string | null,
  options: Options,
): ProgramOptions {
  const defaults = served.opened.defaults ?? { command: [], environment: [], workingDirectory: '', user: '' };
  const argv = defaults.command;
  if (argv.length === 0) throw usageError('there is no program to run: name it behind --');
  if (over !== null && !existsSync(over)) {
    throw usageError(`${over}, which the container was made of, is not there: with --chroot it runs without`);
  }
  const isRoot = over === null;
  const own = isRoot
    ? { PATH: DEFAULT_PATH, HOME: '/root', TERM: context.env['TERM'] ?? 'dumb' }
    : programEnvironment(context.env);
  const variables = [...(isRoot ? defaults.environment : []), ...listOption(options, 'env')].map(variableOf);
  return {
    root: served.directory,
    argv,
    env: { ...(own as Record<string, string>), ...Object.fromEntries(variables) },
    workingDirectory: spec.workingDirectory ?? (isRoot ? defaults.workingDirectory : ''),
    view: isRoot ? 'root' : 'over',
    over,
    user: defaults.user,
  };
}
