/** A directory's entries at a past moment: those of an earlier one, and what changed since, applied when it is asked for. */

import { NameMap, type NameNodeParts, type NameSource } from './name-map.ts';
import { Owner } from './trie.ts';

/** What changed. */
export interface NameChanges {
  /** The new value of a name, 0: it is gone; undefined: it has not changed. */
  valueOf(name: string): number | undefined;
  /** The value that a name had before all of it, 0: none; undefined, or not there: that is not known. */
  valueBefore?(name: string): number | undefined;
  /** All that changed. */
  changes(): ReadonlyMap<string, number>;
  /** The names in which this and other changes of the same start may differ; null: that is not known. */
  changedBetween(other: NameChanges): ReadonlySet<string> | null;
}

export function patchNames(base: NameMap, changes: NameChanges): NameMap {
  const patched = new PatchedNames(base, changes);
  return NameMap.lazy(new Owner(), patched, () => patched.whole().size);
}

class PatchedNames implements NameSource {
  readonly #base: NameMap;
  readonly #changes: NameChanges;
  #whole: NameMap | null = null;

  constructor(base: NameMap, changes: NameChanges) {
    this.#base = base;
    this.#changes = changes;
  }

  find(name: string): number | undefined {
    const changed = this.#changes.valueOf(name);
    if (changed === undefined) return this.#base.get(name);
    return changed === 0 ? undefined : changed;
  }

  fill(): NameNodeParts {
    return this.whole().root ?? { names: [], values: [], children: null };
  }

  whole(): NameMap {
    if (this.#whole === null) {
      const owner = new Owner();
      this.#whole = this.#base.share();
      for (const [name, value] of this.#changes.changes()) {
        if (value === 0) this.#whole.delete(name, owner);
        else this.#whole.set(name, value, owner);
      }
    }
    return this.#whole;
  }

  diff(other: NameSource, visit: (name: string, here: number | undefined, there: number | undefined) => void): boolean {
    if (!(other instanceof PatchedNames) || !other.#base.isSame(this.#base)) return false;
    const names = this.#changes.changedBetween(other.#changes);
    if (names === null) return false;
    for (const name of names) {
      const here = this.find(name);
      const there = other.find(name);
      if (here !== there) visit(name, here, there);
    }
    return true;
  }

  diffFrom(base: NameMap, visit: (name: string, before: number | undefined, now: number | undefined) => void): boolean {
    if (!base.isSame(this.#base)) return false;
    for (const [name, value] of this.#changes.changes()) {
      const before = this.#changes.valueBefore?.(name) ?? base.get(name);
      if ((before ?? 0) !== value) visit(name, before === 0 ? undefined : before, value === 0 ? undefined : value);
    }
    return true;
  }
}
