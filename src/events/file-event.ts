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

// A set, not a switch: this is asked of every event, and a switch on strings compares one by one.
const FILE_EVENTS: ReadonlySet<string> = new Set(Object.keys(TYPES));

/** Whether an event changes a tree and nothing else. */
export function isFileEvent(event: StoreEvent): event is FileEvent {
  return FILE_EVENTS.has(event.type);
}
