/**
 * Fuzzing: random sequences against the kernel, the model or the laws, until one differs, the runs are done or the time is up.
 *
 * A seed repeats a run bit for bit: sequences are made one after the other from it, and nothing in a sequence depends on the
 * clock or on the machine. Time limits end between sequences only.
 */

import fc from 'fast-check';
import type { OverlayProfile } from '../../events/event.ts';
import { FuzzCounts, type FuzzSummary } from './fuzz-counts.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { kernelTarget } from './kernel-target.ts';
import { modelTarget } from './model-target.ts';
import { selfTarget } from './self-target.ts';

export type FuzzAgainst = 'kernel' | 'model' | 'self';

export interface FuzzOptions {
  readonly against: FuzzAgainst;
  /** Of the containers; the model knows `docker` alone. Default: all options off. */
  readonly profile?: OverlayProfile;
  /** Sequences at most. Default: no end, then `seconds` has to be given. */
  readonly runs?: number;
  readonly seconds?: number;
  /** Default: another one each time. */
  readonly seed?: number;
  /** Told after each sequence. */
  readonly onSequence?: (summary: FuzzSummary) => void;
  /** Ends the run after the sequence that is on. */
  readonly signal?: AbortSignal;
}

/** A sequence that differs, as short as shrinking made it. */
export interface Counterexample {
  /** What differs, in words. */
  readonly what: string;
  /** Operations in it. */
  readonly operations: number;
  /** A scenario that plays it; where the laws see the difference, its last step fails. */
  readonly scenario: string;
  /** With the seed, leads there at once (fast-check's path); of the kernel's to the sequence before it was made smaller. */
  readonly path: string;
}

export interface FuzzResult {
  readonly against: FuzzAgainst;
  readonly seed: number;
  readonly isInterrupted: boolean;
  readonly summary: FuzzSummary;
  readonly counterexample: Counterexample | null;
}

/** @throws `ERR_UNSUPPORTED` that says what is missing, where the kernel cannot be asked. */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const target = targetOf(options);
  try {
    return await run(target, options);
  } finally {
    await target.close();
  }
}

function targetOf({ against, profile = DOCKER }: FuzzOptions): FuzzTarget<unknown> {
  switch (against) {
    case 'kernel':
      return kernelTarget(profile);
    case 'model':
      return modelTarget(profile);
    case 'self':
      return selfTarget(profile);
  }
}

const DOCKER: OverlayProfile = { redirectDir: false, index: false, metacopy: false };

async function run<S>(target: FuzzTarget<S>, options: FuzzOptions): Promise<FuzzResult> {
  const { against, runs = RUNS_MAX, seconds, signal, onSequence } = options;
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
  const counts = new FuzzCounts();
  const endsAt = seconds === undefined ? Infinity : Date.now() + seconds * 1000;
  let hasFailed = false;
  let difference = '';
  const isOver = (): boolean => Date.now() >= endsAt || signal?.aborted === true;
  const property = fc.asyncProperty(target.sequences, async (sequence) => {
    // When the time is up, sequences that are left pass at once; one that has failed is made shorter all the same.
    if (isOver() && !hasFailed) return;
    // Shrinking runs sequences too, which are no part of the figures.
    const what = await target.judge(sequence, hasFailed ? new FuzzCounts() : counts);
    if (!hasFailed) {
      counts.endSequence(target.count(sequence));
      onSequence?.(counts.summary());
    }
    if (what === null) return;
    hasFailed = true;
    difference = what;
    throw new Error(what);
  });
  const limit = seconds === undefined ? {} : { interruptAfterTimeLimit: seconds * 1000 + SHRINK_MS };
  const endOnFailure = target.minimize !== undefined;
  const details = await fc.check(property, { seed, numRuns: runs, endOnFailure, ...limit });
  return {
    against,
    seed,
    isInterrupted: signal?.aborted === true,
    summary: counts.summary(),
    counterexample: hasFailed ? await counterexampleOf(target, details, difference) : null,
  };
}

/** fast-check wants a number. */
const RUNS_MAX = 2 ** 31 - 1;
/** What making a counterexample shorter may take after the time is up. */
const SHRINK_MS = 120_000;

async function counterexampleOf<S>(
  target: FuzzTarget<S>,
  details: fc.RunDetails<[S]>,
  lastDifference: string,
): Promise<Counterexample> {
  const [found] = details.counterexample as [S];
  const difference = details.errorInstance instanceof Error ? details.errorInstance.message : lastDifference;
  const { sequence, what } = (await target.minimize?.(found)) ?? { sequence: found, what: difference };
  return {
    what,
    operations: target.count(sequence),
    scenario: await target.scenario(sequence, what),
    path: details.counterexamplePath ?? '',
  };
}
