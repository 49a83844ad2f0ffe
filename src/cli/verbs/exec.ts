import { mountRecords, type MountRecord } from '../../entry/mount.ts';
import { usageError } from '../exit-codes.ts';
import { DEFAULT_PATH, variableOf } from '../mounting/environment.ts';
import { runProgram } from '../mounting/run-program.ts';
import { listOption, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

export const execVerb: Verb = {
  name: 'exec',
  summary: 'run one more program in a container that runs, or is mounted',
  args: [
    { form: '<container>', description: 'name or id' },
    { form: '[command...]', description: 'the program and its arguments, behind --' },
  ],
  options: [
    { flags: '-w, --workdir <dir>', description: 'where it starts, in the container' },
    { flags: '-e, --env <key=value>', description: 'a variable of its environment', repeat: true },
  ],
  examples: [{ command: 'exec web -- ls /etc', explains: 'beside what overlog run has started' }],
  run: async (context, [name, ...argv], options) => {
    if (argv.length === 0) throw usageError('there is no program to run: name it behind --');
    const store = await context.store('read');
    const container = store.containers.get(name).name;
    const mount = mountRecords(context.directory).find((each) => each.at === null && each.container === container);
    if (mount === undefined) {
      throw Object.assign(
        new Error(`no program runs in container "${container}" and it is not mounted: see run and mount`),
        { exitCode: 1 },
      );
    }
    const isRoot = mount.over === null;
    const own = isRoot ? { PATH: DEFAULT_PATH, HOME: '/root', TERM: context.env['TERM'] ?? 'dumb' } : context.env;
    const variables = Object.fromEntries(listOption(options, 'env').map(variableOf));
    return runProgram(context, {
      ...viewOf(mount),
      root: mount.directory,
      argv,
      env: { ...(own as Record<string, string>), ...variables },
      workingDirectory: textOption(options, 'workdir') ?? '',
      user: '',
    });
  },
};

/** In the namespaces of the program that runs, when there is one. */
const viewOf = ({ program, over }: MountRecord) =>
  program === null ? ({ view: 'root', over: null } as const) : ({ view: 'beside', over, beside: program } as const);
