/**
 * Node ids: the numbers by which the kernel knows what it looked up.
 *
 * A node of the container's own tree has its inode number, which is never used twice; one of a volume has the volume's place
 * in front of it. So there is no table, and nothing to count. Two kinds need one nevertheless:
 *
 * - A lower hard link whose copy-up will break it (`index` off) is a node of its own under each name, as on the kernel's
 *   overlayfs. Each such name has an id of its own, which stays when it is copied up.
 * - A node that lost its last name and that nobody has open is gone from the tree, while the kernel may still ask for its
 *   attributes (the working directory of a process that was removed). Its last state is kept until the kernel forgets it.
 */

import type { FileEvent, Ino, SubjectId } from '../events/event.ts';
import type { Inode } from '../projections/tree/inode.ts';
import type { AliasRecord, ServeJournal } from './serve-journal.ts';
import type { Mount, Namespace } from '../engine/namespace.ts';

/** Room for inode numbers below the place of a mount. */
const MOUNT_FACTOR = 2 ** 42;
/** Ids of names of breakable links start here. */
const ALIAS_BASE = 2 ** 52;

/** One name of a lower hard link. */
interface Alias {
  readonly id: number;
  readonly mount: Mount;
  readonly parent: Ino;
  readonly name: string;
  /** The lower node, then the one it was copied up to. */
  ino: Ino;
  /** Lookups that the kernel has not forgotten. */
  lookups: number;
}

/** Numbers that nodes have elsewhere. */
export interface NodeNumbers {
  of(ino: Ino): number | bigint;
  forget(ino: Ino): void;
}

/** Where a node id leads. */
export class Node {
  mount!: Mount;
  ino: Ino = 0;
  /** The name by which the node would be copied up; 0 and '': ask the tree. */
  parent: Ino = 0;
  name = '';
}

export class Nodes {
  readonly #mounts: readonly Mount[];
  readonly #keepsLinks: boolean;
  readonly #aliases = new Map<number, Alias>();
  /** By the name, while it is lower; and by the number of the upper node that it became. */
  readonly #aliasByName = new Map<string, Alias>();
  readonly #aliasByUpper = new Map<string, Alias>();
  readonly #removed = new Map<number, Inode>();
  #nextAlias = ALIAS_BASE;
  /** Numbers for `stat` that are not the tree's; null: they are. */
  readonly #numbers: NodeNumbers | null;
  /** Told of what another server would have to know; null: there will be none. */
  journal: ServeJournal | null = null;

  constructor(namespace: Namespace, numbers: NodeNumbers | null = null) {
    this.#numbers = numbers;
    this.#mounts = namespace.mounts;
    this.#keepsLinks = namespace.profile.index;
  }

  /** Finds a node; false when the id means nothing, or its node is gone. */
  find(id: number, node: Node): boolean {
    if (id >= ALIAS_BASE) {
      const alias = this.#aliases.get(id);
      if (alias === undefined) return false;
      node.mount = alias.mount;
      node.ino = alias.ino;
      node.parent = alias.parent;
      node.name = alias.name;
      return true;
    }
    const place = id < MOUNT_FACTOR ? 0 : Math.floor(id / MOUNT_FACTOR);
    const mount = this.#mounts[place];
    if (mount === undefined) return false;
    node.mount = mount;
    node.ino = id - place * MOUNT_FACTOR;
    node.parent = 0;
    node.name = '';
    return true;
  }

  /** The number that `stat` and `readdir` show. */
  shownOf(mount: Mount, ino: Ino): number | bigint {
    return this.#numbers === null ? this.inoOf(mount, ino) : this.#numbers.of(ino);
  }

  /** The number of the node itself: unique in the mount, whatever volumes are in it. */
  inoOf(mount: Mount, ino: Ino): number {
    return mount === this.#mounts[0] ? ino : this.#mounts.indexOf(mount) * MOUNT_FACTOR + ino;
  }

  /**
   * The id of a node that was found under a name; for one of a breakable link this counts as a lookup.
   *
   * @param isLookup - The kernel will remember it, and forget it later.
   */
  idOf(mount: Mount, ino: Ino, inode: Inode, parent: Ino, name: string, isLookup: boolean): number {
    if (inode.dir === null && mount.overlay.lower !== null && !this.#keepsLinks) {
      if (!inode.isUpper && inode.nlink > 1) return this.#aliasOf(mount, ino, parent, name, isLookup);
      if (this.#aliasByUpper.size > 0) {
        const alias = this.#aliasByUpper.get(`${mount.subject}/${ino}`);
        if (alias !== undefined) {
          if (isLookup) alias.lookups++;
          return alias.id;
        }
      }
    }
    return this.inoOf(mount, ino);
  }

