// A program: looks for a difference between the kernel and the sources that it lies beside, and prints what it found.
//
//   hunt.ts SEED RUNS

import * as fc from 'fast-check';
import { DOCKER_PROFILE } from '../../../src/events/overlay-profile.ts';
import { kernelSequences } from '../../../src/testing/kernel/kernel-call-arbitrary.ts';
import { type KernelDifference, KernelOracle, type KernelSequence } from '../../../src/testing/kernel/kernel-oracle.ts';
import { countCalls, minimize } from '../../../src/testing/kernel/minimize.ts';

/** What is printed as JSON. */
export interface Hunt {
  /** Sequences that were run until a difference was found, or all. */
  readonly sequences: number;
  /** Calls of the smallest sequence that shows it; 0: none was found. */
  readonly calls: number;
  readonly stages: KernelSequence['stages'];
  readonly what: string;
}

const [seed, runs] = process.argv.slice(2).map(Number);
const oracle = new KernelOracle();

/** A break can make the engine throw where it would have gone wrong later. */
async function compare(sequence: KernelSequence): Promise<KernelDifference | null> {
  try {
    return await oracle.compare(sequence);
  } catch (error) {
    return { stage: 0, call: null, what: `overlog throws: ${String(error)}` };
  }
}

try {
  let sequences = 0;
  let found: { sequence: KernelSequence; difference: KernelDifference } | null = null;
  for (const sequence of fc.sample(kernelSequences(DOCKER_PROFILE), { seed, numRuns: runs })) {
    sequences++;
    const difference = await compare(sequence);
    if (difference === null) continue;
    found = await minimize({ sequence, difference }, compare);
    break;
  }
  const hunt: Hunt = {
    sequences,
    calls: found === null ? 0 : countCalls(found.sequence),
    stages: found?.sequence.stages ?? [],
    what: found?.difference.what ?? '',
  };
  process.stdout.write(JSON.stringify(hunt));
} finally {
  await oracle.close();
}
