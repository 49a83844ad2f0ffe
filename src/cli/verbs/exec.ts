import { mountRecords, type MountRecord } from '../../entry/mount.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { DEFAULT_PATH, variableOf } from '../mounting/environment.ts';
import { execProgram } from '../mounting/exec-program.ts';
import { flag, listOption, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const execVerb: Verb = {
  name: 'exec',
  summary: 'run one more program in a container that runs, or is mounted and started',
  details:
    'Its start and its end are in the log, as docker events tells them, and what each of its processes writes has a group of its own, ' +
    'exec-SEQ:PID. With --begin and --end the log hears of a program that somebody else runs.',
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '[command...]', description: 'the program and its arguments, behind --' },
  ],
  options: [
    { flags: '-w, --workdir <dir>', description: 'where it starts, in the container' },
    { flags: '-e, --env <key=value>', description: 'a variable of its environment', repeat: true },
    {
      flags: '--begin',
      description: 'run nothing: tell the log that it was started, and print the id of this run of it',
    },
    { flags: '--pid <pid>', description: 'with --begin: its process, whose writes are grouped by it' },
    { flags: '--end <id>', description: 'run nothing: tell the log that this one has ended' },
    { flags: '--exit-code <code>', description: 'with --end: what it ended with (default: 0)' },
  ],
  examples: [
    { command: 'exec web -- ls /etc', explains: 'beside what overlog run has started' },
    { command: 'exec --begin web -- ls /etc', explains: 'as if it had been started' },
  ],
  run: async (context, [name, ...argv], options) => {
    const end = textOption(options, 'end');
    if (end !== undefined) return tellEnd(context, name, argv, options, end);
    if (argv.length === 0) throw usageError('there is no program to run: name it behind --');
    if (flag(options, 'begin')) return tellBegin(context, name, argv, textOption(options, 'pid'));
    const store = await context.store('read');
    const container = store.containers.get(name);
    container.checkExec(name);
    const mount = mountRecords(context.directory).find((each) => each.at === null && each.container === container.name);
    if (mount === undefined) {
      throw Object.assign(
        new Error(`no program runs in container "${container.name}" and it is not mounted: see run and mount`),
        { exitCode: 1 },
      );
    }
    const isRoot = mount.over === null;
    const own = isRoot ? { PATH: DEFAULT_PATH, HOME: '/root', TERM: context.env['TERM'] ?? 'dumb' } : context.env;
    const variables = Object.fromEntries(listOption(options, 'env').map(variableOf));
    return execProgram(context, {
      asked: name,
      containerId: container.id,
      mount,
      program: {
        ...viewOf(mount),
        root: mount.directory,
        argv,
        env: { ...(own as Record<string, string>), ...variables },
        workingDirectory: textOption(options, 'workdir') ?? '',
        user: '',
      },
    });
  },
};

async function tellBegin(
  context: VerbContext,
  name: string,
  command: readonly string[],
  pid: string | undefined,
): Promise<void> {
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid))
    throw usageError(`--pid is the number of a process, not "${pid}"`);
  const store = await context.store('write');
  const container = store.containers.get(name);
  const begin = (): Promise<string> => container.beginExec(command, { asked: name });
  const id = await (pid === undefined ? begin() : store.group(`exec-${store.seq + 1}:${pid}`, begin));
  context.answer({ id }, () => `${id}\n`);
}

async function tellEnd(
  context: VerbContext,
  name: string,
  argv: readonly string[],
  options: Options,
  id: string,
): Promise<void> {
  const code = textOption(options, 'exitCode') ?? '0';
  if (!/^\d{1,3}$/.test(code)) throw usageError(`--exit-code is a number from 0 to 255, not "${code}"`);
  if (argv.length > 0) throw usageError('--end takes a container alone');
  const store = await context.store('write');
  await store.containers.get(name).endExec(id, { exitCode: Number(code) });
  context.answer({ id }, () => '');
}

/** In the namespaces of the program that runs, when there is one. */
const viewOf = ({ program, over }: MountRecord) =>
  program === null ? ({ view: 'root', over: null } as const) : ({ view: 'beside', over, beside: program } as const);
