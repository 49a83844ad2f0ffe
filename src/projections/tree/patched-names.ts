/** A directory's entries at a past moment: those of an earlier one, and what changed since, applied when it is asked for. */

import { NameMap, type NameNodeParts, type NameSource } from './name-map.ts';
import { Owner } from './trie.ts';

/** @param changes - Names and their new values, 0: the name goes. Called once, and not before somebody asks for a name. */
export function patchNames(base: NameMap, changes: () => ReadonlyMap<string, number>): NameMap {
  const patched = new PatchedNames(base, changes);
  return NameMap.lazy(new Owner(), patched, () => patched.whole().size);
}

class PatchedNames implements NameSource {
  readonly #base: NameMap;
  readonly #read: () => ReadonlyMap<string, number>;
  #changes: ReadonlyMap<string, number> | null = null;
  #whole: NameMap | null = null;

  constructor(base: NameMap, changes: () => ReadonlyMap<string, number>) {
    this.#base = base;
    this.#read = changes;
  }

  find(name: string): number | undefined {
    const changed = this.#known().get(name);
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
      for (const [name, value] of this.#known()) {
        if (value === 0) this.#whole.delete(name, owner);
        else this.#whole.set(name, value, owner);
      }
    }
    return this.#whole;
  }

  #known(): ReadonlyMap<string, number> {
    return (this.#changes ??= this.#read());
  }
}
