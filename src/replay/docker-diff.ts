/**
 * `docker diff`: the container's merged tree against its image's, by the rules of Docker's own walk (SEMANTICS 2.1).
 *
 * Docker compares names and attributes and never reads content: a file of the same size with its mtime put back is no
 * change, a file that was copied up and not changed is none either, however much room it takes. diff.ts is the exact one.
 */

import type { Ino } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { compareNames } from '../events/name.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { xattrOf } from '../projections/tree/inode.ts';
import { Tree } from '../projections/tree/tree.ts';

/** C: changed, A: added, D: deleted. */
export interface DockerChange {
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
}

/** `Kind` of Docker's API (`GET /containers/{id}/changes`). */
export const DOCKER_CHANGE_KIND: Readonly<Record<DockerChange['kind'], number>> = { C: 0, A: 1, D: 2 };

/**
 * Changes of a container, sorted by the bytes of the path; Docker's own order is that of a hash map.
 *
 * The targets of mounts that the image lacks are nodes of the container's tree and so are listed as added; what is mounted
 * there is not.
 *
 * @param overlay - The container's; without a lower everything is added.
 */
export function dockerDiff(overlay: { readonly tree: Tree; readonly lower: Tree | null }): DockerChange[] {
  const walk = new DockerWalk(overlay.lower ?? Tree.empty(0n), overlay.tree);
  walk.directory('', ROOT_INO, ROOT_INO);
  return walk.changes.sort((a, b) => compareNames(a.path, b.path));
}

/** The lines that `docker diff` prints, without escapes. */
export const dockerDiffLine = (change: DockerChange): string => `${change.kind} ${change.path}`;

class DockerWalk {
  readonly changes: DockerChange[] = [];
  readonly #image: Tree;
  readonly #container: Tree;
  readonly #canSkip: boolean;

  constructor(image: Tree, container: Tree) {
    this.#image = image;
    this.#container = container;
    this.#canSkip = !changesSharedLinks(image, container);
  }

  /** Compares two directories' entries. Tells whether anything in them changed. */
  directory(path: string, here: Ino, there: Ino): boolean {
    const image = this.#image.at(here);
    const container = this.#container.at(there);
    // Whatever changes below a directory copies it up, so one that is lower still is as it was.
    if (this.#canSkip && here === there && !container.isUpper) return false;
    const countBefore = this.changes.length;
    container.dir?.entries.forEach((name, ino) => {
      const before = image.dir?.entries.get(name);
      if (before === undefined) this.#added(`${path}/${name}`, ino);
      else this.#pair(`${path}/${name}`, before, ino);
    });
    image.dir?.entries.forEach((name) => {
      if (!container.dir?.entries.has(name)) this.changes.push({ kind: 'D', path: `${path}/${name}` });
    });
    return this.changes.length > countBefore;
  }

  #pair(path: string, here: Ino, there: Ino): void {
    const image = this.#image.at(here);
    const container = this.#container.at(there);
    let isChanged = image !== container && statDiffers(image, container);
    if (container.dir !== null) {
      // A directory in place of something else: all its entries are new. The other way round none of the old are told.
      if (image.dir === null) this.#children(path, container);
      else if (this.directory(path, here, there)) isChanged = true;
    }
    if (isChanged) this.changes.push({ kind: 'C', path });
  }

  #added(path: string, ino: Ino): void {
    this.changes.push({ kind: 'A', path });
    this.#children(path, this.#container.at(ino));
  }

  #children(path: string, inode: Inode): void {
    inode.dir?.entries.forEach((name, child) => this.#added(`${path}/${name}`, child));
  }
}

/**
 * Whether a lower node with several names was changed in place (`index` on): then a name of it in a directory that was not
 * copied up shows the change too.
 */
function changesSharedLinks(image: Tree, container: Tree): boolean {
  let isFound = false;
  image.inodes.diff(container.inodes, (_, here, there) => {
    if (here !== undefined && there !== undefined && here.dir === null && here.nlink > 1) isFound = true;
  });
  return isFound;
}

/** Docker's `statDifferent` (go-archive, changes_unix.go): sizes and times of directories do not count. */
function statDiffers(image: Inode, container: Inode): boolean {
  if (image.mode !== container.mode || image.uid !== container.uid || image.gid !== container.gid) return true;
  if (image.rdev !== container.rdev) return true;
  const capability = xattrOf(image.xattrs, CAPABILITY);
  if (!areSameBytes(capability, xattrOf(container.xattrs, CAPABILITY))) return true;
  if (image.dir !== null) return false;
  return image.size !== container.size || !isSameTime(image.mtimeNs, container.mtimeNs);
}

const CAPABILITY = 'security.capability';

function areSameBytes(here: Uint8Array | undefined, there: Uint8Array | undefined): boolean {
  return Buffer.compare(here ?? NO_BYTES, there ?? NO_BYTES) === 0;
}

const NO_BYTES = new Uint8Array();
const SECOND_NS = 1_000_000_000n;

/** Equal, or equal to the second where one side has no more than seconds (a layer's tar). */
function isSameTime(here: bigint, there: bigint): boolean {
  if (here === there) return true;
  const [hereNs, thereNs] = [modulo(here), modulo(there)];
  if (hereNs !== 0n && thereNs !== 0n) return false;
  return here - hereNs === there - thereNs;
}

function modulo(timeNs: bigint): bigint {
  const rest = timeNs % SECOND_NS;
  return rest < 0n ? rest + SECOND_NS : rest;
}
