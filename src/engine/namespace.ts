/**
 * What a container's processes see: its merged tree, with volumes mounted over some of its directories.
 *
 * A namespace of the live world writes through the engine. One of a past world is read only: its trees are values that
 * nobody changes any more.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO, type SubjectId } from '../events/event.ts';
import type { ContainerRecord } from '../projections/registry.ts';
import type { Overlay, World } from '../projections/world.ts';
import type { Engine } from './engine.ts';
import { LastDirectory } from './last-directory.ts';
import type { OpenFileTable } from './open-file-table.ts';

/** A volume mounted in a container, or the container's own tree (at the root). */
export interface Mount {
  readonly subject: SubjectId;
  readonly overlay: Overlay;
  readonly readOnly: boolean;
  /** The covered node; null for the root mount. */
  readonly covers: { readonly mount: Mount; readonly ino: Ino } | null;
  /** The mount's top node: the root directory, or of a single-file bind the file. */
  readonly top: Ino;
}

/** Whether two mounts, of one namespace or of two of one container, are the same: one tree at one place. */
export const isSameMount = (a: Mount, b: Mount): boolean =>
  a === b ||
  (a.subject === b.subject &&
    a.covers?.ino === b.covers?.ino &&
    (a.covers === null || b.covers === null || isSameMount(a.covers.mount, b.covers.mount)));

/** A node, and the mount through which it was reached. */
export interface Location {
  readonly mount: Mount;
  readonly ino: Ino;
}

export class Namespace {
  /** Null: a past moment. */
  readonly engine: Engine | null;
  readonly chunks: ChunkReader;
  readonly container: SubjectId;
  readonly root: Mount;
  readonly profile: ContainerRecord['profile'];
  readonly files: OpenFileTable;
  readonly lastDirectory = new LastDirectory();
  readonly #covered: Mount[] = [];

  constructor(parts: {
    engine: Engine | null;
    world: World;
    container: ContainerRecord;
    chunks: ChunkReader;
    files: OpenFileTable;
  }) {
    this.engine = parts.engine;
    this.chunks = parts.chunks;
    this.container = parts.container.container;
    this.profile = parts.container.profile;
    this.files = parts.files;
    const isPast = parts.engine === null || parts.engine.log.readOnly;
    this.root = {
      subject: this.container,
      overlay: overlayOf(parts.world, this.container),
      readOnly: isPast || parts.container.readOnly,
      covers: null,
      top: ROOT_INO,
    };
    for (const record of parts.container.mounts) {
      const overlay = parts.world.overlay(record.volume);
      const below =
        record.on === this.container ? this.root : this.#covered.find((mount) => mount.subject === record.on);
      if (overlay === undefined || below === undefined) continue;
      this.#covered.push({
        subject: record.volume,
        overlay,
        readOnly: isPast || record.readOnly,
        covers: { mount: below, ino: record.ino },
        top: topOf(overlay),
      });
    }
  }

  /** The mounts, the root first. */
  get mounts(): readonly Mount[] {
    return [this.root, ...this.#covered];
  }

  get hasMounts(): boolean {
    return this.#covered.length > 0;
  }

  /** The mount that covers a node, if any. The newest wins. */
  mountOver(mount: Mount, ino: Ino): Mount | null {
    for (let index = this.#covered.length - 1; index >= 0; index--) {
      const covers = this.#covered[index].covers;
      if (covers !== null && covers.ino === ino && covers.mount === mount) return this.#covered[index];
    }
    return null;
  }

  /** Whether a node is a mount point: it can't be removed, renamed or replaced. */
  isMountPoint(mount: Mount, ino: Ino): boolean {
    return this.#covered.length > 0 && this.mountOver(mount, ino) !== null;
  }
}

function overlayOf(world: World, subject: SubjectId): Overlay {
  const overlay = world.overlay(subject);
  if (overlay === undefined) throw new Error(`namespace: there is no container ${subject}`);
  return overlay;
}

/** A single-file bind holds one file, named in its root; it is what is seen at the target. */
function topOf(overlay: Overlay): Ino {
  const root = overlay.tree.at(ROOT_INO);
  const single = root.dir?.entries.get('');
  return single ?? ROOT_INO;
}
