import type { Ino } from '../events/event.ts';
import { beginsWith } from '../events/name.ts';
import type { Tree } from '../projections/tree/tree.ts';

/**
 * The directory that the last walk of an absolute path ended in, so that the next one can begin there: calls come in runs
 * below one directory.
 *
 * It holds as long as the tree is the same object and no directory in it has lost or changed its name. Paths through
 * symbolic links and over mounts are not remembered, so nothing else can change what it leads to.
 */
export class LastDirectory {
  /** With a slash at its end. */
  path = '/';
  ino: Ino = 0;
  #tree: Tree | null = null;
  #moves = 0;

  /** Whether a path goes on from here, and what was remembered still holds. */
  isAbove(path: string, tree: Tree): boolean {
    return (
      this.#tree === tree &&
      this.#moves === tree.directoryMoves &&
      path.length > this.path.length &&
      beginsWith(path, this.path) &&
      // A second slash belongs to the component in front of it.
      path.charCodeAt(this.path.length) !== 0x2f
    );
  }

  /**
   * @param path - Absolute, or it is not remembered; walked without a symbolic link or a mount.
   * @param end - Where the last component begins.
   */
  remember(path: string, end: number, ino: Ino, tree: Tree): void {
    if (this.ino === ino && this.#tree === tree && this.#moves === tree.directoryMoves && this.path.length === end)
      return;
    if (path.charCodeAt(0) !== 0x2f) return;
    this.path = path.slice(0, end);
    this.ino = ino;
    this.#tree = tree;
    this.#moves = tree.directoryMoves;
  }
}
