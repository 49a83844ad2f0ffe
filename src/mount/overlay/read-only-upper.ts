/** An upper directory that is only looked at: what has changed in it comes into its container, and nothing is written there. */

import type { Engine } from '../../engine/engine.ts';
import type { Cause } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Overlay } from '../../projections/world.ts';
import type { OverlayDirectories } from './check-directories.ts';
import { HostCalls } from './host-calls.ts';
import { LayerHandles } from './layer-handles.ts';
import { prefixForReading } from './mark-prefix.ts';
import { readUpper, type UpperRead, youngestOf } from './read-upper.ts';
import { type TakeInParts, takeInUpper } from './take-in.ts';
import { type Follows, refuseUnfollowedIn } from './unfollowed-marks.ts';
import { UpperIndex } from './upper-index.ts';

export interface ReadOnlyUpperParts {
  readonly engine: Engine;
  readonly overlay: Overlay;
  /** With an upper and a work directory. */
  readonly directories: OverlayDirectories;
  readonly userXattr: boolean;
  readonly follows: Follows;
}

/** More than a step of the clock that file systems take times from (1 to 10 ms, `ktime_get_coarse_real_ts64`). */
const STEP_MS = 20;
const STEP_NS = BigInt(STEP_MS) * 1_000_000n;
const TRIES = 5;

export class ReadOnlyUpper {
  readonly #parts: ReadOnlyUpperParts;
  readonly #calls = new HostCalls();

  /** @throws `ERR_UNSUPPORTED` where the host lacks something. */
  constructor(parts: ReadOnlyUpperParts) {
    this.#parts = parts;
  }

  /** Whether anything in the upper is as young as a moment, ns since 1970. */
  hasChangedSince(timeNs: bigint): boolean {
    return youngestOf(this.#read()) >= timeNs;
  }

  /**
   * Takes what the upper has into the log, as one transaction; none where they are the same.
   *
   * @param knownUntilNs - Files that have not changed since are as the container has them, ns since 1970; null: nothing is known.
   * @returns A moment, ns since 1970: what is changed in the upper from now on is younger, or as old. Null where the times of
   *   its file system are ahead of this host's.
   * @throws As {@link readUpper}.
   */
  takeIn(cause: Cause, knownUntilNs: bigint | null, restoreLower: TakeInParts['restoreLower']): bigint | null {
    const { engine, overlay } = this.#parts;
    let timeNs: bigint | null = null;
    let read: UpperRead | undefined;
    for (let tries = 0; timeNs === null && tries < TRIES; tries++) {
      if (tries > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS);
      const startNs = BigInt(Date.now()) * 1_000_000n;
      read = this.#read();
      const youngest = youngestOf(read);
      // What is changed once the reading has begun gets another time then.
      if (youngest + STEP_NS < startNs) timeNs = youngest + 1n;
    }
    takeInUpper({ engine, overlay, read: read as UpperRead, cause, knownUntilNs, restoreLower });
    return timeNs;
  }

  close(): void {
    this.#calls.close();
  }

  #read(): UpperRead {
    const { overlay, directories, userXattr, follows } = this.#parts;
    const { lower, profile } = overlay;
    const { lowers, upper, work } = directories;
    if (lower === null || upper === null || work === null)
      throw storeError('ERR_INVALID_ARGUMENT', 'a history needs an upperdir');
    const handles = new LayerHandles(this.#calls, [...lowers, upper]);
    const host = { upper, lowers, calls: this.#calls, handles, prefix: prefixForReading(userXattr) };
    for (const directory of lowers) refuseUnfollowedIn(directory, this.#calls, host.prefix, follows);
    const index = profile.index ? new UpperIndex({ ...host, work, readOnly: true }) : null;
    return readUpper({ ...host, lower, index, follows });
  }
}
