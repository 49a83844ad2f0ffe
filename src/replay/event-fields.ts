/** The fields of every event and what each may hold: the table behind the JSON form of events (event-json.ts). */

import type { StoreEvent } from '../events/event.ts';

export type FieldKind =
  /** From 0, a safe integer. */
  | 'int'
  | 'intOrNull'
  /** Any safe integer. */
  | 'signed'
  /** Number of a node: from 0 to 2^32 - 1. */
  | 'ino'
  /** Offset, length or size in a file: from 0 to its largest size. */
  | 'extent'
  /** int64 nanoseconds. */
  | 'time'
  | 'timeOrNull'
  | 'text'
  /** Of a directory entry: no `/`, no NUL, not `.` or `..`, at most 255 bytes. */
  | 'name'
  | 'textOrNull'
  | 'texts'
  | 'flag'
  | 'bytes'
  /** Chunk numbers. */
  | 'chunks'
  /** Triples (chunk, offset in the chunk, length). */
  | 'pieces'
  /** Triples (node, node, event). */
  | 'nodes'
  | 'inos'
  | 'names'
  | 'ints'
  /** Pairs of texts. */
  | 'pairs'
  | 'profile'
  | 'volumeKind';

export type EventType = StoreEvent['type'];

type EventOf<T extends EventType, E = StoreEvent> = E extends { readonly type: infer U }
  ? T extends U
    ? E
    : never
  : never;

type FieldTable = { readonly [T in EventType]: Readonly<Record<Exclude<keyof EventOf<T>, 'type'>, FieldKind>> };

const specialCopiedUp = {
  parent: 'ino',
  name: 'name',
  ino: 'ino',
  upperIno: 'ino',
  layer: 'int',
  ctimeNs: 'time',
} as const;

