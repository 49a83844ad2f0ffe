/**
 * Everything at one moment: the registry and the tree of every container and volume.
 *
 * The live world and every past one are the same thing, made by the same fold. A world changes in place while it is
 * folded forward; {@link World.snapshot} gives a value that stays, in the time of one pointer a tree.
 */

import type { OverlayProfile, StoreEvent, SubjectId, Transaction } from '../events/event.ts';
import { lastSeq } from '../events/event.ts';
import { isFileEvent } from '../events/file-event.ts';
import { DOCKER_PROFILE } from '../events/overlay-profile.ts';
import type { LowerViews } from './lower-views.ts';
import {
  applyToRegistry,
  type ContainerRecord,
  EMPTY_REGISTRY,
  type LayerRecord,
  type Registry,
  type RegistryEvent,
  withFork,
} from './registry.ts';
import { BulkTree } from './tree/bulk-tree.ts';
import { applyFileEvent } from './tree/fold.ts';
import { overLower } from './tree/merge.ts';
import { applyRestored } from './tree/restore.ts';
import { Tree } from './tree/tree.ts';

/** A container's or volume's tree, and what it stands on. */
export interface Overlay {
  readonly subject: SubjectId;
  /** The merged tree. Of a volume: its tree. */
  tree: Tree;
  /** The image's merged lower view; null for a volume. */
  readonly lower: Tree | null;
  /** How it treats what is below; of a volume, which has nothing below, as Docker. */
  profile: OverlayProfile;
}

/** Looks up earlier moments for forks and rewinds. */
export interface Past {
  /** The world after event `seq`; it is not changed by the caller. */
  worldAt(seq: number): World;
}

export class World {
  /** Seq of the last event folded in. */
  seq = 0;
  /** Time of the last transaction folded in. */
  timeNs = 0n;
  /** Events of a transaction have been folded in that has not ended: the world is ahead of its `seq`. */
  isPartial = false;
  registry: Registry = EMPTY_REGISTRY;
  readonly lowers: LowerViews;
  readonly #overlays: Map<SubjectId, Overlay>;

  constructor(lowers: LowerViews, overlays = new Map<SubjectId, Overlay>()) {
    this.lowers = lowers;
    this.#overlays = overlays;
  }

  overlay(subject: SubjectId): Overlay | undefined {
    return this.#overlays.get(subject);
  }

  overlays(): Iterable<Overlay> {
    return this.#overlays.values();
  }

