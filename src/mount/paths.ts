import { type Ino, ROOT_INO } from '../events/event.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Mount } from '../engine/namespace.ts';

/** Directories whose paths are remembered. */
const REMEMBERED_MAX = 4096;

interface Remembered {
  readonly tree: Tree;
  readonly moves: number;
  readonly paths: Map<Ino, string>;
}

/**
 * Paths for the causes of transactions: the kernel asks by number, and people read names.
 *
 * Paths of directories are remembered until a directory has lost or changed its name.
 */
export class Paths {
  readonly #byMount = new Map<Mount, Remembered>();

  /** Path of a name in a directory. */
  entry(mount: Mount, parent: Ino, name: string): string {
    const directory = this.directory(mount, parent);
    return directory === '/' ? `/${name}` : `${directory}/${name}`;
  }

  /** Path of any node, by its most recent name; '' where it has none. */
  node(mount: Mount, ino: Ino): string {
    const inode = mount.overlay.tree.get(ino);
    if (inode === undefined) return '';
    if (inode.dir !== null) return this.directory(mount, ino);
    if (ino === mount.top && mount.covers !== null) return this.directory(mount.covers.mount, mount.covers.ino);
    return inode.parent === 0 ? '' : this.entry(mount, inode.parent, inode.name);
  }

  directory(mount: Mount, ino: Ino): string {
    const { tree } = mount.overlay;
    let remembered = this.#byMount.get(mount);
    if (remembered === undefined || !holds(remembered, tree)) {
      remembered = { tree, moves: tree.directoryMoves, paths: new Map() };
      this.#byMount.set(mount, remembered);
    }
    let path = remembered.paths.get(ino);
    if (path === undefined) {
      path = this.#pathOf(mount, ino);
      remembered.paths.set(ino, path);
    }
    return path;
  }

  #pathOf(mount: Mount, ino: Ino): string {
    const within = mount.overlay.tree.pathOf(ino) ?? '';
    if (mount.covers === null) return within;
    const above = this.#pathOf(mount.covers.mount, mount.covers.ino);
    return ino === ROOT_INO ? above : `${above === '/' ? '' : above}${within}`;
  }
}

const holds = ({ tree, moves, paths }: Remembered, now: Tree): boolean =>
  tree === now && moves === now.directoryMoves && paths.size < REMEMBERED_MAX;
