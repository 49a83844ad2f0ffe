/** One run of the command: parse, do, and say how it ended. */

import { type Command, CommanderError } from 'commander';
import { EXIT_OK, EXIT_USAGE } from './exit-codes.ts';
import { makeProgram, type Parsed, usageText } from './program.ts';
import type { CliRun } from './run-verb.ts';
import { VERBS } from './verbs.ts';
import { VERSION } from './version.ts';

/** Loads all that it takes to run these verbs, so that nothing is read from the disk for them afterwards. */
export async function loadVerbs(names: ReadonlySet<string>): Promise<void> {
  const verbs = VERBS.filter(({ name }) => names.has(name));
  await Promise.all([import('./run-verb.ts'), ...verbs.map((verb) => verb.load?.())]);
}

/** @returns The exit code. */
export async function runCli(run: CliRun): Promise<number> {
  let parsed: Parsed | null = null;
  const output = { out: (text: string) => run.stdout.write(text), error: (text: string) => run.stderr.write(text) };
  const program = makeProgram(VERBS, VERSION, output, (found) => {
    parsed = found;
  });
  const [first, second] = run.argv;
  if (
    first === 'help' &&
    second !== undefined &&
    second !== 'help' &&
    !program.commands.some((each) => isNamed(each, second))
  ) {
    run.stderr.write(`overlog help: there is no verb '${second}'; overlog help lists the verbs\n`);
    return EXIT_USAGE;
  }
  try {
    program.parse(['node', 'overlog', ...run.argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isAnswer = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    if (isAnswer || (error.code === 'commander.help' && run.argv[0] === 'help')) return EXIT_OK;
    if (error.code === 'commander.unknownCommand')
      run.stderr.write('usage: overlog <verb> …; overlog help lists the verbs\n');
    return EXIT_USAGE;
  }
  if (parsed === null) return EXIT_USAGE;
  const { verb, args, options } = parsed as Parsed;
  // Help and refused arguments answer without the store and all that comes with it.
  const { runVerb } = await import('./run-verb.ts');
  const command = program.commands.find((each) => each.name() === verb.name);
  const usage = command === undefined ? '' : usageText(command);
  return runVerb({ verb, args, options, usage, verbs: VERBS, runCli }, run);
}

const isNamed = (command: Command, name: string): boolean =>
  name.startsWith('-') || command.name() === name || command.aliases().includes(name);