  /** The world as it is now, as a value that later folding does not touch. Costs one small object per tree. */
  snapshot(): World {
    const overlays = new Map<SubjectId, Overlay>();
    for (const [subject, overlay] of this.#overlays)
      overlays.set(subject, { ...overlay, tree: overlay.tree.snapshot() });
    const copy = new World(this.lowers, overlays);
    copy.seq = this.seq;
    copy.timeNs = this.timeNs;
    copy.registry = this.registry;
    return copy;
  }

  /** Layers of an image, lowest first. */
  layersOf(image: string): LayerRecord[] {
    const record = this.registry.images.get(image);
    if (record === undefined) throw new Error(`world: there is no image ${image}`);
    return record.layers.map((chainId) => {
      const layer = this.registry.layers.get(chainId);
      if (layer === undefined) throw new Error(`world: there is no layer ${chainId}`);
      return layer;
    });
  }

  /** The merged view that a container of the image stands on; null stands for an empty one. */
  lowerOf(image: string | null): Tree {
    if (image === null) return this.lowers.empty;
    const layers = this.layersOf(image);
    return layers.length === 0 ? this.lowers.empty : this.lowers.stack(layers);
  }

  /** Folds one transaction in. Its `seq` is the next one. */
  apply(transaction: Transaction, past: Past): void {
    this.applyEvents(transaction.subject, transaction.events, transaction.seq, transaction.timeNs, past);
    this.applied(transaction);
  }

  /** Folds events of a transaction that is being made, the first of them number `seq`. {@link World.applied} ends it. */
  applyEvents(subject: SubjectId, events: readonly StoreEvent[], seq: number, timeNs: bigint, past: Past): void {
    this.isPartial = true;
    let tree: Tree | null = null;
    for (let index = 0; index < events.length; index++) {
      const event = events[index];
      if (isFileEvent(event)) applyFileEvent((tree ??= this.#treeOf(subject)), event, seq + index);
      else {
        this.#applyOther(event, seq + index, timeNs, past);
        tree = null; // the event may have made it, or put another in its place
      }
    }
  }

  #applyOther(event: RegistryEvent, seq: number, timeNs: bigint, past: Past): void {
    if (event.type !== 'ContainerForked') this.registry = applyToRegistry(this.registry, event, seq, timeNs);
    this.#applyToTrees(event, seq, past);
  }

  /** A long log is being folded in, and nobody looks at what is in between; or that has ended. */
  setBulk(isBulk: boolean): void {
    for (const overlay of this.#overlays.values()) {
      const { tree } = overlay;
      if (!(tree instanceof BulkTree)) overlay.tree = isBulk ? new BulkTree(tree) : tree;
      else if (!isBulk) overlay.tree = tree.end();
    }
  }

  /** All events of the transaction have been folded in: the world stands behind it now. */
  applied(transaction: Transaction): void {
    this.seq = lastSeq(transaction);
    this.timeNs = transaction.timeNs;
    this.isPartial = false;
  }

  #applyToTrees(event: RegistryEvent, seq: number, past: Past): void {
    switch (event.type) {
      case 'ContainerCreated': {
        const lower = this.lowerOf(event.image);
        this.#overlays.set(event.container, {
          subject: event.container,
          tree: overLower(lower, event.timeNs),
          lower,
          profile: event.profile,
        });
        return;
      }
      case 'ContainerForked': {
        const then = this.#worldAt(event.at, past);
        const source = then.overlay(event.from) as Overlay;
        this.registry = withFork(
          this.registry,
          then.registry.containers.get(event.from) as ContainerRecord,
          event,
          seq,
        );
        this.#overlays.set(event.container, { ...source, subject: event.container, tree: source.tree.snapshot() });
        return;
      }
      case 'ContainerRewound': {
        const overlay = this.#overlays.get(event.container) as Overlay;
        const tree = (this.#worldAt(event.to, past).overlay(event.container) as Overlay).tree.snapshot();
        tree.nextIno = Math.max(tree.nextIno, overlay.tree.nextIno);
        overlay.tree = tree;
        return;
      }
      case 'NodesRestored': {
        const { tree } = this.#overlays.get(event.container) as Overlay;
        const worldAt = (at: number): World => this.#worldAt(at, past);
        const treeAt = (at: number): Tree => (overlayThen(this.registry, event.container, at, worldAt) as Overlay).tree;
        applyRestored(tree, event, seq, treeAt);
        return;
      }
      case 'VolumeCreated':
        this.#overlays.set(event.volume, {
          subject: event.volume,
          tree: Tree.empty(event.timeNs, event.mode, event.uid, event.gid),
          lower: null,
          profile: DOCKER_PROFILE,
        });
        return;
      case 'ContainerRemoved':
        this.#overlays.delete(event.container);
        return;
      case 'VolumeRemoved':
        this.#overlays.delete(event.volume);
        return;
      default:
        return;
    }
  }

  #worldAt(seq: number, past: Past): World {
    return seq === this.seq ? this : past.worldAt(seq);
  }

  #treeOf(subject: SubjectId): Tree {
    const overlay = this.#overlays.get(subject);
    if (overlay === undefined) throw new Error(`world: there is no container or volume ${subject}`);
    return overlay.tree;
  }
}

/**
 * The tree of a container or volume at an earlier moment; up to the moment that a fork was made from, that of its source.
 *
 * @param registry - Of a moment at which it is there.
 * @returns Nothing where neither was there.
 */
export function overlayThen(
  registry: Pick<Registry, 'containers'>,
  subject: SubjectId,
  seq: number,
  worldAt: (seq: number) => World,
): Overlay | undefined {
  const fork = registry.containers.get(subject)?.forkedFrom ?? null;
  if (fork === null || seq > fork.at) return worldAt(seq).overlay(subject);
  return overlayThen(worldAt(fork.at).registry, fork.container, seq, worldAt);
}
