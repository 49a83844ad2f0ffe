import type { Figure } from './figure.ts';
import type { Sizes } from './sizes.ts';

/** Says how far a measurement is; to stderr. */
export type Progress = (text: string) => void;

/** Rows that are measured together. */
export interface Group {
  /** A word to ask for it by. */
  readonly name: string;
  run(sizes: Sizes, progress: Progress): Promise<Figure[]>;
}
