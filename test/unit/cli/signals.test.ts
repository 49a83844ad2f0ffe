import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { VerbContext } from '../../../src/cli/context.ts';
import { untilEnded } from '../../../src/cli/mounting/signals.ts';

/** A program that is not there for the first tries to signal it. */
function starting(tries: number) {
  const child = Object.assign(new EventEmitter(), { pid: 1, exitCode: null as number | null, signalCode: null });
  const context = { onSignal: null } as Pick<VerbContext, 'onSignal'> as VerbContext;
  const got: string[] = [];
  let tried = 0;
  const ended = untilEnded(context, child as unknown as ChildProcess, {
    isThere: () => tried >= tries,
    give(signal) {
      if (tried++ < tries) return false;
      got.push(signal);
      return true;
    },
  });
  const end = (code: number): void => {
    child.exitCode = code;
    child.emit('exit', code, null);
  };
  return { context, got, ended, end, tried: () => tried };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s that comes before the program is there reaches it once it is',
  async (signal) => {
    const { context, got, ended, end } = starting(3);
    context.onSignal?.(signal);
    await expect.poll(() => got).toEqual([signal]);
    end(130);
    expect(await ended).toBe(130);
    expect(context.onSignal).toBeNull();
  },
);

test('a signal for a program that ends before it is there is given up', async () => {
  const { context, got, ended, end, tried } = starting(Infinity);
  context.onSignal?.('SIGTERM');
  await expect.poll(tried).toBeGreaterThan(1);
  end(0);
  expect(await ended).toBe(0);
  const before = tried();
  await new Promise<void>((turn) => setTimeout(turn, 30));
  expect([tried(), got]).toEqual([before, []]);
});
