import fc from 'fast-check';
import type { Cause, FileEvent, StoreEvent, Transaction } from '../../../src/events/event.ts';
import { OPERATIONS } from '../../../src/events/event-codec-operations.ts';
import { decodeName } from '../../../src/events/name.ts';

/** Values of every type that the log can hold, for tests of the codec and of storages. */

const count = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 0xffff_ffff }),
  fc.maxSafeNat(),
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER),
);
const whole = fc.oneof(count, fc.maxSafeInteger());
const time = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 1_700_000_000_000_000_000n, -(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
);
/** Any bytes as a name; UTF-8 as often as not. */
const name = fc.oneof(
  fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 90 }),
  fc.uint8Array({ maxLength: 90 }).map(decodeName),
  fc.constantFrom('', '\ufeff', `\ufeff${'x'.repeat(80)}`, 'é', '日本', '__proto__', '\udc80', 'a\udcffb', '😀'),
);
const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.constantFrom(new Uint8Array(300).fill(7)));
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

/** Plain objects only: a decoded event has Object's prototype. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const is = <T extends string>(type: T): fc.Arbitrary<T> => fc.constant(type);

const written = record({
  type: is('Written'),
  ino: count,
  offset: count,
  length: count,
  triples: fc.array(fc.tuple(count, count, count), { maxLength: 8 }),
  timeNs: orNull(time),
}).map(({ triples, ...rest }) => ({ ...rest, pieces: triples.flat() }));

/** The write of a small file, which has a code of its own. */
const writtenWhole = record({ ino: count, length: count, chunk: count, timeNs: orNull(time) }).map(
  ({ ino, length, chunk, timeNs }) => ({
    type: 'Written' as const,
    ino,
    offset: 0,
    length,
    pieces: [chunk, 0, length],
    timeNs,
  }),
);

const copiedUp = { parent: count, name, ino: count, upperIno: count, layer: count, ctimeNs: time };

type ByType<E extends { type: string }> = { [T in E['type']]: fc.Arbitrary<E & { type: T }> };

/** One arbitrary per file event; the type-checker asks for a new one. */
export const FILE_EVENTS: ByType<FileEvent> = {
  NodeCreated: record({
    type: is('NodeCreated'),
    parent: count,
    name,
    ino: count,
    mode: count,
    uid: fc.oneof(fc.constant(0), count),
    gid: fc.oneof(fc.constant(0), count),
    rdev: fc.oneof(fc.constant(0), count),
    target: fc.oneof(fc.constant(''), name),
    timeNs: time,
    parentTimeNs: orNull(time),
  }),
  Linked: record({
    type: is('Linked'),
    parent: count,
    name,
    ino: count,
    nlink: count,
    timeNs: orNull(time),
    parentTimeNs: orNull(time),
  }),
  Unlinked: record({
    type: is('Unlinked'),
    parent: count,
    name,
    ino: count,
    nlink: count,
    released: fc.boolean(),
    timeNs: time,
  }),
  Renamed: record({
    type: is('Renamed'),
    ino: count,
    fromParent: count,
    fromName: name,
    toParent: count,
    toName: name,
    replaced: count,
    replacedNlink: count,
    replacedReleased: fc.boolean(),
    exchange: fc.boolean(),
    timeNs: time,
  }),
  WhiteoutCreated: record({ type: is('WhiteoutCreated'), parent: count, name }),
  WhiteoutRemoved: record({ type: is('WhiteoutRemoved'), parent: count, name }),
  OpaqueSet: record({ type: is('OpaqueSet'), ino: count }),
  NodeReleased: record({ type: is('NodeReleased'), ino: count }),
  DirectoryCopiedUp: record({ type: is('DirectoryCopiedUp'), ino: count, layer: count, ctimeNs: time }),
  FileCopiedUp: record({
    type: is('FileCopiedUp'),
    ...copiedUp,
    bytes: count,
    copiedBytes: count,
    withData: fc.boolean(),
  }),
  SymlinkCopiedUp: record({ type: is('SymlinkCopiedUp'), ...copiedUp }),
  NodeCopiedUp: record({ type: is('NodeCopiedUp'), ...copiedUp }),
  RedirectSet: record({ type: is('RedirectSet'), ino: count, redirect: name }),
  MetacopySet: record({ type: is('MetacopySet'), ino: count, dataIno: count }),
  DataCopiedUp: record({
    type: is('DataCopiedUp'),
    ino: count,
    dataIno: count,
    layer: count,
    copiedBytes: count,
    timeNs: orNull(time),
  }),
  LinkedUp: record({ type: is('LinkedUp'), parent: count, name, ino: count }),
  Written: fc.oneof(written, writtenWhole),
  Truncated: record({ type: is('Truncated'), ino: count, size: count, timeNs: orNull(time) }),
  Allocated: record({
    type: is('Allocated'),
    ino: count,
    offset: count,
    length: count,
    size: count,
    zeroed: fc.boolean(),
    timeNs: time,
  }),
  HolePunched: record({ type: is('HolePunched'), ino: count, offset: count, length: count, timeNs: time }),
  AttributesChanged: record({
    type: is('AttributesChanged'),
    ino: count,
    mode: orNull(count),
    uid: orNull(count),
    gid: orNull(count),
    atimeNs: orNull(time),
    mtimeNs: orNull(time),
    ctimeNs: orNull(time),
  }),
  XattrSet: record({ type: is('XattrSet'), ino: count, name, value: bytes, ctimeNs: orNull(time) }),
  XattrRemoved: record({ type: is('XattrRemoved'), ino: count, name, ctimeNs: time }),
};

