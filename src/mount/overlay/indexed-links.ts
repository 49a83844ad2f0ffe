/** Hard links of the lower on the host, with the option `index`: how they and their names come into the upper, and go. */

import { unlinkSync } from 'node:fs';
import { EIO, fsError } from '../../engine/errno.ts';
import type { Ino } from '../../events/event.ts';
import type { Overlay } from '../../projections/world.ts';
import type { CopyUpToHost } from './copy-up-to-host.ts';
import type { EventOf } from './event-list.ts';
import type { HostCall, HostCalls } from './host-calls.ts';
import { linksOverUpper, linksText, type UpperIndex } from './upper-index.ts';
import type { UpperPaths } from './upper-paths.ts';
import type { WorkDirectory } from './work-directory.ts';

export interface IndexedLinksParts {
  readonly overlay: Overlay;
  readonly work: WorkDirectory;
  readonly calls: HostCalls;
  /** Of overlay's attributes. */
  readonly prefix: string;
  /** Null: the option is off. */
  readonly index: UpperIndex | null;
}

export class IndexedLinks {
  readonly #parts: IndexedLinksParts;
  readonly #paths: UpperPaths;
  readonly #copyUp: CopyUpToHost;

  constructor(parts: IndexedLinksParts, paths: UpperPaths, copyUp: CopyUpToHost) {
    this.#parts = parts;
    this.#paths = paths;
    this.#copyUp = copyUp;
    this.findEntries();
  }

  /** Takes the entries that were found when the index was read. */
  findEntries(): void {
    this.#paths.indexed.clear();
    for (const [ino, entry] of this.#parts.index?.found ?? []) this.#paths.indexed.set(ino, entry);
  }

  /** Whether a lower node's names stay together when it is copied up (ovl_need_index). */
  keeps(ino: Ino): boolean {
    const { nlink, isDirectory } = this.#parts.overlay.tree.at(ino);
    return this.#parts.index !== null && !isDirectory && nlink > 1;
  }

  /**
   * Copies a node up into the index, and gives it from there the name by which it is changed (ovl_do_copy_up with to_index).
   *
   * @param copy - The calls that make it under the name `made`.
   * @param keepParent - Those that give the directory its times back.
   */
  bring(ino: Ino, path: string, made: string, copy: readonly HostCall[], keepParent: readonly HostCall[]): void {
    const { index, work, calls, prefix, overlay } = this.#parts;
    const handle = this.#copyUp.handleOf(ino);
    if (handle === null || index === null) throw fsError(EIO, 'name_to_handle_at', path);
    const entry = index.entryOf(handle);
    const marks: HostCall[] = [
      ['setxattr', made, `${prefix}origin`, handle],
      ['setxattr', made, `${prefix}nlink`, this.#linksOverLower(ino)],
    ];
    work.build(made, [...copy, ...marks, ['rename', made, entry, 0]]);
    work.build(entry, [['link', entry, path], ...keepParent]);
    calls.run(['setxattr', entry, `${prefix}nlink`, linksOverUpper(overlay.tree.at(ino).nlink, 1)]);
    this.#paths.indexed.set(ino, entry);
  }

  /** Brings one more name of a node into the upper (ovl_link_up). */
  linkUp({ ino, parent, name }: EventOf<'LinkedUp'>, keepParent: readonly HostCall[]): void {
    const { calls, prefix, overlay } = this.#parts;
    const { nlink, upperLinks } = overlay.tree.at(ino);
    const entry = this.#paths.of(ino);
    calls.run(
      ['setxattr', entry, `${prefix}nlink`, this.#linksOverLower(ino)],
      ['link', entry, this.#paths.entry(parent, name)],
      ...keepParent,
      ['setxattr', entry, `${prefix}nlink`, linksOverUpper(nlink, upperLinks + 1)],
    );
  }

  /** A name is gone: with the last one the node leaves the index, too (ovl_cleanup_index). */
  leave(ino: Ino): void {
    const entry = this.#paths.indexed.get(ino);
    if (entry === undefined || this.#parts.overlay.tree.get(ino)?.nlink !== 1) return;
    unlinkSync(entry);
    this.#paths.indexed.delete(ino);
  }

  /** What holds while a name is on its way into the upper: the count in relation to that of the lower. */
  #linksOverLower(ino: Ino): string {
    const { lower, tree } = this.#parts.overlay;
    return linksText('L', tree.at(ino).nlink - (lower?.get(ino)?.nlink ?? 0));
  }
}