/** In the order in which they are written. */
export const EVENT_FIELDS: FieldTable = {
  StoreCreated: { storeId: 'text' },
  LabelSet: { label: 'text', seq: 'int' },
  LabelRemoved: { label: 'text' },
  CheckpointRecorded: { seq: 'int', root: 'text' },
  HistoryDropped: { before: 'int' },
  MarkAdded: { source: 'text', timeNs: 'time', text: 'text', attributes: 'pairs' },

  LayerAdded: {
    diffId: 'text',
    chainId: 'text',
    parent: 'textOrNull',
    root: 'text',
    chunks: 'chunks',
    entries: 'int',
    bytes: 'int',
  },
  ImageAdded: { image: 'text', config: 'bytes', layers: 'texts' },
  ImageTagged: { reference: 'text', image: 'text' },
  ImageUntagged: { reference: 'text' },
  ImageRemoved: { image: 'text' },
  LayerRemoved: { chainId: 'text' },
  LayerFramed: { chainId: 'text', chunks: 'chunks' },

  ContainerCreated: {
    container: 'int',
    id: 'text',
    name: 'text',
    image: 'textOrNull',
    reference: 'text',
    profile: 'profile',
    readOnly: 'flag',
    labels: 'pairs',
    command: 'texts',
    timeNs: 'time',
  },
  ContainerStarted: { container: 'int', timeNs: 'time' },
  ContainerPaused: { container: 'int' },
  ContainerUnpaused: { container: 'int' },
  ContainerStopped: { container: 'int', exitCode: 'signed', timeNs: 'time' },
  ContainerKilled: { container: 'int', signal: 'text', exitCode: 'signed', timeNs: 'time' },
  ContainerRenamed: { container: 'int', name: 'text' },
  ContainerRemoved: { container: 'int' },
  ContainerCommitted: { container: 'int', image: 'text' },
  ContainerForked: { container: 'int', id: 'text', name: 'text', from: 'int', at: 'int', timeNs: 'time' },
  ContainerRewound: { container: 'int', to: 'int' },
  NodesRestored: {
    container: 'int',
    nodes: 'nodes',
    parents: 'inos',
    names: 'names',
    inos: 'inos',
    whiteouts: 'ints',
  },
  QuotaSet: { container: 'int', bytes: 'intOrNull', inodes: 'intOrNull' },
  ExecCreated: { container: 'int', exec: 'text', command: 'texts' },
  ExecStarted: { container: 'int', exec: 'text' },
  ExecEnded: { container: 'int', exec: 'text', exitCode: 'signed' },

  VolumeCreated: {
    volume: 'int',
    kind: 'volumeKind',
    name: 'text',
    anonymous: 'flag',
    mode: 'int',
    uid: 'int',
    gid: 'int',
    timeNs: 'time',
  },
  VolumePopulated: { volume: 'int', container: 'int', target: 'text' },
  VolumeMounted: {
    container: 'int',
    volume: 'int',
    target: 'text',
    on: 'int',
    ino: 'ino',
    readOnly: 'flag',
    noCopy: 'flag',
  },
  VolumeUnmounted: { container: 'int', volume: 'int', target: 'text' },
  VolumeRemoved: { volume: 'int' },

  NodeCreated: {
    parent: 'ino',
    name: 'name',
    ino: 'ino',
    mode: 'int',
    uid: 'int',
    gid: 'int',
    rdev: 'int',
    target: 'text',
    timeNs: 'time',
    parentTimeNs: 'timeOrNull',
  },
  Linked: { parent: 'ino', name: 'name', ino: 'ino', nlink: 'int', timeNs: 'timeOrNull', parentTimeNs: 'timeOrNull' },
  Unlinked: { parent: 'ino', name: 'name', ino: 'ino', nlink: 'int', released: 'flag', timeNs: 'time' },
  Renamed: {
    ino: 'ino',
    fromParent: 'ino',
    fromName: 'name',
    toParent: 'ino',
    toName: 'name',
    replaced: 'ino',
    replacedNlink: 'int',
    replacedReleased: 'flag',
    exchange: 'flag',
    timeNs: 'time',
  },
  WhiteoutCreated: { parent: 'ino', name: 'name' },
  WhiteoutRemoved: { parent: 'ino', name: 'name' },
  OpaqueSet: { ino: 'ino' },
  NodeReleased: { ino: 'ino' },

  DirectoryCopiedUp: { ino: 'ino', layer: 'int', ctimeNs: 'time' },
  FileCopiedUp: {
    parent: 'ino',
    name: 'name',
    ino: 'ino',
    upperIno: 'ino',
    layer: 'int',
    bytes: 'extent',
    copiedBytes: 'extent',
    withData: 'flag',
    ctimeNs: 'time',
  },
  SymlinkCopiedUp: specialCopiedUp,
  NodeCopiedUp: specialCopiedUp,

  RedirectSet: { ino: 'ino', redirect: 'text' },
  MetacopySet: { ino: 'ino', dataIno: 'ino' },
  DataCopiedUp: { ino: 'ino', dataIno: 'ino', layer: 'int', copiedBytes: 'extent', timeNs: 'timeOrNull' },
  LinkedUp: { parent: 'ino', name: 'name', ino: 'ino' },

  Written: { ino: 'ino', offset: 'extent', length: 'extent', pieces: 'pieces', timeNs: 'timeOrNull' },
  Truncated: { ino: 'ino', size: 'extent', timeNs: 'timeOrNull' },
  Allocated: { ino: 'ino', offset: 'extent', length: 'extent', size: 'extent', zeroed: 'flag', timeNs: 'time' },
  HolePunched: { ino: 'ino', offset: 'extent', length: 'extent', timeNs: 'time' },

  AttributesChanged: {
    ino: 'ino',
    mode: 'intOrNull',
    uid: 'intOrNull',
    gid: 'intOrNull',
    atimeNs: 'timeOrNull',
    mtimeNs: 'timeOrNull',
    ctimeNs: 'timeOrNull',
  },
  XattrSet: { ino: 'ino', name: 'text', value: 'bytes', ctimeNs: 'timeOrNull' },
  XattrRemoved: { ino: 'ino', name: 'text', ctimeNs: 'time' },
};
