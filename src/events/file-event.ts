import type { FileEvent, StoreEvent } from './event.ts';

/** Every type of file event: the compiler misses one that is not in it. */
const TYPES: Readonly<Record<FileEvent['type'], true>> = {
  NodeCreated: true,
  Linked: true,
  Unlinked: true,
  Renamed: true,
  WhiteoutCreated: true,
  WhiteoutRemoved: true,
  OpaqueSet: true,
  NodeReleased: true,
  DirectoryCopiedUp: true,
  FileCopiedUp: true,
  SymlinkCopiedUp: true,
  NodeCopiedUp: true,
  RedirectSet: true,
  MetacopySet: true,
  DataCopiedUp: true,
  LinkedUp: true,
  Written: true,
  Truncated: true,
  Allocated: true,
  HolePunched: true,
  AttributesChanged: true,
  XattrSet: true,
  XattrRemoved: true,
};

const FILE_EVENTS: ReadonlySet<string> = new Set(Object.keys(TYPES));

/**
 * Whether an event changes a tree and nothing else.
 *
 * This is asked of every event several times. The most frequent types are compared one by one, which is a pointer each; the
 * others are looked up in a set.
 */
export function isFileEvent(event: StoreEvent): event is FileEvent {
  switch (event.type) {
    case 'Written':
    case 'NodeCreated':
    case 'FileCopiedUp':
    case 'Truncated':
    case 'Unlinked':
    case 'WhiteoutCreated':
      return true;
    default:
      return FILE_EVENTS.has(event.type);
  }
}
