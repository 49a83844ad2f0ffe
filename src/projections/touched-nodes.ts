/** Which nodes of its tree a file event changes: entries of directories count as the directory's. */

import type { FileEvent, Ino } from '../events/event.ts';

/** Calls `touch` for each node, 0 (none) included, and maybe for one of them twice. */
export function forEachTouched(event: FileEvent, touch: (ino: Ino) => void): void {
  switch (event.type) {
    case 'NodeCreated':
    case 'Linked':
    case 'Unlinked':
      touch(event.ino);
      touch(event.parent);
      return;
    case 'Renamed':
      touch(event.ino);
      touch(event.fromParent);
      touch(event.toParent);
      touch(event.replaced);
      return;
    case 'WhiteoutCreated':
    case 'WhiteoutRemoved':
      touch(event.parent);
      return;
    case 'FileCopiedUp':
    case 'SymlinkCopiedUp':
    case 'NodeCopiedUp':
      touch(event.upperIno);
      if (event.upperIno !== event.ino) touch(event.parent);
      return;
    case 'LinkedUp':
    case 'RedirectSet':
    case 'MetacopySet':
    case 'DataCopiedUp':
    case 'OpaqueSet':
    case 'NodeReleased':
    case 'DirectoryCopiedUp':
    case 'Written':
    case 'Truncated':
    case 'Allocated':
    case 'HolePunched':
    case 'AttributesChanged':
    case 'XattrSet':
    case 'XattrRemoved':
      touch(event.ino);
  }
}
