import type { Ino, StoreEvent } from '../../events/event.ts';
import { isMergeOrLower } from '../../engine/decide/lower.ts';
import type { Overlay } from '../../projections/world.ts';

/**
 * The directories of a container that the kernel marks impure (M10): an object in them has, or had, its number from a lower,
 * so that what the directory lists is not what lies in it.
 */
export class ImpureMarks {
  readonly #directories = new Set<Ino>();

  /** As ovl_set_impure: where something is copied up to, and where something moves that is not the upper's own. */
  note(overlay: Overlay, event: StoreEvent, events: readonly StoreEvent[]): void {
    const { tree, lower } = overlay;
    const impure = this.#directories;
    const isFromBelow = (ino: Ino): boolean => lower?.get(ino) !== undefined;
    switch (event.type) {
      case 'DirectoryCopiedUp':
        impure.add(parentBeforeMove(event.ino, events) ?? tree.at(event.ino).parent);
        return;
      case 'FileCopiedUp':
      case 'SymlinkCopiedUp':
      case 'NodeCopiedUp':
      case 'LinkedUp':
        impure.add(event.parent);
        return;
      case 'Linked':
        if (isFromBelow(event.ino)) impure.add(event.parent);
        return;
      case 'Renamed':
        this.noteMove(overlay, event.ino, event.fromParent, event.toParent);
        if (event.exchange) this.noteMove(overlay, event.replaced, event.toParent, event.fromParent);
        return;
      default:
        return;
    }
  }

  /** A node moves, or is about to: the mark comes first, and stays where the move is refused. */
  noteMove({ lower }: Overlay, ino: Ino, from: Ino, to: Ino): void {
    if (from !== to && lower?.get(ino) !== undefined) this.#directories.add(to);
  }

  /**
   * As ovl_cache_get_impure: when a directory that merges with nothing is listed and holds nothing from below any more, its
   * mark goes. Of others it stays.
   */
  whenListed(overlay: Overlay): ReadonlySet<Ino> {
    for (const ino of this.#directories) {
      const inode = overlay.tree.get(ino);
      if (inode === undefined || !(isMergeOrLower(overlay, ino) || holdsFromBelow(overlay, ino)))
        this.#directories.delete(ino);
    }
    return this.#directories;
  }
}

function holdsFromBelow({ tree, lower }: Overlay, directory: Ino): boolean {
  let holds = false;
  tree.at(directory).dir?.entries.forEach((_, ino) => {
    holds ||= lower?.get(ino) !== undefined;
  });
  return holds;
}

/** The directory that a node lay in before a rename of the same transaction, if there is one. */
function parentBeforeMove(ino: Ino, events: readonly StoreEvent[]): Ino | null {
  for (const event of events) {
    if (event.type !== 'Renamed') continue;
    if (event.ino === ino) return event.fromParent;
    if (event.exchange && event.replaced === ino) return event.toParent;
  }
  return null;
}
