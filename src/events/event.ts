/**
 * What can be said in the log: every effect on a store, as facts in the past tense.
 *
 * A {@link Transaction} is what one call did: an ordered list of events that become visible together or not at all.
 * Each event has its own sequence number: the first event of a transaction has `transaction.seq`, the next one more.
 *
 * File events are about the tree of the transaction's subject (a container's merged tree, or a volume's). They name
 * objects by inode number, a directory entry by parent inode and name, never by path: a fold then walks no path, and a
 * rename of a directory is one event. Every field is explicit, so that a fold decides nothing and cannot fail.
 *
 * Times are int64 nanoseconds since 1970 (negative before). `parentTimeNs` is what the parent's mtime and ctime become;
 * null leaves them as they are (content of an image layer, whose directories bring their own times).
 */

import type { FileEvent } from './file-event-types.ts';
import type { ChunkNumber, Ino, SubjectId } from './ids.ts';

export type {
  AttributeEvent,
  ContentEvent,
  CopyUpEvent,
  FileEvent,
  NameEvent,
  OverlayMarkEvent,
} from './file-event-types.ts';
export { type ChunkNumber, type Ino, ROOT_INO, STORE_SUBJECT, type SubjectId } from './ids.ts';

/** What was asked: operation name, then its arguments as the caller gave them. */
export type Cause = readonly [operation: string, ...args: (string | number)[]];

/** Stands where nobody wants to know the cause. */
export const NO_CAUSE: Cause = [''];

export interface Transaction {
  /** Sequence number of the first event, from 1. */
  readonly seq: number;
  readonly timeNs: bigint;
  /** The container or volume that it is about. */
  readonly subject: SubjectId;
  readonly cause: Cause;
  /** A caller's id for a step of work (one tool call, one scenario step, one process), or null. */
  readonly group: string | null;
  /** Who asked, in the caller's words, or null. */
  readonly actor: string | null;
  /** At least one. */
  readonly events: readonly StoreEvent[];
}

/** Sequence number of a transaction's last event. */
export const lastSeq = (transaction: Transaction): number => transaction.seq + transaction.events.length - 1;

export type StoreEvent = LogEvent | ImageEvent | ContainerEvent | VolumeEvent | FileEvent;

// ---------------------------------------------------------------------------------------------------------- store

export type LogEvent =
  | { readonly type: 'StoreCreated'; readonly storeId: string }
  /** The label names the state after event `seq`. Setting it again moves it. */
  | { readonly type: 'LabelSet'; readonly label: string; readonly seq: number }
  | { readonly type: 'LabelRemoved'; readonly label: string }
  /** A checkpoint of the state after event `seq` was written; `root` is its digest. A hint: it can always be rebuilt. */
  | { readonly type: 'CheckpointRecorded'; readonly seq: number; readonly root: string }
  /** History in front of the moment `before` was dropped: it is the oldest one that can be asked about. */
  | { readonly type: 'HistoryDropped'; readonly before: number }
  /** Something that others saw, at a time of its own: a container engine's event, a note. It changes nothing. */
  | {
      readonly type: 'MarkAdded';
      /** Who saw it: `docker`, `podman`. */
      readonly source: string;
      readonly timeNs: bigint;
      readonly text: string;
      readonly attributes: readonly (readonly [key: string, value: string])[];
    };

// --------------------------------------------------------------------------------------------------------- images

export type ImageEvent =
  | {
      readonly type: 'LayerAdded';
      /** `sha256:…` of the uncompressed layer tar. */
      readonly diffId: string;
      /** `sha256:…` of the stack up to and including this layer (OCI image spec, "Layer ChainID"). */
      readonly chainId: string;
      /** chainID of the stack below; null for the lowest layer. */
      readonly parent: string | null;
      /** Merkle root of the layer's own tree, hex. */
      readonly root: string;
      /** The layer's content: batches of file events (codec: event batch), in order. */
      readonly chunks: readonly ChunkNumber[];
      /** Entries of the layer, whiteouts included. */
      readonly entries: number;
      /** Size by Docker's rule: st_size over non-directories, hard links once. */
      readonly bytes: number;
    }
  | {
      readonly type: 'ImageAdded';
      /** `sha256:…` of the config. */
      readonly image: string;
      /** The config JSON, as its bytes were; holds history, environment, architecture. */
      readonly config: Uint8Array;
      /** chainIDs, lowest layer first. */
      readonly layers: readonly string[];
    }
  | { readonly type: 'ImageTagged'; readonly reference: string; readonly image: string }
  | { readonly type: 'ImageUntagged'; readonly reference: string }
  | { readonly type: 'ImageRemoved'; readonly image: string }
  | { readonly type: 'LayerRemoved'; readonly chainId: string }
  /** The tar that a layer came from can be put together again: the chunks of its framing (docs/log-format.md), in order. */
  | { readonly type: 'LayerFramed'; readonly chainId: string; readonly chunks: readonly ChunkNumber[] };

// ----------------------------------------------------------------------------------------------------- containers

/** Overlay options of a container, each as the kernel's mount option of that name. */
export interface OverlayProfile {
  readonly redirectDir: boolean;
  readonly index: boolean;
  readonly metacopy: boolean;
}

