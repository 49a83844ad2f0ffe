import type { FileEvent, StoreEvent, VolumeKind } from './event.ts';
import {
  arity,
  bytes,
  flag,
  int,
  intOrNull,
  ints,
  list,
  malformed,
  text,
  textOrNull,
  texts,
} from './event-codec-fields.ts';
import { time } from './event-codec-times.ts';
import type { StoredEvent } from './event-codec-write.ts';

/** What is about the store, images, containers or volumes: everything but file events. */
type OtherEvent = Exclude<StoreEvent, FileEvent>;

/**
 * The event of a stored form, the inverse of `storedEvent`.
 *
 * @throws `ERR_LOG_CORRUPT` for an unknown code, a missing or superfluous field, a field of another type.
 */
export function eventOf(f: StoredEvent): OtherEvent {
  switch (f[0]) {
    case 1:
      arity(f, 2);
      return { type: 'StoreCreated', storeId: text(f[1]) };
    case 2:
      arity(f, 3);
      return { type: 'LabelSet', label: text(f[1]), seq: int(f[2]) };
    case 3:
      arity(f, 2);
      return { type: 'LabelRemoved', label: text(f[1]) };
    case 4:
      arity(f, 3);
      return { type: 'CheckpointRecorded', seq: int(f[1]), root: text(f[2]) };
    case 5:
      arity(f, 5);
      return { type: 'MarkAdded', source: text(f[1]), timeNs: time(f[2]), text: text(f[3]), attributes: pairs(f[4]) };
    case 6:
      return nodesRestoredOf(f);
    case 8:
      arity(f, 2);
      return { type: 'HistoryDropped', before: int(f[1]) };
    case 10:
      arity(f, 8);
      return {
        type: 'LayerAdded',
        diffId: text(f[1]),
        chainId: text(f[2]),
        parent: textOrNull(f[3]),
        root: text(f[4]),
        chunks: ints(f[5]),
        entries: int(f[6]),
        bytes: int(f[7]),
      };
    case 11:
      arity(f, 4);
      return { type: 'ImageAdded', image: text(f[1]), config: bytes(f[2]), layers: texts(f[3]) };
    case 12:
      arity(f, 3);
      return { type: 'ImageTagged', reference: text(f[1]), image: text(f[2]) };
    case 13:
      arity(f, 2);
      return { type: 'ImageUntagged', reference: text(f[1]) };
    case 14:
      arity(f, 2);
      return { type: 'ImageRemoved', image: text(f[1]) };
    case 15:
      arity(f, 2);
      return { type: 'LayerRemoved', chainId: text(f[1]) };
    case 16:
      arity(f, 3);
      return { type: 'LayerFramed', chainId: text(f[1]), chunks: ints(f[2]) };
    case 20:
      return containerCreatedOf(f);
    case 21:
      arity(f, 3);
      return { type: 'ContainerStarted', container: int(f[1]), timeNs: time(f[2]) };
    case 22:
      arity(f, 2);
      return { type: 'ContainerPaused', container: int(f[1]) };
    case 23:
      arity(f, 2);
      return { type: 'ContainerUnpaused', container: int(f[1]) };
    case 24:
      arity(f, 4);
      return { type: 'ContainerStopped', container: int(f[1]), exitCode: int(f[2]), timeNs: time(f[3]) };
    case 25:
      arity(f, 5);
      return {
        type: 'ContainerKilled',
        container: int(f[1]),
        signal: text(f[2]),
        exitCode: int(f[3]),
        timeNs: time(f[4]),
      };
    case 26:
      arity(f, 3);
      return { type: 'ContainerRenamed', container: int(f[1]), name: text(f[2]) };
    case 27:
      arity(f, 2);
      return { type: 'ContainerRemoved', container: int(f[1]) };
    case 28:
      arity(f, 3);
      return { type: 'ContainerCommitted', container: int(f[1]), image: text(f[2]) };
    case 29:
      arity(f, 7);
      return {
        type: 'ContainerForked',
        container: int(f[1]),
        id: text(f[2]),
        name: text(f[3]),
        from: int(f[4]),
        at: int(f[5]),
        timeNs: time(f[6]),
      };
    case 30:
      arity(f, 3);
      return { type: 'ContainerRewound', container: int(f[1]), to: int(f[2]) };
    case 31:
      arity(f, 4);
      return { type: 'QuotaSet', container: int(f[1]), bytes: intOrNull(f[2]), inodes: intOrNull(f[3]) };
    case 32:
      arity(f, 4);
      return { type: 'ExecCreated', container: int(f[1]), exec: text(f[2]), command: texts(f[3]) };
    case 33:
      arity(f, 3);
      return { type: 'ExecStarted', container: int(f[1]), exec: text(f[2]) };
    case 34:
      arity(f, 4);
      return { type: 'ExecEnded', container: int(f[1]), exec: text(f[2]), exitCode: int(f[3]) };
    case 40:
      arity(f, 9);
      return {
        type: 'VolumeCreated',
        volume: int(f[1]),
        kind: volumeKindOf(f[2]),
        name: text(f[3]),
        anonymous: flag(f[4]),
        mode: int(f[5]),
        uid: int(f[6]),
        gid: int(f[7]),
        timeNs: time(f[8]),
      };
    case 41:
      arity(f, 4);
      return { type: 'VolumePopulated', volume: int(f[1]), container: int(f[2]), target: text(f[3]) };
    case 42:
      arity(f, 8);
      return {
        type: 'VolumeMounted',
        container: int(f[1]),
        volume: int(f[2]),
        target: text(f[3]),
        on: int(f[4]),
        ino: int(f[5]),
        readOnly: flag(f[6]),
        noCopy: flag(f[7]),
      };
    case 43:
      arity(f, 4);
      return { type: 'VolumeUnmounted', container: int(f[1]), volume: int(f[2]), target: text(f[3]) };
    case 44:
      arity(f, 2);
      return { type: 'VolumeRemoved', volume: int(f[1]) };
    default:
      throw malformed(`unknown code ${String(f[0])}`);
  }
}

