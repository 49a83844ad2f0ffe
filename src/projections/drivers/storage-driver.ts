/**
 * What a storage driver is here: parameters, rules with their sources, and a model that prices a history.
 *
 * A model is a fold. For every writable layer it keeps a {@link StoredTree}, which takes the file events of that container one
 * by one and says what each would have cost. It sees what an overlay saw, so a copy-up reaches a driver that has none, too: it
 * decides what that would have been there. Nothing in a model does I/O, and nothing is decided by anything but the events.
 *
 * To add a driver: one file beside this one, and its name in drivers.ts (CONTRIBUTING.md, "To add a storage driver").
 */

import type { FileEvent, Ino } from '../../events/event.ts';
import type { Inode } from '../tree/inode.ts';
import type { Tree } from '../tree/tree.ts';
import type { StateReader, StateWriter } from './state-bytes.ts';
import type { TreeTotals } from './tree-totals.ts';

export interface DriverParameter {
  readonly name: string;
  readonly defaultValue: number;
  readonly min: number;
  readonly max: number;
  readonly mustBePowerOfTwo?: true;
  /** What it is, with its unit. */
  readonly meaning: string;
  /** Where the default comes from. */
  readonly source: string;
}

/** Parameters by name, defaults filled in. */
export type DriverValues = Readonly<Record<string, number>>;

/** How a figure comes about, and who says so. */
export interface Rule {
  readonly formula: string;
  readonly source: string;
}

export interface DriverRules {
  /** Bytes copied, and space taken, when something that others hold is written for the first time. */
  readonly firstWrite: Rule;
  /** What a writable layer takes. */
  readonly container: Rule;
  /** What a layer of an image takes. */
  readonly layer: Rule;
  /** What beside data is counted, and what is not. */
  readonly metadata: Rule;
  readonly newContainer: Rule;
  readonly read: Rule;
  /** What comes back when a file or a container is removed. */
  readonly remove: Rule;
}

export interface StorageDriver {
  /** As it is asked for: `overlay2`, `qcow2`. */
  readonly name: string;
  readonly title: string;
  /** `measured`: a test compares the model with the real thing. `published`: with the rules that its authors publish. */
  readonly evidence: 'measured' | 'published';
  readonly parameters: readonly DriverParameter[];
  /** What is wrong with values that are each in their bounds; null: nothing. */
  readonly conflict?: (values: DriverValues) => string | null;
  readonly rules: DriverRules;
  /** Limits that a history can run into. */
  readonly limits: readonly LimitRule[];
  model(values: DriverValues): StorageModel;
}

export interface StorageModel {
  /** A layer that is unpacked over a stack; null: over nothing. */
  layer(below: StoredLayer | null, layer: LayerContent): StoredLayer;
  /** A new container; null: without an image. */
  container(stack: StoredLayer | null, lower: Tree): StoredTree;
  /** The layer that {@link StoredLayer.encode} wrote. */
  decodeLayer(reader: StateReader): StoredLayer;
  /** The container that {@link StoredTree.encode} wrote. */
  decodeContainer(reader: StateReader, lower: LowerFiles): StoredTree;
  /** What making a container of that image costs. */
  newContainer(stack: StoredLayer | null, lower: TreeTotals): CreationCost;
  /** What a read of 4 KiB costs when nothing is cached, in a container of so many image layers. */
  read(layers: number): ReadCost;
}

/** Nodes of an image by their numbers: its merged view, or one that is made when it is first asked. */
export type LowerFiles = Pick<Tree, 'get'>;

export interface Space {
  readonly dataBytes: number;
  /** What the rule `metadata` counts. */
  readonly metadataBytes: number;
}

/** What a first write cost: bytes of old data that were written again, and space that was taken for it. */
export interface FirstWrite {
  readonly copiedBytes: number;
  readonly takenBytes: number;
}

export interface CreationCost extends Space {
  /** Bytes copied before it can start. */
  readonly copiedBytes: number;
}

export interface ReadCost {
  /** Places in which a name of the lowest layer is looked for, the first time. */
  readonly lookups: number;
  /** Bytes that come from the disk. */
  readonly readBytes: number;
}

/** A layer of an image as a driver keeps it. */
export interface StoredLayer {
  /** What this layer takes beside those below it. */
  readonly ownSpace: Space;
  /** All there is to say of it beside the parameters of its driver. */
  encode(writer: StateWriter): void;
}

/** A writable layer as a driver keeps it. Changed in place by its owner; {@link StoredTree.snapshot} gives a value that stays. */
export interface StoredTree {
  /** @returns What the event cost, when it was a first write to something that was shared. */
  apply(event: FileEvent, seq: number): FirstWrite | null;
  snapshot(): StoredTree;
  /** Somebody else holds what was there after event `at`: its parts are written anew from now on. */
  share(at: number): void;
  /** File `ino` is again what file `from` was in another state of this layer; where that had no such file it is gone. */
  restore(ino: Ino, then: StoredTree, from: Ino, seq: number): void;
  /**
   * What a container that starts as this one is now has to copy.
   *
   * @returns null when the two share everything.
   */
  forkCost(totals: ContainerTotals): FirstWrite | null;
  /** What this layer takes beside what its image does. Parts that forks share are counted in each of them. */
  space(totals: ContainerTotals): Space;
  /** Space that removed files held and that only the container's removal gives back. */
  retainedBytes(): number;
  /**
   * The parts of {@link StoredTree.space} that may be shared with forks, each with a key that is equal exactly where the
   * space is the same. Nothing where forks share nothing.
   *
   * @param has - As of {@link ContainerTotals}.
   */
  parts(visit: (key: string, bytes: number) => void, has: (ino: Ino) => boolean): void;
  /** All there is to say of it beside its image and the parameters of its driver. It must not be changed afterwards. */
  encode(writer: StateWriter): void;
}

/** What one layer of an image brings. */
export interface LayerContent {
  /** From the lowest, 0. */
  readonly index: number;
  /** Merged views with the layer and without. Numbers of nodes are those of the merged view. */
  readonly merged: Tree;
  readonly below: Tree;
  readonly totals: TreeTotals;
  /** Visits what the layer itself holds. */
  forEachNode(visit: (node: Inode, ino: number) => void): void;
  /** Visits what it removes or replaces. */
  forEachRemoved(visit: (node: Inode, ino: number) => void): void;
}

/** Counts of a container's tree, made when first asked for. */
export interface ContainerTotals {
  readonly upper: TreeTotals;
  readonly merged: TreeTotals;
  /** Whether a node is there: a restoration takes nodes away without naming them. */
  has(ino: Ino): boolean;
  /** Whether it has a name: one that is only held open is in none of the counts. */
  isNamed(ino: Ino): boolean;
}

/** What a history shows that drivers may have limits for. */
export interface Reached {
  /** Layers of the image. */
  readonly layers: number;
  /** Renames of directories that have a part in the image. */
  readonly lowerDirectoryRenames: number;
  /** Copy-ups of one of several names of a file of the image. */
  readonly brokenLinks: number;
  /** Bytes of blocks of everything that is seen. */
  readonly mergedBytes: number;
}

export interface LimitRule {
  readonly limit: string;
  readonly source: string;
  /** How far a container got, and whether that is too far. */
  readonly check: (reached: Reached, values: DriverValues) => { readonly reached: number; readonly isHit: boolean };
}
