/**
 * Directories that the kernel knows by heart: their entries were made through this mount, and it has been told of each since it
 * last changed.
 *
 * READDIRPLUS gives attributes along with names, which saves the kernel a question for each entry that it does not know. To what
 * it knows they are work for nothing, and more than the names are: a `git status` behind a clone spent a quarter of its time so.
 * An entry whose node id is 0 is a name alone (fs/fuse/readdir.c, fuse_direntplus_link).
 *
 * Entries are counted, and rather too few than too many: what is not sure counts as unknown. Where the count is wrong all the same
 * the kernel asks for what it misses, as it would without READDIRPLUS: where it has dropped something without a word, and of
 * a file with several names, which is followed in the directory of the most recent one.
 */

import {
  COPY_FILE_RANGE,
  COPY_FILE_RANGE_64,
  CREATE,
  FALLOCATE,
  GETATTR,
  LINK,
  MKDIR,
  MKNOD,
  REMOVEXATTR,
  RENAME,
  RENAME2,
  RMDIR,
  SETATTR,
  SETXATTR,
  STATX,
  SYMLINK,
  UNLINK,
  WRITE,
} from './protocol.ts';
import { Node, type Nodes } from './nodes.ts';
import type { Request } from './request.ts';

export class KnownEntries {
  readonly #nodes: Nodes;
  /** By the directory's id: entries that were made, less those that are gone or have changed since they were told. */
  readonly #counts = new Map<number, number>();
  /** Nodes that have changed since they were told. */
  readonly #changed = new Set<number>();
  readonly #node = new Node();

  constructor(nodes: Nodes) {
    this.#nodes = nodes;
  }

  /** Whether the kernel knows all entries of a directory. */
  isComplete(directory: number, entries: number): boolean {
    return this.#counts.get(directory) === entries;
  }

  /** Takes note of a request that was done. */
  done(opcode: number, request: Request): void {
    const { nodeId } = request;
    switch (opcode) {
      case CREATE:
      case MKNOD:
      case MKDIR:
      case SYMLINK:
      case LINK:
        this.#count(nodeId, 1);
        return this.#change(nodeId);
      case UNLINK:
      case RMDIR:
        this.#count(nodeId, -1);
        return this.#change(nodeId);
      case RENAME:
      case RENAME2:
        // What moved has changed; whether it has taken another one's place is not asked.
        for (const directory of [nodeId, request.u64(0)]) {
          this.#count(directory, -1);
          this.#change(directory);
        }
        return;
      case COPY_FILE_RANGE:
      case COPY_FILE_RANGE_64:
        return this.#change(request.u64(16));
      case WRITE:
      case FALLOCATE:
      case SETXATTR:
      case REMOVEXATTR:
        return this.#change(nodeId);
      case GETATTR:
      case SETATTR:
      case STATX:
        if (this.#changed.delete(nodeId)) this.#count(this.#parentOf(nodeId), 1);
    }
  }

  /** The kernel has dropped a node. */
  forget(id: number): void {
    this.#counts.delete(id);
    if (this.#counts.size > 0) this.#counts.delete(this.#parentOf(id));
    this.#changed.delete(id);
  }

  /** Something has changed behind the kernel's back. */
  clear(): void {
    this.#counts.clear();
    this.#changed.clear();
  }

  #change(id: number): void {
    if (this.#changed.has(id)) return;
    this.#changed.add(id);
    this.#count(this.#parentOf(id), -1);
  }

  #count(directory: number, change: number): void {
    if (directory !== 0) this.#counts.set(directory, (this.#counts.get(directory) ?? 0) + change);
  }

  /** Id of the directory that a node has its most recent name in; 0: it has none. */
  #parentOf(id: number): number {
    const node = this.#node;
    if (!this.#nodes.find(id, node)) return 0;
    const parent = node.mount.overlay.tree.get(node.ino)?.parent ?? 0;
    return parent === 0 ? 0 : this.#nodes.inoOf(node.mount, parent);
  }
}