  /** The ids that a node goes by: for telling the kernel that it changed. */
  idsOf(mount: Mount, ino: Ino): number[] {
    const ids = [this.inoOf(mount, ino)];
    for (const alias of this.#aliases.values()) if (alias.mount === mount && alias.ino === ino) ids.push(alias.id);
    return ids;
  }

  mountOf(subject: SubjectId): Mount | undefined {
    return this.#mounts.find((mount) => mount.subject === subject);
  }

  /** Keeps what a node was when it left the tree. */
  remove(id: number, inode: Inode): void {
    this.#removed.set(id, inode);
  }

  /** Takes over a name of a breakable link from a server that is dead. */
  adopt({ id, subject, parent, name, ino, isUpper, lookups }: AliasRecord): void {
    const mount = this.mountOf(subject);
    if (mount === undefined) return;
    const alias: Alias = { id, mount, parent, name, ino, lookups };
    this.#aliases.set(id, alias);
    if (isUpper) this.#aliasByUpper.set(`${subject}/${ino}`, alias);
    else this.#aliasByName.set(nameKey(mount, parent, name), alias);
    this.#nextAlias = Math.max(this.#nextAlias, id + 1);
  }

  removed(id: number): Inode | undefined {
    return this.#removed.get(id);
  }

  forget(id: number, lookups: number): void {
    if (this.#removed.delete(id)) this.journal?.forgotten(id);
    if (this.#numbers !== null && id < ALIAS_BASE && this.#mounts[0].overlay.tree.get(id) === undefined)
      this.#numbers.forget(id);
    if (id < ALIAS_BASE) return;
    const alias = this.#aliases.get(id);
    if (alias === undefined) return;
    alias.lookups -= lookups;
    if (alias.lookups > 0) return;
    this.#aliases.delete(id);
    this.journal?.forgotten(id);
    this.#aliasByName.delete(nameKey(alias.mount, alias.parent, alias.name));
    this.#aliasByUpper.delete(`${alias.mount.subject}/${alias.ino}`);
  }

  /** A copy-up broke a link: the name's id stands for the new node from now on. */
  copiedUp(
    subject: SubjectId,
    event: Extract<FileEvent, { type: 'FileCopiedUp' | 'SymlinkCopiedUp' | 'NodeCopiedUp' }>,
    current: Node,
  ): void {
    if (event.upperIno === event.ino || this.#aliases.size === 0) return;
    const alias = event.parent === 0 ? this.#namelessAlias(event.ino, current) : this.#named(subject, event);
    if (alias === undefined) return;
    alias.ino = event.upperIno;
    this.#aliasByUpper.set(`${subject}/${event.upperIno}`, alias);
    this.#aliasByName.delete(nameKey(alias.mount, alias.parent, alias.name));
    this.#note(alias, true);
  }

  #note({ id, mount, parent, name, ino, lookups }: Alias, isUpper: boolean): void {
    this.journal?.alias({ id, subject: mount.subject, parent, name, ino, isUpper, lookups });
  }

  #named(subject: SubjectId, event: { readonly parent: Ino; readonly name: string }): Alias | undefined {
    return this.#aliasByName.get(`${subject}/${event.parent}/${event.name}`);
  }

  /** The name that the request came by is gone already. */
  #namelessAlias(ino: Ino, current: Node): Alias | undefined {
    for (const alias of this.#aliases.values()) {
      if (alias.ino === ino && alias.parent === current.parent && alias.name === current.name) return alias;
    }
    return undefined;
  }

  #aliasOf(mount: Mount, ino: Ino, parent: Ino, name: string, isLookup: boolean): number {
    const key = nameKey(mount, parent, name);
    let alias = this.#aliasByName.get(key);
    if (alias === undefined || alias.ino !== ino) {
      alias = { id: this.#nextAlias++, mount, parent, name, ino, lookups: 0 };
      this.#aliasByName.set(key, alias);
      this.#aliases.set(alias.id, alias);
    }
    if (isLookup) alias.lookups++;
    this.#note(alias, false);
    return alias.id;
  }
}

const nameKey = (mount: Mount, parent: Ino, name: string): string => `${mount.subject}/${parent}/${name}`;
