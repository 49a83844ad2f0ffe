import type { NodeKind } from '../events/mode.ts';
import type { Overlay } from '../projections/world.ts';

export type ChangeType = 'Added' | 'Modified' | 'Removed' | 'Renamed';

/** `type`: kind of node, or number of a device. `content`: bytes of a file, target of a symlink. */
export type ChangedAspect = 'type' | 'content' | 'mode' | 'owner' | 'mtime' | 'xattrs';

/** One difference between two trees (diff.ts). */
export interface TreeChange {
  readonly change: ChangeType;
  /** Where it is in the second tree; of something Removed, where it was in the first. */
  readonly path: string;
  /** Where it was, if Renamed. */
  readonly from: string | null;
  /** What it is; of something Removed, what it was. */
  readonly kind: NodeKind;
  /** What of it changed; nothing for Added and Removed, perhaps nothing for Renamed. */
  readonly what: readonly ChangedAspect[];
  /** Bytes more (or less) in files, hard links counted once: a further name of a file is 0. */
  readonly sizeDelta: number;
}

/** A tree, and what it stands on. An {@link Overlay} is one. */
export type DiffSide = Pick<Overlay, 'subject' | 'tree' | 'lower'>;
