/**
 * The port of kept results: what a projection has made of a log up to an event, in one piece of bytes, so that the next
 * process goes on from there.
 *
 * As checkpoints, none of it is true of itself. Unlike them it may be written by who only reads the log, by several at once.
 */

/** A result that is kept, as its head tells. */
export interface KeptResult {
  /** What it is kept under; another one of that name takes its place. */
  readonly name: string;
  /** The event that it was folded up to. */
  readonly seq: number;
  /** What its keeper has to say of it: the projection, its version, what it was asked for. */
  readonly about: string;
}

export interface ResultStore {
  /** The newest event that a result may be of: what lies behind the log's last commit may be cut off by a crash. */
  readonly seqMax: number;
  /** All that are of this log as it is now; in no order. */
  list(): KeptResult[];
  /** The bytes of a result; null: they are not what was kept, or not there any more. */
  read(result: KeptResult): Buffer | null;
  /**
   * Keeps a result; it is there as a whole or not at all.
   *
   * @param result - Its name: letters, digits and `-`; its event is not behind {@link ResultStore.seqMax}.
   * @throws What the file system throws; what was kept under that name may be there still.
   */
  keep(result: KeptResult, bytes: Uint8Array): void;
  /** It is no loss if that fails. */
  remove(result: KeptResult): void;
}