function containerCreatedOf(f: StoredEvent): OtherEvent {
  arity(f, 11);
  const profile = int(f[6]);
  return {
    type: 'ContainerCreated',
    container: int(f[1]),
    id: text(f[2]),
    name: text(f[3]),
    image: textOrNull(f[4]),
    reference: text(f[5]),
    profile: { redirectDir: (profile & 1) !== 0, index: (profile & 2) !== 0, metacopy: (profile & 4) !== 0 },
    readOnly: flag(f[7]),
    labels: pairs(f[8]),
    command: texts(f[9]),
    timeNs: time(f[10]),
  };
}

function nodesRestoredOf(f: StoredEvent): OtherEvent {
  arity(f, 7);
  const [nodes, parents, inos, whiteouts] = [ints(f[2]), ints(f[3]), ints(f[5]), ints(f[6])];
  const names = texts(f[4]);
  if (nodes.length % 3 !== 0 || parents.length !== names.length || inos.length !== names.length) {
    throw malformed('lists of a restoration have different lengths');
  }
  return { type: 'NodesRestored', container: int(f[1]), nodes, parents, names, inos, whiteouts };
}

/** Keys and values, one behind the other. */
function pairs(value: unknown): [string, string][] {
  const stored = list(value);
  if (stored.length % 2 !== 0) throw malformed('a key has no value');
  const result: [string, string][] = [];
  for (let index = 0; index < stored.length; index += 2) result.push([text(stored[index]), text(stored[index + 1])]);
  return result;
}

function volumeKindOf(value: unknown): VolumeKind {
  if (value === 'volume' || value === 'bind' || value === 'tmpfs') return value;
  throw malformed('a volume kind is missing');
}
