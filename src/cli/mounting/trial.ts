/** `run --try`: what the program changed, and what shall become of it. */

import { createInterface } from 'node:readline/promises';
import type { VerbContext } from '../context.ts';
import type { ServedMount } from './served-mount.ts';

export type Answer = 'keep' | 'apply' | 'drop';

export interface Trial {
  /** Its id: somebody may rename it meanwhile. */
  readonly container: string;
  /** Seq before the program began. */
  readonly before: number;
  /** The directory that the container started as. */
  readonly lower: string | null;
  readonly answer: Answer | 'ask';
  /** Ends the question. */
  readonly interrupt: AbortSignal;
}

/** @returns `failed`: not all could be applied; the container keeps it. */
export async function askWhatNow(
  context: VerbContext,
  served: ServedMount,
  { container, before, lower, answer, interrupt }: Trial,
): Promise<Answer | 'failed'> {
  const changes = await served.command(['diff', '--stat', `${before}..`, container]);
  context.print(changes.stdout === '' ? 'nothing changed\n' : changes.stdout);
  const chosen = answer === 'ask' ? await ask(context, lower, interrupt) : answer;
  if (chosen !== 'apply') return chosen;
  if (lower === null) {
    context.say('overlog run: the container was not made of a directory that it could be applied to; it is kept');
    return 'failed';
  }
  const applied = await served.command(['apply', container, lower]);
  context.print(applied.stdout);
  context.stderr.write(applied.stderr);
  return applied.exitCode === 0 ? 'apply' : 'failed';
}

/** Without a terminal nobody answers, and nothing is lost by keeping; nor where the question is left with Ctrl-C or Ctrl-D. */
async function ask(context: VerbContext, lower: string | null, interrupt: AbortSignal): Promise<Answer> {
  if (!process.stdin.isTTY) {
    context.say('kept: there is nobody to ask; --try=apply and --try=drop say it before');
    return 'keep';
  }
  const question = lower === null ? 'keep or drop? [K/d] ' : `keep, apply to ${lower}, or drop? [K/a/d] `;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // A terminal that is gone closes it without an answer.
    const left = new Promise<null>((none) => {
      terminal.once('close', () => none(null));
      // Setting the modes of one that is gone back fails, too, and the interface tells the errors of its input on.
      for (const told of [process.stdin, terminal]) told.on('error', () => none(null));
    });
    const typed = terminal.question(question, { signal: interrupt }).catch(() => null);
    const text = (await Promise.race([typed, left]))?.trim().toLowerCase();
    if (text === undefined) context.say('\nkept');
    return text?.startsWith('d') ? 'drop' : text?.startsWith('a') && lower !== null ? 'apply' : 'keep';
  } finally {
    terminal.close();
  }
}