const profile = record({ redirectDir: fc.boolean(), index: fc.boolean(), metacopy: fc.boolean() });

/** One arbitrary per event type. */
export const EVENTS: ByType<StoreEvent> = {
  ...FILE_EVENTS,
  StoreCreated: record({ type: is('StoreCreated'), storeId: name }),
  LabelSet: record({ type: is('LabelSet'), label: name, seq: count }),
  HistoryDropped: record({ type: is('HistoryDropped'), before: count }),
  LabelRemoved: record({ type: is('LabelRemoved'), label: name }),
  CheckpointRecorded: record({ type: is('CheckpointRecorded'), seq: count, root: name }),
  LayerAdded: record({
    type: is('LayerAdded'),
    diffId: name,
    chainId: name,
    parent: orNull(name),
    root: name,
    chunks: fc.array(count, { maxLength: 20 }),
    entries: count,
    bytes: count,
  }),
  ImageAdded: record({ type: is('ImageAdded'), image: name, config: bytes, layers: fc.array(name, { maxLength: 5 }) }),
  ImageTagged: record({ type: is('ImageTagged'), reference: name, image: name }),
  ImageUntagged: record({ type: is('ImageUntagged'), reference: name }),
  ImageRemoved: record({ type: is('ImageRemoved'), image: name }),
  LayerRemoved: record({ type: is('LayerRemoved'), chainId: name }),
  LayerFramed: record({ type: is('LayerFramed'), chainId: name, chunks: fc.array(count, { maxLength: 20 }) }),
  ContainerCreated: record({
    type: is('ContainerCreated'),
    container: count,
    id: name,
    name,
    image: orNull(name),
    reference: name,
    profile,
    readOnly: fc.boolean(),
    labels: fc.array(fc.tuple(name, name), { maxLength: 4 }),
    command: fc.array(name, { maxLength: 4 }),
    timeNs: time,
  }),
  ContainerStarted: record({ type: is('ContainerStarted'), container: count, timeNs: time }),
  ContainerPaused: record({ type: is('ContainerPaused'), container: count }),
  ContainerUnpaused: record({ type: is('ContainerUnpaused'), container: count }),
  ContainerStopped: record({ type: is('ContainerStopped'), container: count, exitCode: whole, timeNs: time }),
  ContainerKilled: record({
    type: is('ContainerKilled'),
    container: count,
    signal: name,
    exitCode: whole,
    timeNs: time,
  }),
  ContainerRenamed: record({ type: is('ContainerRenamed'), container: count, name }),
  ContainerRemoved: record({ type: is('ContainerRemoved'), container: count }),
  ContainerCommitted: record({ type: is('ContainerCommitted'), container: count, image: name }),
  ContainerForked: record({
    type: is('ContainerForked'),
    container: count,
    id: name,
    name,
    from: count,
    at: count,
    timeNs: time,
  }),
  ContainerRewound: record({ type: is('ContainerRewound'), container: count, to: count }),
  NodesRestored: fc
    .record({
      nodes: fc.array(fc.tuple(count, count, count), { maxLength: 5 }),
      entries: fc.array(fc.record({ parent: count, name, ino: count }), { maxLength: 5 }),
      container: count,
      whiteouts: fc.array(count, { maxLength: 3 }),
    })
    .map(({ nodes, entries, container, whiteouts }) => ({
      type: 'NodesRestored' as const,
      container,
      nodes: nodes.flat(),
      parents: entries.map((entry) => entry.parent),
      names: entries.map((entry) => entry.name),
      inos: entries.map((entry) => entry.ino),
      whiteouts,
    })),
  MarkAdded: record({
    type: is('MarkAdded'),
    source: name,
    timeNs: time,
    text: name,
    attributes: fc.array(fc.tuple(name, name), { maxLength: 3 }),
  }),
  QuotaSet: record({ type: is('QuotaSet'), container: count, bytes: fc.option(count), inodes: fc.option(count) }),
  ExecCreated: record({
    type: is('ExecCreated'),
    container: count,
    exec: name,
    command: fc.array(name, { maxLength: 4 }),
  }),
  ExecStarted: record({ type: is('ExecStarted'), container: count, exec: name }),
  ExecEnded: record({ type: is('ExecEnded'), container: count, exec: name, exitCode: whole }),
  VolumeCreated: record({
    type: is('VolumeCreated'),
    volume: count,
    kind: fc.constantFrom('volume', 'bind', 'tmpfs'),
    name,
    anonymous: fc.boolean(),
    mode: count,
    uid: count,
    gid: count,
    timeNs: time,
  }),
  VolumePopulated: record({ type: is('VolumePopulated'), volume: count, container: count, target: name }),
  VolumeMounted: record({
    type: is('VolumeMounted'),
    container: count,
    volume: count,
    target: name,
    on: count,
    ino: count,
    readOnly: fc.boolean(),
    noCopy: fc.boolean(),
  }),
  VolumeUnmounted: record({ type: is('VolumeUnmounted'), container: count, volume: count, target: name }),
  VolumeRemoved: record({ type: is('VolumeRemoved'), volume: count }),
};