export type ContainerEvent =
  | {
      readonly type: 'ContainerCreated';
      readonly container: SubjectId;
      /** 64 hex digits. */
      readonly id: string;
      readonly name: string;
      /** Image id (`sha256:…`), or null: an empty lower. */
      readonly image: string | null;
      /** The reference that it was created by, as asked. */
      readonly reference: string;
      readonly profile: OverlayProfile;
      /** The root file system refuses writes (volumes do not). */
      readonly readOnly: boolean;
      readonly labels: readonly (readonly [key: string, value: string])[];
      readonly command: readonly string[];
      /** Times of the new upper's root directory. */
      readonly timeNs: bigint;
    }
  | { readonly type: 'ContainerStarted'; readonly container: SubjectId; readonly timeNs: bigint }
  | { readonly type: 'ContainerPaused'; readonly container: SubjectId }
  | { readonly type: 'ContainerUnpaused'; readonly container: SubjectId }
  | {
      readonly type: 'ContainerStopped';
      readonly container: SubjectId;
      readonly exitCode: number;
      readonly timeNs: bigint;
    }
  | {
      readonly type: 'ContainerKilled';
      readonly container: SubjectId;
      readonly signal: string;
      readonly exitCode: number;
      readonly timeNs: bigint;
    }
  | { readonly type: 'ContainerRenamed'; readonly container: SubjectId; readonly name: string }
  | { readonly type: 'ContainerRemoved'; readonly container: SubjectId }
  | { readonly type: 'ContainerCommitted'; readonly container: SubjectId; readonly image: string }
  /** A new container whose tree is that of container `from` after event `at`. */
  | {
      readonly type: 'ContainerForked';
      readonly container: SubjectId;
      readonly id: string;
      readonly name: string;
      readonly from: SubjectId;
      readonly at: number;
      readonly timeNs: bigint;
    }
  /** The container's tree became again what it was after event `to`. */
  | { readonly type: 'ContainerRewound'; readonly container: SubjectId; readonly to: number }
  /**
   * Names and nodes of a tree became what they were at earlier moments; the rest of it stayed: a group was undone, one path
   * went back, something removed came back.
   *
   * All names of the lists go first, then nodes get their state, then the names that have a node are given. A node without
   * a name in the end is gone, with all below it.
   */
  | {
      readonly type: 'NodesRestored';
      /** The container, or the volume. */
      readonly container: SubjectId;
      /**
       * Triples (ino, from, at): node `ino` has the attributes and content that `from` had after event `at`; it is made where
       * there is none. Of a directory not its names. Up to the moment that a fork was made from, its past is its source's.
       */
      readonly nodes: readonly number[];
      /** The names: entry `names[i]` of the directory `parents[i]` is node `inos[i]`, or nothing where that is 0. */
      readonly parents: readonly Ino[];
      readonly names: readonly string[];
      readonly inos: readonly Ino[];
      /** Of the entries that are nothing, by their place in the lists, those that hide a lower one (whiteouts). */
      readonly whiteouts: readonly number[];
    }
  | ExecEvent
  | QuotaSet;

/** One more program in a container beside its first, as `docker exec` starts them. */
export type ExecEvent =
  | {
      readonly type: 'ExecCreated';
      readonly container: SubjectId;
      /** 64 hex digits. */
      readonly exec: string;
      /** The program and its arguments; at least the program. */
      readonly command: readonly string[];
    }
  | { readonly type: 'ExecStarted'; readonly container: SubjectId; readonly exec: string }
  /** It has ended, or the end of its container took it along. */
  | {
      readonly type: 'ExecEnded';
      readonly container: SubjectId;
      readonly exec: string;
      readonly exitCode: number;
    };

/** How much the container's upper may hold from now on; null: any. */
export interface QuotaSet {
  readonly type: 'QuotaSet';
  readonly container: SubjectId;
  readonly bytes: number | null;
  readonly inodes: number | null;
}

// -------------------------------------------------------------------------------------------------------- volumes

export type VolumeKind = 'volume' | 'bind' | 'tmpfs';

export type VolumeEvent =
  | {
      readonly type: 'VolumeCreated';
      readonly volume: SubjectId;
      readonly kind: VolumeKind;
      /** Its name; of a bind the absolute host path; of a tmpfs an id. */
      readonly name: string;
      /** Made by a mount without a name; goes with `rm -v`. */
      readonly anonymous: boolean;
      /** Attributes of its root directory (or, of a single-file bind, of the file). */
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly timeNs: bigint;
    }
  /** The file events that follow in this transaction copy image content into the empty volume. */
  | {
      readonly type: 'VolumePopulated';
      readonly volume: SubjectId;
      readonly container: SubjectId;
      readonly target: string;
    }
  | {
      readonly type: 'VolumeMounted';
      readonly container: SubjectId;
      readonly volume: SubjectId;
      /** Absolute path in the container. */
      readonly target: string;
      /** Whose tree holds the node that it covers: the container's, or for a mount inside a mount that volume's. */
      readonly on: SubjectId;
      /** The node that it covers. */
      readonly ino: Ino;
      readonly readOnly: boolean;
      /** `:nocopy`: never populated from image content. */
      readonly noCopy: boolean;
    }
  | {
      readonly type: 'VolumeUnmounted';
      readonly container: SubjectId;
      readonly volume: SubjectId;
      readonly target: string;
    }
  | { readonly type: 'VolumeRemoved'; readonly volume: SubjectId };
