/**
 * A container of a store whose upper is also a directory of the host, in the kernel's format: what is written to one is in
 * both. At each moment the upper is what is true now, and the log is how it came about.
 */

import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync, utimesSync } from 'node:fs';
import { EIO, fsError } from '../../engine/errno.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Namespace } from '../../engine/namespace.ts';
import type { Cause, Ino, StoreEvent, Transaction } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Operations } from '../session.ts';
import type { OverlayDirectories } from './check-directories.ts';
import { HostCalls } from './host-calls.ts';
import { HostPlaces } from './host-places.ts';
import { LayerHandles } from './layer-handles.ts';
import { prefixOf } from './mark-prefix.ts';
import { mirroredOperations } from './overlay-operations.ts';
import { readUpper, type UpperRead, youngestOf } from './read-upper.ts';
import { type TakeInParts, takeInUpper } from './take-in.ts';
import { followTree } from './upper-follow.ts';
import { type Follows, refuseUnfollowedIn } from './unfollowed-marks.ts';
import { UpperIndex } from './upper-index.ts';
import { UpperMirror } from './upper-mirror.ts';
import { WorkDirectory } from './work-directory.ts';

export interface MirroredContainerParts {
  readonly engine: Engine;
  readonly namespace: Namespace;
  /** With an upper and a work directory. */
  readonly directories: OverlayDirectories;
  readonly userXattr: boolean;
  readonly follows: Follows;
  readonly volatile: boolean;
  /** Told when the upper could not follow; nothing more can be written then. */
  readonly warn: (message: string) => void;
}

export class MirroredContainer {
  readonly operations: Operations;
  readonly #parts: MirroredContainerParts;
  readonly #upper: string;
  readonly #calls: HostCalls;
  readonly #prefix: string;
  readonly #work: WorkDirectory;
  readonly #handles: LayerHandles;
  readonly #index: UpperIndex | null;
  readonly #mirror: UpperMirror;
  #stopListening = (): void => {};
  /** The tree has become another one, and the upper is not there yet. */
  #isBehind = false;
  #hasFailed = false;

  /** @throws `ERR_UNSUPPORTED` where the host lacks something. */
  constructor(parts: MirroredContainerParts) {
    const { namespace, directories, engine, volatile } = parts;
    const { lowers, upper, work } = directories;
    if (upper === null || work === null) throw storeError('ERR_INVALID_ARGUMENT', 'a history needs an upperdir');
    this.#parts = parts;
    this.#upper = upper;
    this.#calls = new HostCalls();
    try {
      this.#prefix = prefixOf(parts, directories, this.#calls);
      for (const directory of lowers) refuseUnfollowedIn(directory, this.#calls, this.#prefix, parts.follows);
      this.#work = new WorkDirectory(work, this.#calls, this.#prefix);
      this.#handles = new LayerHandles(this.#calls, [...lowers, upper]);
      const { overlay, subject } = namespace.root;
      const host = { work, upper, lowers, calls: this.#calls, handles: this.#handles, prefix: this.#prefix };
      this.#index = overlay.profile.index ? new UpperIndex({ ...host, readOnly: false }) : null;
      const places = new HostPlaces();
      this.#mirror = new UpperMirror({
        overlay,
        upper,
        work: this.#work,
        calls: this.#calls,
        places,
        lowers,
        chunks: engine.log.chunks,
        handles: this.#handles,
        index: this.#index,
        prefix: this.#prefix,
        isOpen: (ino) => namespace.files.isOpen(subject, ino),
        stored: engine.log.chunks,
        umask: umaskOfProcess(),
      });
      const { files, paths } = this.#mirror;
      const pathOf = (ino: Ino): string => paths.of(ino);
      this.operations = mirroredOperations({ files, places, shown: upper, volatile, pathOf });
    } catch (error) {
      this.#calls.close();
      throw error;
    }
  }

