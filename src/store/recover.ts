import type { Engine } from '../engine/engine.ts';
import type { FileEvent } from '../events/event.ts';
import type { Tree } from '../projections/tree/tree.ts';

/** Nodes without a name that only open files held: after the death of the process that had them open nobody does. */
export function releaseOrphans(engine: Engine): void {
  for (const { subject, tree } of engine.world.overlays()) {
    if (tree.orphans === 0) continue;
    const events = orphansOf(tree);
    if (events.length > 0) engine.commit(subject, ['recover'], events, engine.now());
  }
}

function orphansOf(tree: Tree): FileEvent[] {
  const events: FileEvent[] = [];
  tree.inodes.forEach((inode, ino) => {
    if (inode.isUpper && inode.nlink === 0 && inode.parent === 0) events.push({ type: 'NodeReleased', ino });
  });
  return events;
}
