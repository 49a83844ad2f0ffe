/** `overlog exec`: one more program in a container, with its start and its end told to the process that has the store. */

import { closeSync, openSync, statfs } from 'node:fs';
import { type MountRecord, sendCommand } from '../../entry/mount.ts';
import { openStore } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_NOT_FOUND, EXIT_OK } from '../exit-codes.ts';
import type { CommandResult } from './messages.ts';
import { closeGate, openGate, type ProgramOptions, recipientOf, startProgram } from './program.ts';
import { untilEnded } from './signals.ts';

export interface ExecRequest {
  /** What the container was called by. */
  readonly asked: string;
  readonly containerId: string;
  readonly mount: MountRecord;
  readonly program: ProgramOptions;
}

/**
 * Runs it to its end. Its first step waits until its start is in the log.
 *
 * @returns Its exit code; that of the refusal where it may not start.
 */
export async function execProgram(context: VerbContext, request: ExecRequest): Promise<number> {
  const { asked, containerId, program } = request;
  const held = holdMount(request.mount);
  try {
    const child = startProgram({ ...program, isGated: true });
    const ended = untilEnded(context, child, recipientOf(child, program));
    if (child.pid === undefined) return await ended;
    const begun = await tellBegin(context, child.pid, asked, program.argv).catch(async (error: unknown) => {
      closeGate(child);
      await ended;
      throw error;
    });
    context.stderr.write(begun.stderr);
    if (begun.exitCode !== 0) {
      closeGate(child);
      await ended;
      return begun.exitCode;
    }
    openGate(child);
    const exitCode = await ended;
    await tellEnd(context, { container: containerId, exec: begun.stdout.trim(), exitCode, held });
    return exitCode;
  } finally {
    if (held !== null) closeSync(held);
  }
}

async function tellBegin(
  context: VerbContext,
  pid: number,
  container: string,
  command: readonly string[],
): Promise<CommandResult> {
  const argv = ['exec', '--begin', '--pid', String(pid), container, '--', ...command];
  return (await sendCommand(context.directory, argv)) as CommandResult;
}

/**
 * A mount that ends with the last program in it shall hear of that program's end before its container ends.
 *
 * @returns A descriptor in it; null where it is out of sight, in the namespace of a user without privilege.
 */
function holdMount({ directory, program, over }: MountRecord): number | null {
  const seen = over === null && program !== null ? `/proc/${program}/root` : directory;
  try {
    return openSync(seen, 'r');
  } catch {
    return null;
  }
}

interface ExecEnd {
  readonly container: string;
  readonly exec: string;
  readonly exitCode: number;
  readonly held: number | null;
}

/** When the server has ended meanwhile, the store is free; what ended the container has ended the program for the log, too. */
async function tellEnd(context: VerbContext, { container, exec, exitCode, held }: ExecEnd): Promise<void> {
  const knocking = setInterval(() => knock(held), KNOCK_MS);
  try {
    const argv = ['exec', '--end', exec, '--exit-code', String(exitCode), container];
    const told = (await sendCommand(context.directory, argv)) as CommandResult;
    // One that is not known any more was taken along by its container.
    if (told.exitCode === EXIT_OK || told.exitCode === EXIT_NOT_FOUND) return;
  } catch {
    // Nobody behind the socket.
  } finally {
    clearInterval(knocking);
  }
  try {
    const store = context.keep(await openStore({ directory: context.directory, create: false }));
    const found = store.containers.list().find(({ id }) => id === container);
    if (found?.record.execs.some((each) => each.exec === exec) === true) await found.endExec(exec, { exitCode });
  } catch (error) {
    context.say(`overlog exec: the end of the program is not in the log: ${(error as Error).message}`);
  }
}

const KNOCK_MS = 20;

/** The server of a mount that is out of sight looks up from the kernel only when somebody who is in it makes a call. */
function knock(held: number | null): void {
  if (held !== null) statfs(`/proc/self/fd/${held}`, () => {});
}
