/**
 * The work directory of an overlay: what is going to be in the upper is made here and moved there in one step, as a kernel does
 * it, so that the upper is valid at every moment.
 */

import { chmodSync, linkSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { S_IFCHR } from '../../events/mode.ts';
import { type HostCall, type HostCalls, RENAME_EXCHANGE } from './host-calls.ts';

export class WorkDirectory {
  /** `work` in what the option names; the kernel uses that, too. */
  readonly path: string;
  readonly #calls: HostCalls;
  readonly #whiteout: string;
  readonly #opaque: HostCall[];
  #hasWhiteout = false;
  #next = 1;

  /** Empties what a mount before has left. @param prefix - Of overlay's attributes. */
  constructor(directory: string, calls: HostCalls, prefix: string) {
    this.path = `${directory}/work`;
    this.#calls = calls;
    this.#whiteout = `${this.path}/#whiteout`;
    this.#opaque = [['setxattr', '', `${prefix}opaque`, 'y']];
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    chmodSync(this.path, 0o700);
    for (const name of readdirSync(this.path)) if (name !== 'incompat') calls.run(['remove', `${this.path}/${name}`]);
  }

  /** A name that nothing has yet. */
  name(): string {
    return `${this.path}/#${(this.#next++).toString(16)}`;
  }

  /** Makes calls that make something under a name and move it; when one of them is refused, what was made so far goes. */
  build(made: string, calls: readonly HostCall[]): void {
    try {
      this.#calls.run(...calls);
    } catch (error) {
      if (isThere(made)) this.#calls.run(['remove', made]);
      throw error;
    }
  }

  /** Makes a whiteout stand where nothing is, or in place of anything but a directory. */
  placeWhiteout(path: string, isTaken: boolean): void {
    if (!isTaken) return this.#linkWhiteout(path);
    const made = this.name();
    this.#linkWhiteout(made);
    renameSync(hostPath(made), hostPath(path));
  }

  /** Makes a whiteout stand in place of a directory, and removes that with what hides in it. */
  whiteoutDirectory(path: string): void {
    const made = this.name();
    this.#linkWhiteout(made);
    this.#calls.run(['rename', made, path, RENAME_EXCHANGE], ['remove', made]);
  }

  /** Takes a directory away, with what hides in it. */
  removeDirectory(path: string): void {
    const out = this.name();
    renameSync(hostPath(path), out);
    this.#calls.run(['remove', out]);
  }

  /** Puts an empty directory in place of one in which only whiteouts are (ovl_clear_empty). */
  clearDirectory(path: string): void {
    const made = this.name();
    const opaque = this.#opaque.map(([name, , ...rest]): HostCall => [name, made, ...rest]);
    this.#calls.run(['mkdir', made, 0o755], ...opaque, ['rename', made, path, RENAME_EXCHANGE], ['remove', made]);
  }

  /** Removes what only a mount needs. */
  close(): void {
    // A kernel that has mounted it meanwhile has emptied it.
    if (this.#hasWhiteout) rmSync(this.#whiteout, { force: true });
    this.#hasWhiteout = false;
  }

  /** All whiteouts are names of one node, until the file system takes no more. */
  #linkWhiteout(path: string): void {
    if (!this.#hasWhiteout) this.#makeWhiteout();
    try {
      linkSync(this.#whiteout, hostPath(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMLINK') throw error;
      unlinkSync(this.#whiteout);
      this.#makeWhiteout();
      linkSync(this.#whiteout, hostPath(path));
    }
  }

  #makeWhiteout(): void {
    this.#calls.run(['mknod', this.#whiteout, S_IFCHR, 0]);
    this.#hasWhiteout = true;
  }
}

/** Whether something is at a path. */
export function isThere(path: string): boolean {
  return lstatSync(hostPath(path), { throwIfNoEntry: false }) !== undefined;
}
