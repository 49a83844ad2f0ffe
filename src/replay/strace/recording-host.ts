/** What a recording needs from the store that it is played into. */

import type { Engine } from '../../engine/engine.ts';
import type { Namespace } from '../../engine/namespace.ts';
import type { ListingEntry } from '../listing.ts';

export interface RecordingHost {
  readonly engine: Engine;
  /**
   * Makes an image of the tree before, and a container of it that runs.
   *
   * @param parts.before - A tar, which may be compressed; null: an empty tree.
   * @param parts.name - Of both.
   */
  begin(parts: {
    readonly before: string | null;
    readonly name: string;
    readonly command: readonly string[];
  }): Promise<Namespace>;
  /** The container's tree as it is now: what a user sees, or what a kernel's upper directory would hold. */
  entries(kind: 'merged' | 'upper'): Iterable<ListingEntry>;
  /** Hands what was written so far to the operating system. */
  flush(): Promise<void>;
  /** The program has ended. */
  finish(exitCode: number): Promise<void>;
}