  /** Whether anything in the upper is younger than a moment of {@link MirroredContainer.close}, ns since 1970. */
  hasChangedSince(timeNs: bigint): boolean {
    return youngestOf(this.#read()) >= timeNs;
  }

  /**
   * Takes what the upper has into the log, as one transaction; none where they are the same.
   *
   * @param knownUntilNs - What {@link MirroredContainer.close} gave, when nothing was written to the container since.
   * @throws `ERR_UNSUPPORTED` as {@link readUpper}.
   */
  takeIn(cause: Cause, knownUntilNs: bigint | null, restoreLower: TakeInParts['restoreLower']): void {
    const { engine, namespace } = this.#parts;
    const { overlay } = namespace.root;
    takeInUpper({ engine, overlay, read: this.#read(), cause, knownUntilNs, restoreLower });
    this.#mirror.links.findEntries();
  }

  /** Makes the upper what the container's tree says. */
  follow(): void {
    const { overlay } = this.#parts.namespace.root;
    this.#mirror.forget();
    followTree({
      overlay,
      read: this.#read(),
      index: this.#index,
      upper: this.#upper,
      work: this.#work,
      calls: this.#calls,
      copyUp: this.#mirror.copyUp,
      chunks: this.#parts.engine.log.chunks,
      prefix: this.#prefix,
    });
    this.#mirror.links.findEntries();
    this.#mirror.nameless.remake();
  }

  /** From now on the upper has each change before it is in the log. */
  begin(): void {
    const { engine, namespace } = this.#parts;
    const { subject } = namespace.root;
    engine.guardCommits((about, events) => {
      if (about === subject) this.#repeat(events);
    });
    this.#stopListening = engine.onCommit((transaction) => {
      if (transaction.subject === subject) this.#committed(transaction);
    });
  }

  /**
   * Leaves the upper as a kernel's unmount leaves it.
   *
   * @returns A moment of the upper's file system, ns since 1970: what is changed in it from now on is younger, or as old.
   *   Null when the upper is not what the log says, or may not be on the disk.
   */
  close(): bigint | null {
    this.#stopListening();
    this.#parts.engine.guardCommits(null);
    try {
      if (this.#hasFailed) return null;
      this.#mirror.close();
      // As a kernel does when it unmounts (ovl_sync_fs): what is noted as known has to be on the disk.
      const isSynced = !this.#parts.volatile && spawnSync('sync', ['-f', this.#upper]).status === 0;
      return isSynced ? this.#nextTick() : null;
    } finally {
      this.#calls.close();
    }
  }

  #repeat(events: readonly StoreEvent[]): void {
    const isRestored = events.some(isRestoring);
    // Another rewind is another try: it compares all of the upper, wherever the last one stopped.
    if (this.#hasFailed && !isRestored) throw fsError(EIO, 'write', this.#upper);
    if (isRestored) this.#isBehind = true;
    if (!this.#isBehind) this.#mirror.repeat(events);
  }

  #committed({ events }: Transaction): void {
    if (!this.#isBehind || !events.some(isRestoring)) return;
    this.#isBehind = false;
    try {
      this.follow();
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      this.#parts.warn(
        `${this.#upper} could not be made what the container is now (${(error as Error).message}): calls that write fail until ` +
          'a rewind can be done; once it is unmounted, the next mount takes the upper as it is',
      );
    }
  }

  #read(): UpperRead {
    const { lower } = this.#parts.namespace.root.overlay;
    if (lower === null) throw new Error('a container stands on the view of its image');
    const { directories, follows } = this.#parts;
    const { lowers } = directories;
    const host = { calls: this.#calls, handles: this.#handles, index: this.#index, prefix: this.#prefix };
    return readUpper({ upper: this.#upper, lower, lowers, follows, ...host });
  }

  /** The times of a file system move in steps: waits for the next one. */
  #nextTick(): bigint {
    const touched = this.#work.path;
    const tick = (): bigint => {
      utimesSync(touched, new Date(), new Date());
      return lstatSync(touched, { bigint: true }).ctimeNs;
    };
    const first = tick();
    let now = first;
    while (now === first) now = tick();
    return now;
  }
}

/** Files of the store are made in the same process, so it is not 0 (proc_pid_status(5)). */
function umaskOfProcess(): number {
  const [, digits] = /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return digits === undefined ? 0o777 : Number.parseInt(digits, 8);
}

/** The tree becomes one of an earlier moment, as a whole or in parts. */
const isRestoring = ({ type }: StoreEvent): boolean => type === 'ContainerRewound' || type === 'NodesRestored';
