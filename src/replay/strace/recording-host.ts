/** What a recording needs from the store that it is played into. */

import type { Engine } from '../../engine/engine.ts';
import type { Namespace } from '../../engine/namespace.ts';
import type { ListingEntry } from '../listing.ts';

/** Takes the content of files, one after the other. */
export interface ContentSink {
  /** @returns Whether its content is wanted: it comes as `data` and `hole` then, in sum `size` bytes. */
  file(path: string, size: number): boolean;
  /** @param bytes - Valid during the call. */
  data(bytes: Uint8Array): void;
  hole(length: number): void;
}

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
    /** `copy`: it ran in a plain copy, where directories can be renamed and hard links last. */
    readonly mount: 'overlay' | 'copy';
  }): Promise<Namespace>;
  /** The container's tree as it is now: what a user sees, or what a kernel's upper directory would hold. */
  entries(kind: 'merged' | 'upper'): Iterable<ListingEntry>;
  /** Hands the content of the files of an archive of the recording to a sink. */
  contents(archive: string, sink: ContentSink): Promise<void>;
  /** Hands what was written so far to the operating system. */
  flush(): Promise<void>;
  /** The program has ended. */
  finish(exitCode: number): Promise<void>;
}
