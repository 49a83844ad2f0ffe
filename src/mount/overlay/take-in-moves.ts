/**
 * The first part of taking in an upper: directories of the lower that have moved in it (`redirect_dir`) go to where it shows
 * them, with all that they hold. Afterwards each name of a directory can be looked at by itself.
 *
 * They are placed from the top down, so that a directory never comes to lie in itself. One that stands where another has to
 * be, or below what has to go, waits in the root meanwhile.
 */

import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isReachable } from '../../projections/tree/names-of.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { TakeInSteps } from './take-in-steps.ts';

/**
 * @param lower - The merged view of the lowers.
 * @param merged - What the upper shows over it.
 */
export function takeInMoves(steps: TakeInSteps, lower: Tree, merged: Tree): void {
  const moved = new Set([...movedIn(merged, lower), ...movedIn(steps.tree, lower)]);
  const wanted = new Set([...moved].filter((ino) => isReachable(merged, ino)));
  if (wanted.size > 0) new Moves(steps, merged, wanted).directory(ROOT_INO, ROOT_INO);
}

/** Directories that are not where the lower has them; all of them are in the upper. */
function movedIn(tree: Tree, lower: Tree): Ino[] {
  const found: Ino[] = [];
  const pending: Ino[] = [ROOT_INO];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const parent = directory;
    tree.at(parent).dir?.entries.forEach((name, ino) => {
      const node = tree.at(ino);
      if (node.dir === null || !node.isUpper) return;
      pending.push(ino);
      const below = lower.get(ino);
      if (below !== undefined && (below.parent !== parent || below.name !== name)) found.push(ino);
    });
  }
  return found;
}

class Moves {
  readonly #steps: TakeInSteps;
  readonly #merged: Tree;
  /** Directories to be placed. */
  readonly #wanted: ReadonlySet<Ino>;
  /** What leads to them in what the upper shows, and they. */
  readonly #ways = new Set<Ino>();

  constructor(steps: TakeInSteps, merged: Tree, wanted: ReadonlySet<Ino>) {
    this.#steps = steps;
    this.#merged = merged;
    this.#wanted = wanted;
    for (const each of wanted)
      for (let ino = each; ino !== ROOT_INO && !this.#ways.has(ino); ino = merged.at(ino).parent) this.#ways.add(ino);
  }

  /** @param ino - Of the container's tree. @param from - The same in what the upper shows. */
  directory(ino: Ino, from: Ino): void {
    const ways: [string, Ino][] = [];
    this.#merged.at(from).dir?.entries.forEach((name, child) => {
      if (this.#ways.has(child)) ways.push([name, child]);
    });
    for (const [name, child] of ways) this.directory(this.#place(ino, name, child), child);
  }

  #place(parent: Ino, name: string, child: Ino): Ino {
    const steps = this.#steps;
    const there = steps.tree.lookup(parent, name);
    if (there === child) return child;
    if (!steps.isOfLower(child)) {
      const present = steps.tree.get(there);
      if (present?.dir != null && present.isUpper && !steps.isOfLower(there)) return there;
      this.#makeFree(parent, name, there);
      return steps.create(parent, name, this.#merged.at(child), 0);
    }
    const isThere = isReachable(steps.tree, child);
    this.#makeFree(parent, name, there);
    if (!isThere) steps.restoreLower(parent, name, child);
    else {
      steps.copyUpDirectory(child);
      steps.move(child, parent, name);
    }
    return child;
  }

  /** What lies in what goes, and has its place elsewhere, is out of that before. */
  #makeFree(parent: Ino, name: string, there: Ino): void {
    const steps = this.#steps;
    if (there !== 0)
      for (const ino of this.#wanted) if (isReachable(steps.tree, ino) && this.#isIn(ino, there)) this.#park(ino);
    steps.makeFree(parent, name, steps.tree.lookup(parent, name));
  }

  /** Whether a directory is another one, or lies in it. */
  #isIn(directory: Ino, other: Ino): boolean {
    for (let ino = directory; ino !== ROOT_INO; ino = this.#steps.tree.at(ino).parent) if (ino === other) return true;
    return false;
  }

  #park(ino: Ino): void {
    const steps = this.#steps;
    let name = `.overlog-moved-${ino}`;
    while (steps.tree.lookup(ROOT_INO, name) !== 0 || steps.hasWhiteout(ROOT_INO, name)) name += '-';
    steps.copyUpDirectory(ino);
    steps.move(ino, ROOT_INO, name);
  }
}
