import type { Figure } from './figure.ts';
import type { BenchOptions } from './options.ts';

/** Says how far a measurement is; to stderr. */
export type Progress = (text: string) => void;

/** Rows that are measured together. */
export interface Group {
  /** A word to ask for it by. */
  readonly name: string;
  run(options: BenchOptions, progress: Progress): Promise<Figure[]>;
}
