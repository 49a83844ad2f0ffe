import type { KernelCall } from './kernel-call.ts';
import type { KernelDifference, KernelSequence } from './kernel-oracle.ts';

/** A sequence on which the two sides differ, and what they say. */
export interface Counterexample {
  readonly sequence: KernelSequence;
  readonly difference: KernelDifference;
}

/** Runs a sequence; null: no difference. */
type Compare = (sequence: KernelSequence) => Promise<KernelDifference | null>;

/** So short that every two calls of it are tried without. */
const PAIRS_MAX = 14;

/**
 * Makes a sequence smaller as long as the sides still differ: leaves calls out, first many at once, then one by one and two
 * by two, and gives what lies in directories names at the top, so that the directories can be left out, too. Neither a call
 * nor two calls of the result can be spared.
 */
export async function minimize(found: Counterexample, compare: Compare): Promise<Counterexample> {
  let best = await withFewerCalls(found, compare);
  for (;;) {
    const simpler = await firstThatDiffers(simplerSequences(best.sequence), compare);
    if (simpler === null) return best;
    best = await withFewerCalls(simpler, compare);
  }
}

export const countCalls = ({ stages }: KernelSequence): number => stages.reduce((sum, calls) => sum + calls.length, 0);

async function withFewerCalls(found: Counterexample, compare: Compare): Promise<Counterexample> {
  let best = found;
  for (let size = Math.ceil(countCalls(found.sequence) / 2); size >= 1;) {
    const shorter = await firstThatDiffers(withoutStretches(best.sequence, size), compare);
    if (shorter !== null) best = shorter;
    else if (size === 1) break;
    else size = Math.ceil(size / 2);
  }
  return best;
}

async function firstThatDiffers(
  candidates: Iterable<KernelSequence>,
  compare: Compare,
): Promise<Counterexample | null> {
  for (const sequence of candidates) {
    const difference = await compare(sequence);
    if (difference !== null) return { sequence, difference };
  }
  return null;
}

/** From the end: what comes after the difference goes first. */
function* withoutStretches(sequence: KernelSequence, size: number): Iterable<KernelSequence> {
  for (let end = countCalls(sequence); end > 0; end -= size) {
    const start = Math.max(0, end - size);
    yield keeping(sequence, (index) => index < start || index >= end);
  }
}

/** Each is smaller by one measure, fewer calls or fewer slashes, and larger by none; so there is an end to it. */
function* simplerSequences(sequence: KernelSequence): Iterable<KernelSequence> {
  const paths = new Set(sequence.stages.flat().flatMap(pathsOf));
  for (const path of [...paths].filter((each) => depth(each) > 1).sort((a, b) => depth(b) - depth(a))) {
    const name = 'cdefghijk'.split('').find((letter) => ![...paths].some((each) => each.includes(letter)));
    if (name !== undefined) yield moved(sequence, path.replace(/\/$/, ''), `/${name}`);
  }
  const calls = countCalls(sequence);
  if (calls > PAIRS_MAX) return;
  for (let first = 0; first < calls; first++)
    for (let second = first + 1; second < calls; second++)
      yield keeping(sequence, (index) => index !== first && index !== second);
}

const depth = (path: string): number => path.split('/').filter((name) => name !== '').length;

const PATH_FIELDS = ['path', 'from', 'to'] as const;

function pathsOf(call: KernelCall): string[] {
  const fields = call as unknown as Record<string, unknown>;
  return PATH_FIELDS.map((field) => fields[field]).filter((value) => typeof value === 'string');
}

/** The sequence with another name for a path, and for all below it. */
function moved({ stages, ...rest }: KernelSequence, path: string, to: string): KernelSequence {
  const move = (call: KernelCall): KernelCall => {
    const fields = { ...call } as unknown as Record<string, unknown>;
    for (const field of PATH_FIELDS) {
      const value = fields[field];
      if (typeof value === 'string' && (value === path || value.startsWith(`${path}/`)))
        fields[field] = to + value.slice(path.length);
    }
    return fields as unknown as KernelCall;
  };
  return { ...rest, stages: stages.map((calls) => calls.map(move)) };
}

/** The calls that are kept by their index over all stages; stages keep their places. */
function keeping({ stages, ...rest }: KernelSequence, isKept: (index: number) => boolean): KernelSequence {
  let index = 0;
  return { ...rest, stages: stages.map((calls) => calls.filter(() => isKept(index++))) };
}
