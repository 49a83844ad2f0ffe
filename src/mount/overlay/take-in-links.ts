/**
 * Taking in hard links of the lower that the index of an upper keeps together (`index`): one node with all its names, those
 * that the upper has and those that are still lower alone.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import type { Inode, NodeName } from '../../projections/tree/inode.ts';
import { isReachable, NodeNames } from '../../projections/tree/names-of.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { TakeInSteps } from './take-in-steps.ts';

export class TakeInLinks {
  readonly #steps: TakeInSteps;
  readonly #merged: Tree;
  readonly #settle: (ino: Ino, wanted: Inode) => void;

  /** @param settle - Gives a node of the container's tree the content and attributes of one of the upper. */
  constructor(steps: TakeInSteps, merged: Tree, settle: (ino: Ino, wanted: Inode) => void) {
    this.#steps = steps;
    this.#merged = merged;
    this.#settle = settle;
  }

  /** Before any name goes, nodes are in the upper that have to be: what becomes of a name tells how many they have. */
  everyNode(): void {
    this.#break();
    for (const ino of indexedIn(this.#merged)) {
      if (!this.#isUpper(ino)) this.#copyUp(ino);
      if (this.#isUpper(ino)) this.#settle(ino, this.#merged.at(ino));
    }
  }

  /** A name that the upper has. */
  upperName(parent: Ino, name: string, ino: Ino): void {
    const steps = this.#steps;
    const there = steps.tree.lookup(parent, name);
    if (!this.#isUpper(ino)) {
      steps.restoreLower(parent, name, ino);
      this.#bring(parent, name, ino);
      this.#settle(ino, this.#merged.at(ino));
    } else if (there !== ino) steps.link(parent, name, ino, there);
    else if (!steps.tree.at(ino).hasInUpper(parent, name)) steps.commit({ type: 'LinkedUp', parent, name, ino });
  }

  /** A name that is still lower alone. */
  lowerName(parent: Ino, name: string, ino: Ino): void {
    const steps = this.#steps;
    const there = steps.tree.lookup(parent, name);
    if (there === ino && !steps.tree.at(ino).hasInUpper(parent, name)) return;
    if (there === ino) steps.unname(parent, name, ino, true);
    else steps.makeFree(parent, name, there);
    steps.nameOutside(parent, name, ino);
  }

  /**
   * When all names are there: counts are as the upper says. They are not those of the names where somebody has put a file of
   * their own over one by hand.
   */
  everyCount(): void {
    const { tree } = this.#steps;
    for (const ino of indexedIn(this.#merged)) {
      const { nlink } = this.#merged.at(ino);
      const [at] = this.#isUpper(ino) && tree.at(ino).nlink !== nlink ? this.#namesOf(ino) : [];
      if (at !== undefined) this.#steps.count(at, ino, nlink);
    }
  }

  #isUpper(ino: Ino): boolean {
    return this.#steps.tree.get(ino)?.isUpper === true;
  }

  /** Names that nothing keeps together any more are those of a lower file again, or of copies of it. */
  #break(): void {
    const { tree } = this.#steps;
    const broken = indexedIn(tree).filter((ino) => this.#merged.get(ino)?.isIndexed !== true);
    const shown = new NodeNames(this.#merged);
    for (const ino of broken) {
      const [name] = this.#namesOf(ino);
      if (name !== undefined && shown.of(ino).length > 0) this.#steps.restoreLower(name.parent, name.name, ino);
    }
  }

  #copyUp(ino: Ino): void {
    const names = this.#namesOf(ino);
    const wanted = this.#merged.at(ino);
    const name =
      names.find((each) => wanted.hasInUpper(each.parent, each.name)) ??
      names.find((each) => this.#merged.lookup(each.parent, each.name) !== ino) ??
      names.at(0);
    if (name === undefined) return;
    this.#steps.copyUpDirectory(name.parent);
    this.#bring(name.parent, name.name, ino);
  }

  #bring(parent: Ino, name: string, ino: Ino): void {
    const dataIsBelow = this.#merged.at(ino).isMetacopy;
    this.#steps.copyUp(parent, name, ino, { keepsLinks: true, dataIsBelow });
  }

  #namesOf(ino: Ino): NodeName[] {
    const { tree } = this.#steps;
    return new NodeNames(tree).of(ino).filter(({ parent }) => parent === ROOT_INO || isReachable(tree, parent));
  }
}

/** Nodes that the index keeps together, and that have a name or wait for one. */
export function indexedIn(tree: Tree): Ino[] {
  const found: Ino[] = [];
  tree.inodes.forEach((inode, ino) => {
    if (inode.isIndexed && inode.nlink > 0) found.push(ino);
  });
  return found;
}
