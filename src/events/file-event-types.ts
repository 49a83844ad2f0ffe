/** What can be said of the files of a container or a volume (event.ts tells by what they are named). */

import type { Ino } from './ids.ts';

export type FileEvent = NameEvent | CopyUpEvent | OverlayMarkEvent | ContentEvent | AttributeEvent;

export type NameEvent =
  | {
      readonly type: 'NodeCreated';
      /** 0: no name yet (O_TMPFILE); link count 0. */
      readonly parent: Ino;
      readonly name: string;
      readonly ino: Ino;
      /** Format and permission bits. */
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** Device number of chr and blk (`mode.ts` makeDevice), else 0. */
      readonly rdev: number;
      /** Target of a symlink, else ''. */
      readonly target: string;
      /** Its atime, mtime and ctime. */
      readonly timeNs: bigint;
      readonly parentTimeNs: bigint | null;
    }
  | {
      readonly type: 'Linked';
      readonly parent: Ino;
      readonly name: string;
      readonly ino: Ino;
      /** Link count afterwards. */
      readonly nlink: number;
      /** The node's ctime; null leaves it. */
      readonly timeNs: bigint | null;
      readonly parentTimeNs: bigint | null;
    }
  /** A name went away: unlink, or rmdir of an empty directory. */
  | {
      readonly type: 'Unlinked';
      readonly parent: Ino;
      readonly name: string;
      readonly ino: Ino;
      /** Link count afterwards; 0 for a directory. A lower node keeps its own count, which is that of its layer. */
      readonly nlink: number;
      /** The node is gone too: no name and no open file holds it. */
      readonly released: boolean;
      readonly timeNs: bigint;
    }
  | {
      readonly type: 'Renamed';
      readonly ino: Ino;
      readonly fromParent: Ino;
      readonly fromName: string;
      readonly toParent: Ino;
      readonly toName: string;
      /** The node that stood at the new name: replaced, or with `exchange` moved to the old name; 0: none. */
      readonly replaced: Ino;
      readonly replacedNlink: number;
      readonly replacedReleased: boolean;
      readonly exchange: boolean;
      readonly timeNs: bigint;
    }
  | { readonly type: 'WhiteoutCreated'; readonly parent: Ino; readonly name: string }
  | { readonly type: 'WhiteoutRemoved'; readonly parent: Ino; readonly name: string }
  /** The directory hides what lowers hold below its name. */
  | { readonly type: 'OpaqueSet'; readonly ino: Ino }
  /** A node without a name was closed for the last time. */
  | { readonly type: 'NodeReleased'; readonly ino: Ino };

/**
 * A lower object was brought into the upper.
 *
 * `layer` is the index of the layer that it came from (lowest 0), `ctimeNs` its new ctime. A directory keeps its inode
 * number. So does any other node, unless copy-up breaks a hard link (`index` off): then `upperIno` is the new node's
 * number, and only the entry `name` in `parent` points at it. With `index` a hard link keeps its number and all its names, of
 * which only `name` comes into the upper. An open file whose name is gone is copied up without one: `parent` is 0 then.
 */
export type CopyUpEvent =
  | { readonly type: 'DirectoryCopiedUp'; readonly ino: Ino; readonly layer: number; readonly ctimeNs: bigint }
  | {
      readonly type: 'FileCopiedUp';
      readonly parent: Ino;
      readonly name: string;
      readonly ino: Ino;
      readonly upperIno: Ino;
      readonly layer: number;
      /** st_size: what Docker's size rule charges to the upper. */
      readonly bytes: number;
      /** Bytes of data that overlay2 copies: allocated, written blocks; 0 when truncated at once or metadata only. */
      readonly copiedBytes: number;
      /** False: the data stays below (metacopy), or is not wanted (O_TRUNC). */
      readonly withData: boolean;
      readonly ctimeNs: bigint;
    }
  | {
      readonly type: 'SymlinkCopiedUp' | 'NodeCopiedUp';
      readonly parent: Ino;
      readonly name: string;
      readonly ino: Ino;
      readonly upperIno: Ino;
      readonly layer: number;
      readonly ctimeNs: bigint;
    };

/** What the options of an overlay other than Docker's write down in the upper. */
export type OverlayMarkEvent =
  /**
   * `redirect_dir`: the node lies where it has no counterpart below and merges with what the lower has at `redirect`: an
   * absolute path, or the name of a sibling. Of a directory that moved, or of a file whose data stayed below.
   */
  | { readonly type: 'RedirectSet'; readonly ino: Ino; readonly redirect: string }
  /** `metacopy`: the upper file has attributes only. Its data is that of node `dataIno` of the lower; 0 in a layer. */
  | { readonly type: 'MetacopySet'; readonly ino: Ino; readonly dataIno: Ino }
  /** The data of such a file was brought into the upper. */
  | {
      readonly type: 'DataCopiedUp';
      readonly ino: Ino;
      readonly dataIno: Ino;
      /** Of what has the data. */
      readonly layer: number;
      /** As of `FileCopiedUp`. */
      readonly copiedBytes: number;
      /** New mtime and ctime; null leaves them. */
      readonly timeNs: bigint | null;
    }
  /** `index`: one more name of a lower hard link that has been copied up came into the upper. */
  | { readonly type: 'LinkedUp'; readonly parent: Ino; readonly name: string; readonly ino: Ino };

export type ContentEvent =
  /** `pieces` are triples (chunk, offset in the chunk, length), one behind the other from `offset` on. */
  | {
      readonly type: 'Written';
      readonly ino: Ino;
      readonly offset: number;
      readonly length: number;
      readonly pieces: readonly number[];
      /** New mtime and ctime; null leaves them. */
      readonly timeNs: bigint | null;
    }
  | { readonly type: 'Truncated'; readonly ino: Ino; readonly size: number; readonly timeNs: bigint | null }
  /** fallocate: blocks are reserved. `zeroed`: what was there reads as zeros now (FALLOC_FL_ZERO_RANGE). */
  | {
      readonly type: 'Allocated';
      readonly ino: Ino;
      readonly offset: number;
      readonly length: number;
      /** st_size afterwards. */
      readonly size: number;
      readonly zeroed: boolean;
      readonly timeNs: bigint;
    }
  | {
      readonly type: 'HolePunched';
      readonly ino: Ino;
      readonly offset: number;
      readonly length: number;
      readonly timeNs: bigint;
    };

export type AttributeEvent =
  /** Null leaves a field as it is. `mode` holds permission bits only. */
  | {
      readonly type: 'AttributesChanged';
      readonly ino: Ino;
      readonly mode: number | null;
      readonly uid: number | null;
      readonly gid: number | null;
      readonly atimeNs: bigint | null;
      readonly mtimeNs: bigint | null;
      readonly ctimeNs: bigint | null;
    }
  | {
      readonly type: 'XattrSet';
      readonly ino: Ino;
      readonly name: string;
      readonly value: Uint8Array;
      readonly ctimeNs: bigint | null;
    }
  | { readonly type: 'XattrRemoved'; readonly ino: Ino; readonly name: string; readonly ctimeNs: bigint };
