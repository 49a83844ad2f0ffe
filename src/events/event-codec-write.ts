import { isFileEvent } from './file-event.ts';
import type { FileEvent, StoreEvent } from './event.ts';
import { storedText as text, storedTextOrNull, storedTexts } from './event-codec-fields.ts';
import { storedTime as time } from './event-codec-times.ts';
import type { StoredEvent } from './upcast.ts';

/**
 * Events to their stored form: `[code, field, …]`, in the order that docs/log-format.md lists.
 *
 * A code is never used twice, and a field never changes its meaning: a changed event gets a new code and a new format.
 */
export function storedEvent(event: StoreEvent): StoredEvent {
  if (isFileEvent(event)) return storedFileEvent(event);
  switch (event.type) {
    case 'StoreCreated':
      return [1, text(event.storeId)];
    case 'LabelSet':
      return [2, text(event.label), event.seq];
    case 'LabelRemoved':
      return [3, text(event.label)];
    case 'CheckpointRecorded':
      return [4, event.seq, text(event.root)];
    case 'LayerAdded':
      return [
        10,
        text(event.diffId),
        text(event.chainId),
        storedTextOrNull(event.parent),
        text(event.root),
        event.chunks,
        event.entries,
        event.bytes,
      ];
    case 'ImageAdded':
      return [11, text(event.image), event.config, storedTexts(event.layers)];
    case 'ImageTagged':
      return [12, text(event.reference), text(event.image)];
    case 'ImageUntagged':
      return [13, text(event.reference)];
    case 'ImageRemoved':
      return [14, text(event.image)];
    case 'LayerRemoved':
      return [15, text(event.chainId)];
    case 'ContainerCreated':
      return [
        20,
        event.container,
        text(event.id),
        text(event.name),
        storedTextOrNull(event.image),
        text(event.reference),
        (event.profile.redirectDir ? 1 : 0) | (event.profile.index ? 2 : 0) | (event.profile.metacopy ? 4 : 0),
        event.readOnly,
        event.labels.flatMap(storedTexts),
        storedTexts(event.command),
        time(event.timeNs),
      ];
    case 'ContainerStarted':
      return [21, event.container, time(event.timeNs)];
    case 'ContainerPaused':
      return [22, event.container];
    case 'ContainerUnpaused':
      return [23, event.container];
    case 'ContainerStopped':
      return [24, event.container, event.exitCode, time(event.timeNs)];
    case 'ContainerKilled':
      return [25, event.container, text(event.signal), event.exitCode, time(event.timeNs)];
    case 'ContainerRenamed':
      return [26, event.container, text(event.name)];
    case 'ContainerRemoved':
      return [27, event.container];
    case 'ContainerCommitted':
      return [28, event.container, text(event.image)];
    case 'ContainerForked':
      return [29, event.container, text(event.id), text(event.name), event.from, event.at, time(event.timeNs)];
    case 'ContainerRewound':
      return [30, event.container, event.to];
    case 'VolumeCreated':
      return [
        40,
        event.volume,
        event.kind,
        text(event.name),
        event.anonymous,
        event.mode,
        event.uid,
        event.gid,
        time(event.timeNs),
      ];
    case 'VolumePopulated':
      return [41, event.volume, event.container, text(event.target)];
    case 'VolumeMounted':
      return [42, event.container, event.volume, text(event.target), event.on, event.ino, event.readOnly, event.noCopy];
    case 'VolumeUnmounted':
      return [43, event.container, event.volume, text(event.target)];
    case 'VolumeRemoved':
      return [44, event.volume];
  }
}

/** As {@link storedEvent}; the most frequent events stand first, since a switch on strings compares one by one. */
export function storedFileEvent(event: FileEvent): StoredEvent {
  switch (event.type) {
    case 'Written':
      return storedWritten(event);
    case 'NodeCreated':
      return storedNode(event);
    case 'AttributesChanged':
      return [
        80,
        event.ino,
        event.mode,
        event.uid,
        event.gid,
        time(event.atimeNs),
        time(event.mtimeNs),
        time(event.ctimeNs),
      ];
    case 'Unlinked':
      return [52, event.parent, text(event.name), event.ino, event.nlink, event.released, time(event.timeNs)];
    case 'Renamed':
      return [
        53,
        event.ino,
        event.fromParent,
        text(event.fromName),
        event.toParent,
        text(event.toName),
        event.replaced,
        event.replacedNlink,
        event.replacedReleased,
        event.exchange,
        time(event.timeNs),
      ];
    case 'Linked':
      return [51, event.parent, text(event.name), event.ino, event.nlink, time(event.timeNs), time(event.parentTimeNs)];
    case 'WhiteoutCreated':
      return [54, event.parent, text(event.name)];
    case 'WhiteoutRemoved':
      return [55, event.parent, text(event.name)];
    case 'OpaqueSet':
      return [56, event.ino];
    case 'NodeReleased':
      return [57, event.ino];
    case 'DirectoryCopiedUp':
      return [60, event.ino, event.layer, time(event.ctimeNs)];
    case 'FileCopiedUp':
      return [
        61,
        event.parent,
        text(event.name),
        event.ino,
        event.upperIno,
        event.layer,
        event.bytes,
        event.copiedBytes,
        event.withData,
        time(event.ctimeNs),
      ];
    case 'SymlinkCopiedUp':
      return [62, event.parent, text(event.name), event.ino, event.upperIno, event.layer, time(event.ctimeNs)];
    case 'NodeCopiedUp':
      return [63, event.parent, text(event.name), event.ino, event.upperIno, event.layer, time(event.ctimeNs)];
    case 'Truncated':
      return [72, event.ino, event.size, time(event.timeNs)];
    case 'Allocated':
      return [73, event.ino, event.offset, event.length, event.size, event.zeroed, time(event.timeNs)];
    case 'HolePunched':
      return [74, event.ino, event.offset, event.length, time(event.timeNs)];
    case 'XattrSet':
      return [81, event.ino, text(event.name), event.value, time(event.ctimeNs)];
    case 'XattrRemoved':
      return [82, event.ino, text(event.name), time(event.ctimeNs)];
  }
}

/** One whole chunk at offset 0, the write of a small file, has a code of its own without what follows from it. */
function storedWritten(event: FileEvent & { type: 'Written' }): StoredEvent {
  const { pieces } = event;
  if (pieces.length === 3 && event.offset === 0 && pieces[1] === 0 && pieces[2] === event.length) {
    return [71, event.ino, pieces[0], event.length, time(event.timeNs)];
  }
  return [70, event.ino, event.offset, event.length, time(event.timeNs), ...pieces];
}

/** Trailing fields at their default are left out: a root-owned file that is neither device nor symlink has none. */
function storedNode(event: FileEvent & { type: 'NodeCreated' }): StoredEvent {
  const name = text(event.name);
  const timeNs = time(event.timeNs);
  const parentTimeNs = time(event.parentTimeNs);
  if (event.target !== '' || event.rdev !== 0) {
    return [
      50,
      event.parent,
      name,
      event.ino,
      event.mode,
      timeNs,
      parentTimeNs,
      event.uid,
      event.gid,
      event.rdev,
      text(event.target),
    ];
  }
  if (event.uid !== 0 || event.gid !== 0) {
    return [50, event.parent, name, event.ino, event.mode, timeNs, parentTimeNs, event.uid, event.gid];
  }
  return [50, event.parent, name, event.ino, event.mode, timeNs, parentTimeNs];
}
