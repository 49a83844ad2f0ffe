import type { FileEvent, StoreEvent } from './event.ts';
import { storedText as text, storedTextOrNull, storedTexts } from './event-codec-fields.ts';
import { storedTime as time } from './event-codec-times.ts';

/** An event as it is stored: its code, then its fields (docs/log-format.md, "Events"). */
export type StoredEvent = readonly unknown[];

/**
 * Events about the store, images, containers and volumes to their stored form: `[code, field, …]`, in the order that
 * docs/log-format.md lists. File events, which are nearly all, have a writer of their own (`file-event-write.ts`).
 *
 * A code is never used twice, and a field never changes its meaning: a changed event gets a new code and a new format.
 */
export function storedEvent(event: Exclude<StoreEvent, FileEvent>): StoredEvent {
  switch (event.type) {
    case 'StoreCreated':
      return [1, text(event.storeId)];
    case 'LabelSet':
      return [2, text(event.label), event.seq];
    case 'LabelRemoved':
      return [3, text(event.label)];
    case 'CheckpointRecorded':
      return [4, event.seq, text(event.root)];
    case 'HistoryDropped':
      return [8, event.before];
    case 'MarkAdded':
      return [5, text(event.source), time(event.timeNs), text(event.text), event.attributes.flatMap(storedTexts)];
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
    case 'LayerFramed':
      return [16, text(event.chainId), event.chunks];
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
    case 'NodesRestored':
      return [6, event.container, event.nodes, event.parents, storedTexts(event.names), event.inos, event.whiteouts];
    case 'QuotaSet':
      return [31, event.container, event.bytes, event.inodes];
    case 'ExecCreated':
      return [32, event.container, text(event.exec), storedTexts(event.command)];
    case 'ExecStarted':
      return [33, event.container, text(event.exec)];
    case 'ExecEnded':
      return [34, event.container, text(event.exec), event.exitCode];
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
