import type fc from 'fast-check';
import type { FuzzCounts } from './fuzz-counts.ts';

/** One kind of comparison: what sequences it takes, and how one is judged. */
export interface FuzzTarget<S> {
  readonly sequences: fc.Arbitrary<S>;
  /** Operations of a sequence. */
  count(sequence: S): number;
  /** Runs a sequence, counts what it did, and tells what differs. */
  judge(sequence: S, counts: FuzzCounts): Promise<string | null>;
  /** Makes a sequence that differs smaller; where there is none fast-check does it, which knows nothing of sequences. */
  minimize?(sequence: S): Promise<{ readonly sequence: S; readonly what: string }>;
  /** The sequence as a scenario, with what differs in a comment. */
  scenario(sequence: S, what: string): Promise<string>;
  close(): Promise<void>;
}

/** What differs, at the top of a scenario. */
export const comment = (what: string): string =>
  `${what
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n')}\n`;