export const anyFileEvent: fc.Arbitrary<FileEvent> = fc.oneof(...Object.values(FILE_EVENTS));
export const anyEvent: fc.Arbitrary<StoreEvent> = fc.oneof(...(Object.values(EVENTS) as fc.Arbitrary<StoreEvent>[]));

const cause: fc.Arbitrary<Cause> = fc
  .tuple(
    fc.oneof(name, fc.constantFrom(...OPERATIONS)),
    fc.array(
      fc.oneof(
        name,
        whole,
        fc.double({ noNaN: true }).map((value) => value + 0),
      ),
      { maxLength: 5 },
    ),
  )
  .map(([operation, args]) => [operation, ...args]);

/** Transactions whose events repeat the transaction's time as often as they bring their own. */
export const anyTransaction: fc.Arbitrary<Transaction> = record({
  seq: fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1000 })),
  timeNs: time,
  subject: count,
  cause,
  group: orNull(name),
  actor: orNull(name),
  events: fc.array(anyEvent, { minLength: 1, maxLength: 20 }),
  sharesTime: fc.boolean(),
}).map(({ sharesTime, ...transaction }) => (sharesTime ? withSharedTimes(transaction) : transaction));

function withSharedTimes(transaction: Transaction): Transaction {
  const events = transaction.events.map((event, index) =>
    'timeNs' in event && index % 2 === 0 ? { ...event, timeNs: transaction.timeNs } : event,
  );
  return { ...transaction, events };
}
