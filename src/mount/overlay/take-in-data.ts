/** Taking in where data of files lies (`metacopy`): in the upper, or in the file of the lower that one of attributes only has. */

import { contentRuns } from '../../engine/layer-writer-content.ts';
import type { Ino } from '../../events/event.ts';
import { isReachable } from '../../projections/tree/names-of.ts';
import { hasSameContent } from '../../projections/tree/same-content.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { TakeInSteps } from './take-in-steps.ts';

/** The file of the lower that has a file's data; 0: the upper has it. */
export const dataOf = (inode: Inode): Ino => inode.marks?.dataIno ?? 0;

export class TakeInData {
  readonly #steps: TakeInSteps;
  readonly #lower: Tree;
  readonly #merged: Tree;

  constructor(steps: TakeInSteps, lower: Tree, merged: Tree) {
    this.#steps = steps;
    this.#lower = lower;
    this.#merged = merged;
  }

  /** Whether a node can be copied up for what the upper has: one of the lower brings its own data alone. */
  fits(ino: Ino, present: Inode, wanted: Inode): boolean {
    return present.isUpper || !wanted.isMetacopy || dataOf(wanted) === ino;
  }

  /**
   * Moves the file that has the data to where the upper has its attributes, if it is nowhere else.
   *
   * @returns Its number; 0: it stays, or can't be told from others.
   */
  moveTo(parent: Ino, name: string, wanted: Inode, there: Ino): Ino {
    const steps = this.#steps;
    const ino = dataOf(wanted);
    const present = ino === 0 ? undefined : steps.tree.get(ino);
    if (present === undefined || present.nlink !== 1 || present.isIndexed) return 0;
    const isAnother = present.isUpper && dataOf(present) !== ino;
    const isThere = steps.tree.lookup(present.parent, present.name) === ino && isReachable(steps.tree, present.parent);
    // Directories of the lower have their numbers in both trees.
    const isShown = this.#merged.get(present.parent)?.dir == null || !steps.isOfLower(present.parent);
    if (isAnother || !isThere || isShown || this.#merged.lookup(present.parent, present.name) !== 0) return 0;
    steps.copyUpDirectory(present.parent);
    if (!present.isUpper) steps.copyUp(present.parent, present.name, ino, { dataIsBelow: true });
    steps.makeFree(parent, name, there);
    steps.move(ino, parent, name);
    return ino;
  }

  /** Says where a file's data is; afterwards it is where the upper has it. */
  settle(ino: Ino, wanted: Inode): void {
    const present = this.#steps.tree.at(ino);
    const dataIno = dataOf(wanted);
    if (dataOf(present) === dataIno) return;
    if (present.isMetacopy) this.#copyUp(ino, present);
    if (dataIno !== 0) this.#leaveBelow(ino, dataIno);
  }

  #copyUp(ino: Ino, { origin, content, size, marks }: Inode): void {
    const dataIno = marks?.dataIno ?? 0;
    const layer = this.#lower.get(dataIno)?.layer ?? origin;
    const copiedBytes = content?.copyUpBytes(size) ?? 0;
    this.#steps.commit({ type: 'DataCopiedUp', ino, dataIno, layer, copiedBytes, timeNs: null });
  }

  #leaveBelow(ino: Ino, dataIno: Ino): void {
    const steps = this.#steps;
    const below = this.#lower.at(dataIno);
    if (!hasSameContent(steps.tree.at(ino), below)) {
      if (steps.tree.at(ino).size > 0) steps.commit({ type: 'Truncated', ino, size: 0, timeNs: null });
      for (const run of contentRuns(below)) steps.commit({ type: 'Written', ino, ...run, timeNs: null });
      if (steps.tree.at(ino).size !== below.size)
        steps.commit({ type: 'Truncated', ino, size: below.size, timeNs: null });
    }
    steps.commit({ type: 'MetacopySet', ino, dataIno });
  }
}
