/**
 * The port of checkpoints: nodes of trees, each stored once under the digest of its bytes, and what is kept at a moment.
 *
 * Nothing in it is true of itself: it is made from the log and can be made again. So it may refuse a node at any time,
 * and whoever reads has the log to fall back on.
 */

/** Where a node is, and what it must be: a reference in a node makes the digest of that node cover this one too. */
export interface NodeRef {
  /** File and offset in one number. */
  readonly position: number;
  /** First 16 bytes of the SHA-256 of the node, a character (U+0000 to U+00FF) each. */
  readonly digest: string;
}

export const NODE_DIGEST_BYTES = 16;

export interface NodeReader {
  /**
   * The bytes of a node, a view that stays as it is.
   *
   * @throws `ERR_CHECKPOINT_DAMAGED` when they are not there, or not what the digest says.
   */
  node(ref: NodeRef): Buffer;
}

export interface NodeWriter {
  /** Stores a node. The bytes are copied. */
  write(bytes: Uint8Array): NodeRef;
  /** Whether a node that was stored before stays where it is, so that it may be referred to. */
  keeps(ref: NodeRef): boolean;
}

/** A checkpoint: what the fold had made of the log at a moment. */
export interface CheckpointInfo {
  /** Number of its file, in the order of making. */
  readonly file: number;
  /** The moment of the checkpoint before it; 0: the start of the log. */
  readonly from: number;
  /** Its own moment. */
  readonly seq: number;
}

/** A checkpoint that is being written. It is there for nobody until it is published. */
export interface CheckpointDraft extends NodeWriter {
  /**
   * Ends it: what was written and `meta` are on the disk, then it has its name.
   *
   * @param meta - What the checkpoint holds, with references to its nodes.
   * @param done - Gets the failure of the sync or of the rename; not called after {@link CheckpointDraft.abandon}.
   */
  publish(meta: Uint8Array, done: (failure: Error | null) => void): void;
  /** The same at once, also while a {@link CheckpointDraft.publish} has not ended. */
  publishSync(meta: Uint8Array): void;
  /** Drops it. */
  abandon(): void;
}

export interface CheckpointStore extends NodeReader {
  /** The newest commit of the log that it stands beside; null in an empty one. */
  readonly anchor: LogAnchor | null;
  /** Whether the log has that commit where it says: then it has the same transactions in front of it. */
  holds(anchor: LogAnchor): boolean;
  /** Ascending by `seq`. */
  readonly list: readonly CheckpointInfo[];
  /** @throws `ERR_CHECKPOINT_DAMAGED`. */
  meta(checkpoint: CheckpointInfo): Buffer;
  /**
   * Begins a checkpoint.
   *
   * @param replaced - Checkpoints that go when this one is published: it does not refer to their nodes.
   */
  begin(moment: Pick<CheckpointInfo, 'from' | 'seq'>, replaced: readonly CheckpointInfo[]): CheckpointDraft;
  remove(checkpoint: CheckpointInfo): void;
  close(): void;
}

/** A commit of a log: where it lies, and the chain hash that covers everything in front of it. */
export interface LogAnchor {
  readonly segment: number;
  /** Offset in the segment. */
  readonly offset: number;
  /** Newest event in front of it. */
  readonly head: number;
  /** 64 hex digits. */
  readonly chain: string;
}
