/**
 * Paths as the recorded processes saw them: some lead into the tree, others pass it by.
 *
 * The tree stood at `root` (such as `/c`) on the recorded machine. Inside, names and symbolic links are looked up in the
 * tree as it is at that moment of the replay; outside, a path is only text, since nothing is known of what was there.
 * The links of /proc that stand for a process' descriptors lead to what these are.
 */

import type { Location, Namespace } from '../../engine/namespace.ts';
import type { OpenFile } from '../../engine/open-files.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isSymlinkMode } from '../../events/mode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { Description } from './descriptors.ts';
import type { Place } from './place.ts';
import type { Task } from './tasks.ts';

/** What a path of a call leads to. */
export type Target =
  | { readonly kind: 'outside'; readonly path: string }
  /** `ino` 0: there is no such name. For the engine it is `name` as seen from `start`. */
  | { readonly kind: 'inside'; readonly start: Location; readonly name: string; readonly ino: Ino }
  /** An open file that has no name, through /proc/self/fd. */
  | { readonly kind: 'file'; readonly file: OpenFile };

const LINKS_MAX = 40;

/** By their descriptors. */
const STANDARD = ['/dev/stdin', '/dev/stdout', '/dev/stderr'];

export class Places {
  readonly #namespace: Namespace;
  readonly #roots: readonly string[];
  readonly #taskOf: (pid: number) => Task | undefined;

  /** @param roots - Where the tree stood, and other paths that led there: absolute, without a slash at their end. */
  constructor(namespace: Namespace, roots: readonly string[], taskOf: (pid: number) => Task | undefined) {
    this.#namespace = namespace;
    this.#roots = roots.map((root) => (root === '/' ? '' : root));
    this.#taskOf = taskOf;
  }

  get #tree(): Tree {
    return this.#namespace.root.overlay.tree;
  }

  /** The place of an absolute path without symbolic links. */
  placeAt(path: string): Place {
    const inside = this.inTree(path);
    if (inside === null) return { ino: 0, path };
    let ino = ROOT_INO;
    for (const name of inside.split('/')) if (name !== '') ino = this.#tree.lookup(ino, name);
    return ino === 0 ? { ino: 0, path } : { ino, path: '' };
  }

  /** A path of the recorded machine as one of the tree; null when it is outside. */
  inTree(path: string): string | null {
    const root = this.#roots.find((each) => path === each || path.startsWith(`${each}/`));
    return root === undefined ? null : path.slice(root.length) || '/';
  }

  /** The directory that a descriptor stands for. */
  placeOf(description: Description): Place {
    return description.file === null ? { ino: 0, path: description.path } : { ino: description.file.ino, path: '' };
  }

  /** A directory's own target, for calls on descriptors. */
  targetOf(place: Place): Target {
    if (place.ino === 0) return { kind: 'outside', path: place.path };
    return { kind: 'inside', start: this.#location(place.ino), name: '.', ino: place.ino };
  }

  /**
   * Follows a path.
   *
   * @param from - Where a relative one starts.
   * @param follow - Also a symbolic link at its end.
   * @param root - What `/` is, and where `..` ends.
   */
  resolve(task: Task, from: Place, path: string, follow: boolean, root: Place = task.fs.root): Target {
    let at = path.startsWith('/') ? root : from;
    let rest = path;
    let links = 0;
    let last: Target = this.targetOf(at);
    for (;;) {
      rest = rest.replace(/^\/+/, '');
      if (rest === '') return last;
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash);
      rest = slash < 0 ? '' : rest.slice(slash);
      const isLast = /^\/*$/.test(rest);
      if (name === '.') continue;
      if (at.ino === 0) {
        const outside: string = name === '..' ? dirname(at.path) : `${at.path === '/' ? '' : at.path}/${name}`;
        const magic = isLast && !follow ? null : this.#magicLink(task, outside);
        if (magic !== null && (isLast || magic.kind !== 'file')) {
          last = magic;
          at = placeOfTarget(magic);
          continue;
        }
        at = this.#roots.includes(outside) ? { ino: ROOT_INO, path: '' } : { ino: 0, path: outside };
        last = this.targetOf(at);
        continue;
      }
      if (name === '..') {
        at = this.#parentOf(at, root);
        last = this.targetOf(at);
        continue;
      }
      const ino = this.#tree.lookup(at.ino, name);
      last = { kind: 'inside', start: this.#location(at.ino), name, ino };
      if (ino === 0) {
        if (isLast) return last;
        return { ...last, name: `${name}${rest}` };
      }
      const node = this.#tree.at(ino);
      if (isSymlinkMode(node.mode) && (!isLast || follow) && ++links <= LINKS_MAX) {
        rest = isLast ? node.target : `${node.target}${rest}`;
        if (rest.startsWith('/')) at = root;
        last = this.targetOf(at);
        continue;
      }
      at = { ino, path: '' };
    }
  }

  /** An open file by the name that it has now; without one it is `file`. */
  named(file: OpenFile): Target {
    const tree = this.#tree;
    const node = tree.get(file.ino);
    if (node === undefined) return { kind: 'file', file };
    if (node.dir !== null) return this.targetOf({ ino: file.ino, path: '' });
    for (const { parent, name } of [file, node]) {
      if (parent !== 0 && tree.lookup(parent, name) === file.ino) {
        return { kind: 'inside', start: this.#location(parent), name, ino: file.ino };
      }
    }
    return { kind: 'file', file };
  }

  #location(ino: Ino): Location {
    return { mount: this.#namespace.root, ino };
  }

  #parentOf(place: Place, root: Place): Place {
    if (place.ino === root.ino && root.ino !== 0) return place;
    if (place.ino === ROOT_INO) return { ino: 0, path: dirname(this.#roots[0]) };
    return { ino: this.#tree.get(place.ino)?.parent ?? 0, path: '' };
  }

  /** `/proc/self/fd/3`, `/dev/fd/3`, `/dev/stdin`, `/proc/61/cwd`, `/proc/self/root`. */
  #magicLink(task: Task, path: string): Target | null {
    if (!path.startsWith('/proc/') && !path.startsWith('/dev/')) return null;
    const standard = STANDARD.indexOf(path);
    const known = standard < 0 ? path : `/dev/fd/${standard}`;
    const match = /^(?:\/dev|\/proc\/(self|thread-self|\d+)(?:\/task\/\d+)?)\/(?:fd\/(\d+)|(cwd|root))$/.exec(known);
    if (match === null) return null;
    const [, who, number, what] = match;
    const owner = who === undefined || who.endsWith('self') ? task : this.#taskOf(Number(who));
    if (owner === undefined) return null;
    if (number === undefined) return this.targetOf(what === 'cwd' ? owner.fs.cwd : owner.fs.root);
    const description = owner.table.get(Number(number))?.description;
    if (description === undefined) return null;
    return description.file === null ? { kind: 'outside', path: description.path } : this.named(description.file);
  }
}

function placeOfTarget(target: Target): Place {
  if (target.kind === 'inside') return { ino: target.ino, path: '' };
  return { ino: 0, path: target.kind === 'outside' ? target.path : '' };
}

function dirname(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}
