/** One run of the command: parse, do, and say how it ended. */

import { type Command, CommanderError } from 'commander';
import type { CliResult, Store } from '../index.ts';
import { VerbContext } from './context.ts';
import { EXIT_OK, EXIT_USAGE, exitCodeOf, isUsageError } from './exit-codes.ts';
import { BufferOutput, type Output } from './output.ts';
import { forwardVerb, lockedHint } from './mounting/forward.ts';
import type { CommandResult as ForwardedResult } from './mounting/messages.ts';
import { makeProgram, type Parsed, usageText } from './program.ts';
import type { Input } from './stdin.ts';
import { removalHint } from './removed-container.ts';
import { VERBS } from './verbs.ts';
import { VERSION } from './version.ts';

export interface CliRun {
  /** Without node and the script. */
  readonly argv: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin?: Input;
  readonly env: NodeJS.ProcessEnv;
  /** An open store to work on, instead of the one that the arguments name. */
  readonly session?: Store;
  /** Told of the context before the verb runs: an interrupt has to close what it opened. */
  readonly onContext?: (context: VerbContext) => void;
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
  const context = new VerbContext({ ...run, options, nested: (store, nested) => runNested(store, nested, run.env) });
  run.onContext?.(context);
  try {
    const code = await verb.run(context, args, options);
    await context.close();
    await run.stdout.drained();
    return code ?? EXIT_OK;
  } catch (refusal) {
    context.progress(null);
    let error: unknown = refusal;
    try {
      const answer = await forwardVerb(refusal, verb.name, run.argv, context.directory);
      if (answer !== null) return relay(run, answer);
    } catch (failure) {
      error = failure;
    }
    const hint = removalHint(error, context.openedStore, verb) || lockedHint(error, context.directory);
    run.stderr.write(errorText(error, verb.name, run.env, hint));
    const command = program.commands.find((each) => each.name() === verb.name);
    if (isUsageError(error) && command !== undefined) run.stderr.write(usageText(command));
    await context.close().catch(() => {});
    return exitCodeOf(error);
  }
}

function relay(run: CliRun, { exitCode, stdout, stderr }: ForwardedResult): number {
  run.stdout.write(stdout);
  run.stderr.write(stderr);
  return exitCode;
}

const isNamed = (command: Command, name: string): boolean =>
  name.startsWith('-') || command.name() === name || command.aliases().includes(name);

async function runNested(session: Store, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  const stdout = new BufferOutput();
  const stderr = new BufferOutput();
  const exitCode = await runCli({ argv, stdout, stderr, env: { ...env, NO_COLOR: '1' }, session });
  return { stdout: stdout.bytes(), stderr: stderr.bytes().toString(), exitCode };
}

/** One sentence; with OVERLOG_DEBUG the whole story. */
function errorText(error: unknown, verb: string, env: NodeJS.ProcessEnv, hint: string): string {
  const isDebug = (env['OVERLOG_DEBUG'] ?? '') !== '';
  if (isDebug && error instanceof Error) return `overlog ${verb}: ${error.stack ?? error.message}\n`;
  const message = error instanceof Error ? error.message : String(error);
  return `overlog ${verb}: ${message.replaceAll('\n', ' ')}${hint}\n`;
}
