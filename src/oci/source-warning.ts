/** Something in an image that was understood but is odd, or that cannot be kept. Nothing is dropped without one. */
export interface SourceWarning {
  /** The file or directory that is read. */
  readonly file: string;
  /** Which layer, e.g. `layer 2 of 6`; null where there is none. */
  readonly layer: string | null;
  /** The entry's name as the archive writes it; null where there is none. */
  readonly entry: string | null;
  readonly message: string;
}

/** Takes warnings as they come up. */
export type WarningHandler = (warning: SourceWarning) => void;

/** Warnings that a list keeps before it only counts; a hostile archive can cause one per entry. */
export const WARNINGS_MAX = 1000;

/** Collects warnings up to {@link WARNINGS_MAX}; the last one then says how many more there were. */
export class WarningList {
  readonly #kept: SourceWarning[] = [];
  readonly #forward: WarningHandler | undefined;
  #omitted = 0;

  /** @param forward - Gets every warning as well, beyond the bound too. */
  constructor(forward?: WarningHandler) {
    this.#forward = forward;
  }

  readonly add: WarningHandler = (warning) => {
    this.#forward?.(warning);
    if (this.#kept.length < WARNINGS_MAX) this.#kept.push(warning);
    else this.#omitted++;
  };

  /** What was collected so far, in order, in a new array. */
  list(): SourceWarning[] {
    const last = this.#kept.at(-1);
    if (this.#omitted === 0 || last === undefined) return [...this.#kept];
    return [...this.#kept, { file: last.file, layer: null, entry: null, message: `${this.#omitted} more warnings` }];
  }
}
