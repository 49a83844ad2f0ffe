import type { NodeKind } from '../events/mode.ts';

/** Attributes of an entry as an archive or a directory gives them. */
export interface EntryAttributes {
  /** Permission bits, setuid, setgid and sticky included; no format bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  /** Names as in events/name.ts; values are kept, not copied. */
  readonly xattrs: readonly (readonly [name: string, value: Uint8Array])[];
}

/** Marks of an upperdir's object that point into the layers below. */
export interface LowerMarks {
  /** The directory or the data lies at that name beside it, or at that path from the root, in the layers below; null: at its own. */
  readonly redirect: string | null;
  /** The file has attributes and a size, and its data is below. */
  readonly isMetacopy: boolean;
}

/**
 * One entry of a layer, in the order of the archive.
 *
 * `path` is relative to the root, '' for the root itself, components joined by one `/`, without `.` and `..` (a reader
 * clamps `..` at the root). Components are names as in events/name.ts.
 */
export type LayerEntry =
  | ({
      readonly kind: Exclude<NodeKind, 'symlink' | 'chr' | 'blk'>;
      readonly path: string;
      /** Files: length of the content that {@link LayerSink.data} brings next. */
      readonly size: number;
      /** Of directories and files that have some. */
      readonly lower?: LowerMarks;
    } & EntryAttributes)
  | ({ readonly kind: 'symlink'; readonly path: string; readonly target: string } & EntryAttributes)
  | ({
      readonly kind: 'chr' | 'blk';
      readonly path: string;
      readonly major: number;
      readonly minor: number;
    } & EntryAttributes)
  /** Another name of `target` (a path like `path`), which may be in this layer, earlier or later, or in a lower one. */
  | { readonly kind: 'hardlink'; readonly path: string; readonly target: string }
  /** Hides what lower layers hold at `path` (never an entry of its own layer). */
  | { readonly kind: 'whiteout'; readonly path: string }
  /** The directory `path` hides what lower layers hold below it. */
  | { readonly kind: 'opaque'; readonly path: string };

/**
 * Takes the entries of one layer.
 *
 * For a file, `data` is called with consecutive pieces after its entry, in sum `size` bytes; `hole` stands for zeros
 * that need no storage. Pieces are read during the call, not kept.
 */
export interface LayerSink {
  entry(entry: LayerEntry): void;
  data(bytes: Uint8Array): void;
  hole(length: number): void;
  /** Told of every byte of a layer's tar, in order, where the sink wants to put that tar together again. */
  readonly framing?: LayerFraming;
}

/** A tar as it goes by: what is not content, and how much content lies between. */
export interface LayerFraming {
  /** Bytes that no {@link LayerSink.data} gets; a view that is valid during the call. */
  bytes(bytes: Uint8Array): void;
  /** The next call of {@link LayerSink.data} gets so many bytes, which stand in the tar here. */
  content(length: number): void;
}
