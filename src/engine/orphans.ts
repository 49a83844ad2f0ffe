import type { FileEvent, SubjectId } from '../events/event.ts';
import type { Tree } from '../projections/tree/tree.ts';
import type { Engine } from './engine.ts';
import type { OpenFileTable } from './open-file-table.ts';

/**
 * Releases nodes without a name that only open files held: after the death of the process that had them open nobody does.
 *
 * @param files - Those that are open all the same, because this process has taken them over.
 */
export function releaseOrphans(engine: Engine, files?: OpenFileTable): void {
  for (const { subject, tree } of engine.world.overlays()) {
    if (tree.orphans === 0) continue;
    const events = orphansOf(tree, subject, files);
    if (events.length > 0) engine.commit(subject, ['recover'], events, engine.now());
  }
}

function orphansOf(tree: Tree, subject: SubjectId, files: OpenFileTable | undefined): FileEvent[] {
  const events: FileEvent[] = [];
  tree.inodes.forEach((inode, ino) => {
    if (!inode.isUpper || inode.nlink !== 0 || inode.parent !== 0) return;
    if (files?.isOpen(subject, ino) !== true) events.push({ type: 'NodeReleased', ino });
  });
  return events;
}
