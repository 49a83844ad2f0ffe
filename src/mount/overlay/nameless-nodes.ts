/**
 * Nodes of the upper that have no name and that somebody has open. They go on all the same: by a descriptor that was opened
 * while they had one, or in the work directory, where a file that has never had one waits for it.
 */

import { renameSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { Ino } from '../../events/event.ts';
import { isFileMode } from '../../events/mode.ts';
import type { Overlay } from '../../projections/world.ts';
import type { CopyUpToHost } from './copy-up-to-host.ts';
import type { HostCalls } from './host-calls.ts';
import type { HostFiles } from './host-files.ts';
import type { UpperPaths } from './upper-paths.ts';
import type { WorkDirectory } from './work-directory.ts';

export interface NamelessNodesParts {
  readonly overlay: Overlay;
  readonly work: WorkDirectory;
  readonly calls: HostCalls;
  readonly isOpen: (ino: Ino) => boolean;
}

export class NamelessNodes {
  readonly #parts: NamelessNodesParts;
  readonly #files: HostFiles;
  readonly #paths: UpperPaths;
  readonly #copyUp: CopyUpToHost;

  constructor(parts: NamelessNodesParts, files: HostFiles, paths: UpperPaths, copyUp: CopyUpToHost) {
    this.#parts = parts;
    this.#files = files;
    this.#paths = paths;
    this.#copyUp = copyUp;
  }

  /** Before a node of the upper loses a name. */
  keep(ino: Ino): void {
    const inode = this.#parts.overlay.tree.get(ino);
    if (inode === undefined || !this.#parts.isOpen(ino)) return;
    const path = (): string => this.#paths.of(ino);
    if (inode.dir !== null) this.#files.directory(ino, path);
    else if (isFileMode(inode.mode)) this.#files.upper(ino, path);
  }

  /** Moves a file that waits for a name to where it has one. @returns Whether it has waited. */
  name(ino: Ino, path: string): boolean {
    const waiting = this.#paths.nameless.get(ino);
    if (waiting === undefined) return false;
    renameSync(waiting, hostPath(path));
    this.#paths.nameless.delete(ino);
    return true;
  }

  /** Nobody has it open any more. */
  release(ino: Ino): void {
    this.#files.close(ino);
    const waiting = this.#paths.nameless.get(ino);
    if (waiting === undefined) return;
    this.#parts.calls.run(['remove', waiting]);
    this.#paths.nameless.delete(ino);
  }

  /** The tree is another one: nothing on the host stands for its nameless nodes. */
  forget(): void {
    for (const path of this.#paths.nameless.values()) this.#parts.calls.run(['remove', path]);
    this.#paths.nameless.clear();
  }

  /** Makes those that the tree has and somebody has open, in the work directory. */
  remake(): void {
    const { overlay, work, isOpen } = this.#parts;
    if (overlay.tree.orphans === 0) return;
    overlay.tree.inodes.forEach((inode, ino) => {
      if (!inode.isUpper || inode.nlink > 0 || !isOpen(ino)) return;
      const made = work.name();
      work.build(made, this.#copyUp.callsFor(ino, made, inode.isMetacopy ? 'below' : 'all'));
      this.#paths.nameless.set(ino, made);
    });
  }
}
