/**
 * What file events do to single nodes: who has to be shown an event to know what became of him.
 *
 * A directory is told of its entries, name by name; that says all that an event of another node does to it, but for the
 * count of its subdirectories. Everything else is told by the event itself.
 */

import type { FileEvent, Ino } from '../events/event.ts';
import { isDirectoryMode } from '../events/mode.ts';
import { forEachTouched } from './touched-nodes.ts';

/**
 * Calls `visit` for each name of a directory that an event gives to another node, or takes away.
 *
 * @param visit - `before` and `after`: the nodes that had and have the name, 0 for none; `timeNs`: the directory's new
 *   mtime and ctime, null where they stay.
 */
export function forEachEntry(
  event: FileEvent,
  visit: (directory: Ino, name: string, before: Ino, after: Ino, timeNs: bigint | null) => void,
): void {
  switch (event.type) {
    case 'NodeCreated':
    case 'Linked':
      if (event.parent !== 0) visit(event.parent, event.name, 0, event.ino, event.parentTimeNs);
      return;
    case 'Unlinked':
      return visit(event.parent, event.name, event.ino, 0, event.timeNs);
    case 'Renamed': {
      const { ino, replaced, timeNs } = event;
      visit(event.fromParent, event.fromName, ino, event.exchange ? replaced : 0, timeNs);
      return visit(event.toParent, event.toName, replaced, ino, timeNs);
    }
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      if (event.parent !== 0 && event.upperIno !== event.ino) {
        visit(event.parent, event.name, event.ino, event.upperIno, null);
      }
      return;
    default:
      return;
  }
}

/**
 * Calls `visit` for each node, 0 (none) included, to which an event does more than {@link forEachEntry} tells.
 *
 * @param mayMoveDirectory - A directory may be among the nodes that the event renames or removes.
 */
export function forEachAffected(event: FileEvent, mayMoveDirectory: boolean, visit: (ino: Ino) => void): void {
  switch (event.type) {
    case 'NodeCreated':
      visit(event.ino);
      if (isDirectoryMode(event.mode)) visit(event.parent);
      return;
    case 'Linked':
      return visit(event.ino);
    case 'Unlinked':
      visit(event.ino);
      if (mayMoveDirectory) visit(event.parent);
      return;
    case 'Renamed':
      visit(event.ino);
      visit(event.replaced);
      if (!mayMoveDirectory) return;
      visit(event.fromParent);
      if (event.toParent !== event.fromParent) visit(event.toParent);
      return;
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      return visit(event.upperIno);
    default:
      forEachTouched(event, visit);
  }
}
