/** A verb whose arguments fit: what it works with, and what is said and done when it is refused. */

import type { CliResult, Store } from '../index.ts';
import { VerbContext } from './context.ts';
import { EXIT_OK, exitCodeOf, isUsageError } from './exit-codes.ts';
import { BufferOutput, type Output } from './output.ts';
import { forwardVerb, lockedHint } from './mounting/forward.ts';
import type { CommandResult as ForwardedResult } from './mounting/messages.ts';
import type { Parsed } from './program.ts';
import { removalHint } from './removed-container.ts';
import type { Input } from './stdin.ts';
import type { VerbForm } from './verb-form.ts';

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

/** What to do, and the command around it. */
export interface VerbRun extends Parsed {
  /** The form of the verb, shown where its arguments are none. */
  readonly usage: string;
  readonly verbs: readonly VerbForm[];
  /** Runs another verb: a step of a scenario. */
  readonly runCli: (run: CliRun) => Promise<number>;
}

/** @returns The exit code. */
export async function runVerb({ verb, args, options, usage, verbs, runCli }: VerbRun, run: CliRun): Promise<number> {
  const nested = (store: Store, argv: readonly string[]) => runNested(runCli, store, argv, run.env);
  const context = new VerbContext({ ...run, options, verbs, nested });
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
    if (isUsageError(error)) run.stderr.write(usage);
    await context.close().catch(() => {});
    return exitCodeOf(error);
  }
}

function relay(run: CliRun, { exitCode, stdout, stderr }: ForwardedResult): number {
  run.stdout.write(stdout);
  run.stderr.write(stderr);
  return exitCode;
}

async function runNested(
  runCli: VerbRun['runCli'],
  session: Store,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<CliResult> {
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
