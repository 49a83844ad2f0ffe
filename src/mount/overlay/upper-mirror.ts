/**
 * Does on the host what a transaction says, before it is folded: the upper directory has every change in the form of the
 * kernel's overlay when the call returns. What the host refuses (a full disk, say) refuses the call.
 *
 * Names change in one step each, as in fs/overlayfs/dir.c: what is new is made in the work directory and moved, and a
 * whiteout comes with the same step that takes what it stands for.
 */

import { constants, linkSync, mkdirSync, openSync, renameSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import type { ChunkReader } from '../../events/chunk-store.ts';
import type { FileEvent, Ino, StoreEvent } from '../../events/event.ts';
import { isFileEvent } from '../../events/file-event.ts';
import { isDirectoryMode, isFileMode, isSymlinkMode, PERMISSION_BITS, S_ISGID, S_ISUID } from '../../events/mode.ts';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import type { Overlay } from '../../projections/world.ts';
import { CopyUpToHost } from './copy-up-to-host.ts';
import { type HostCall, type HostCalls, RENAME_EXCHANGE, RENAME_WHITEOUT } from './host-calls.ts';
import { EventList, type EventOf } from './event-list.ts';
import { HostFiles } from './host-files.ts';
import type { HostPlaces } from './host-places.ts';
import { IndexedLinks } from './indexed-links.ts';
import type { LayerHandles } from './layer-handles.ts';
import { NamelessNodes } from './nameless-nodes.ts';
import { makeCall, timesCall } from './upper-attributes.ts';
import { UpperContent } from './upper-content.ts';
import type { UpperIndex } from './upper-index.ts';
import { UpperPaths } from './upper-paths.ts';
import { isThere, type WorkDirectory } from './work-directory.ts';

export interface UpperMirrorParts {
  readonly overlay: Overlay;
  readonly upper: string;
  readonly work: WorkDirectory;
  readonly calls: HostCalls;
  readonly places: HostPlaces;
  /** Lowest first. */
  readonly lowers: readonly string[];
  readonly chunks: ChunkReader;
  readonly handles: LayerHandles;
  /** Null: the option index is off. */
  readonly index: UpperIndex | null;
  /** Of overlay's attributes. */
  readonly prefix: string;
  readonly isOpen: (ino: Ino) => boolean;
  /** Data of lower files is here; null: it lies in the lowers. */
  readonly stored: ChunkReader | null;
  /** Of this process: permission bits that the host takes away from what is made. */
  readonly umask: number;
}

export class UpperMirror {
  readonly files = new HostFiles();
  readonly paths: UpperPaths;
  readonly #parts: UpperMirrorParts;
  readonly copyUp: CopyUpToHost;
  readonly #content: UpperContent;
  readonly links: IndexedLinks;
  readonly nameless: NamelessNodes;
  /** Nodes whose times on the host are of the moment that the host was told. */
  readonly #touched = new Set<Ino>();
  readonly #impure = new Set<Ino>();
  /** A file that was made with a descriptor which nobody has asked for yet. */
  #fresh: Ino = 0;
  #events = new EventList([]);

  constructor(parts: UpperMirrorParts) {
    this.#parts = parts;
    this.copyUp = new CopyUpToHost(parts);
    this.paths = new UpperPaths(
      parts.upper,
      () => parts.overlay.tree,
      (ino) => {
        const descriptor = this.files.upperIfOpen(ino);
        return descriptor === null ? null : `/proc/${process.pid}/fd/${descriptor}`;
      },
    );
    this.links = new IndexedLinks(parts, this.paths, this.copyUp);
    this.nameless = new NamelessNodes(parts, this.files, this.paths, this.copyUp);
    this.#content = new UpperContent(this.files, this.paths, parts.calls, parts.chunks);
  }

  /** Does what events say. Throws errors of node:fs; what was done until then stays, as with a kernel's copy-up. */
  repeat(events: readonly StoreEvent[]): void {
    this.#dropFresh();
    this.#events = new EventList(events);
    try {
      for (let index = 0; index < events.length; index++) {
        const event = events[index];
        if (isFileEvent(event) && !this.#events.isDone(index)) this.#do(event, index);
      }
    } finally {
      this.paths.settle();
    }
    if (this.#touched.size > TOUCHED_MAX) this.settleTimes();
  }

  /** Gives nodes on the host the very times that they have in the mount. */
  settleTimes(): void {
    const { tree } = this.#parts.overlay;
    const calls: HostCall[] = [];
    for (const ino of this.#touched) {
      const inode = tree.get(ino);
      if (inode === undefined || !inode.isUpper || (inode.dir === null && inode.nlink === 0)) continue;
      calls.push(timesCall(this.paths.of(ino), inode.atimeNs, inode.mtimeNs));
      if (calls.length === CALLS_AT_ONCE) this.#parts.calls.run(...calls.splice(0));
    }
    this.#parts.calls.run(...calls);
    this.#touched.clear();
  }

  /** The tree is another one, which somebody else brings the upper to. */
  forget(): void {
    this.files.closeAll();
    this.nameless.forget();
    this.#touched.clear();
    this.#impure.clear();
    this.#fresh = 0;
  }

  close(): void {
    this.settleTimes();
    this.files.closeAll();
    this.#parts.work.close();
  }

  #do(event: FileEvent, index: number): void {
    switch (event.type) {
      case 'NodeCreated':
        return this.#create(event, index);
      case 'Linked':
        return this.#link(event);
      case 'Unlinked':
        return this.#unlink(event, index);
      case 'Renamed':
        return this.#rename(event, index);
      case 'WhiteoutCreated':
        return this.#parts.work.placeWhiteout(this.paths.entry(event.parent, event.name), false);
      case 'WhiteoutRemoved':
        if (!this.#events.takesPlace(event.parent, event.name))
          unlinkSync(hostPath(this.paths.entry(event.parent, event.name)));
        return;
      case 'OpaqueSet':
        return this.#mark(event.ino, 'opaque', 'y');
      case 'NodeReleased':
        return this.#release(event.ino);
      case 'DirectoryCopiedUp':
        return this.#copyUpDirectory(event.ino);
      case 'FileCopiedUp':
      case 'SymlinkCopiedUp':
      case 'NodeCopiedUp':
        return this.#copyUpNode(event, index);
      case 'RedirectSet':
        return this.#mark(event.ino, 'redirect', event.redirect);
      case 'MetacopySet':
        return this.#mark(event.ino, 'metacopy', '');
      case 'DataCopiedUp':
        return this.#copyUpData(event);
      case 'LinkedUp':
        this.#markImpure(event.parent);
        return this.links.linkUp(event, this.#keepParent(event.parent));
      case 'Written':
        this.#touched.add(event.ino);
        this.#content.write(event);
        if (!this.#parts.isOpen(event.ino) && this.#fresh === 0) this.#fresh = event.ino;
        return;
      case 'Truncated':
        this.#touched.add(event.ino);
        return this.#content.truncate(event);
      case 'Allocated':
      case 'HolePunched':
        this.#touched.add(event.ino);
        return this.#content.allocate(event);
      case 'AttributesChanged':
        return this.#content.change(event, this.#parts.overlay.tree.get(event.ino));
      case 'XattrSet':
        return this.#content.setAttribute(event, this.#parts.prefix);
      case 'XattrRemoved':
        return this.#content.removeAttribute(event, this.#parts.prefix);
    }
  }

  // ------------------------------------------------------------------------------------------------------------- names

  #create(event: EventOf<'NodeCreated'>, index: number): void {
    const { parent, name, ino, mode } = event;
    this.#touched.add(ino);
    if (parent === 0) return this.#createNameless(event);
    const path = this.paths.entry(parent, name);
    const marks = this.#events.takeAttributes(ino, index, this.#parts.prefix);
    const isOver = this.#hasWhiteout(parent, name);
    this.#touched.add(parent);
    if (!isOver && marks.length === 0 && this.#isOwnerByItself(event)) this.#makeDirectly(event, path);
    else {
      const made = this.#parts.work.name();
      const calls: HostCall[] = [];
      if (isFileMode(mode)) this.#open(ino, made, mode);
      else if (isDirectoryMode(mode)) calls.push(['mkdir', made, mode & PERMISSION_BITS]);
      else calls.push(makeCall(made, mode, event.rdev, event.target));
      calls.push(['chown', made, event.uid, event.gid]);
      if (!isSymlinkMode(mode)) calls.push(['chmod', made, mode & PERMISSION_BITS]);
      for (const [mark, value] of marks) calls.push(['setxattr', made, mark, value]);
      // A whiteout makes way in the same step; a directory can't be moved over it.
      const exchanges = isOver && isDirectoryMode(mode);
      calls.push(['rename', made, path, exchanges ? RENAME_EXCHANGE : 0]);
      if (exchanges) calls.push(['unlink', made]);
      this.#parts.work.build(made, calls);
    }
    this.paths.move(ino, path);
  }

  #makeDirectly({ ino, mode, target }: EventOf<'NodeCreated'>, path: string): void {
    if (isFileMode(mode)) this.#open(ino, path, mode);
    else if (isDirectoryMode(mode)) mkdirSync(hostPath(path), mode & PERMISSION_BITS);
    else symlinkSync(hostPath(target), hostPath(path));
  }

  /** Root's own files have the right owner as they are made. */
  #isOwnerByItself({ parent, uid, gid, mode }: EventOf<'NodeCreated'>): boolean {
    if (!isFileMode(mode) && !isDirectoryMode(mode) && !isSymlinkMode(mode)) return false;
    const directory = this.#parts.overlay.tree.at(parent);
    const isOwn = uid === 0 && gid === (directory.mode & S_ISGID ? directory.gid : 0);
    return isOwn && !(mode & (S_ISUID | this.#parts.umask));
  }

  #createNameless({ ino, uid, gid, mode }: EventOf<'NodeCreated'>): void {
    const path = this.#parts.work.name();
    this.#open(ino, path, mode);
    this.#parts.calls.run(['chown', path, uid, gid], ['chmod', path, mode & PERMISSION_BITS]);
    this.paths.nameless.set(ino, path);
  }

  #open(ino: Ino, path: string, mode: number): void {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR | constants.O_NOFOLLOW;
    this.files.adopt(ino, openSync(hostPath(path), flags, mode & PERMISSION_BITS));
    this.#fresh = ino;
  }

  #dropFresh(): void {
    if (this.#fresh === 0) return;
    if (!this.#parts.isOpen(this.#fresh)) this.files.close(this.#fresh);
    this.#fresh = 0;
  }

  #link(event: EventOf<'Linked'>): void {
    const path = this.paths.entry(event.parent, event.name);
    this.#touched.add(event.parent);
    if (!this.nameless.name(event.ino, path)) {
      const from = hostPath(this.paths.of(event.ino));
      if (this.#hasWhiteout(event.parent, event.name)) {
        const made = this.#parts.work.name();
        linkSync(from, made);
        renameSync(made, hostPath(path));
      } else linkSync(from, hostPath(path));
    }
    this.paths.move(event.ino, path);
  }

  #unlink(event: EventOf<'Unlinked'>, index: number): void {
    const { work, overlay } = this.#parts;
    const path = this.paths.entry(event.parent, event.name);
    const leavesWhiteout = this.#events.takeWhiteout(event.parent, event.name, index);
    const isUpper = this.#isUpper(event.ino);
    const dir = overlay.tree.get(event.ino)?.dir ?? null;
    this.#touched.add(event.parent);
    if (isUpper) this.nameless.keep(event.ino);
    if (dir !== null && isUpper) {
      if (leavesWhiteout) work.whiteoutDirectory(path);
      else if (dir.whiteouts !== null && dir.whiteouts.size > 0) work.removeDirectory(path);
      else rmdirSync(hostPath(path));
    } else if (leavesWhiteout) work.placeWhiteout(path, isUpper);
    else if (isUpper) unlinkSync(hostPath(path));
    this.links.leave(event.ino);
    if (event.released) this.#release(event.ino);
  }

  #rename(event: EventOf<'Renamed'>, index: number): void {
    const { calls, work, overlay } = this.#parts;
    const from = this.paths.entry(event.fromParent, event.fromName);
    const to = this.paths.entry(event.toParent, event.toName);
    for (const parent of [event.fromParent, event.toParent]) this.#touched.add(parent);
    this.#markMoved(event, index);
    if (event.exchange) {
      calls.run(['rename', from, to, RENAME_EXCHANGE]);
      this.paths.move(event.replaced, from);
      return this.paths.move(event.ino, to);
    }
    const leavesWhiteout = this.#events.takeWhiteout(event.fromParent, event.fromName, index);
    // A lower hard link that breaks is a new node, which the tree does not know yet.
    const isDirectory = overlay.tree.get(event.ino)?.dir != null;
    const replacesUpper = event.replaced !== 0 && this.#isUpper(event.replaced);
    if (replacesUpper) {
      this.nameless.keep(event.replaced);
      const whiteouts = overlay.tree.at(event.replaced).dir?.whiteouts;
      if (whiteouts && whiteouts.size > 0) work.clearDirectory(to);
    }
    // A directory can't be moved over a whiteout: the two change places, and the whiteout is at the old name then. A lower
    // directory that is replaced is not on the host at all.
    if (isDirectory && !replacesUpper && this.#hasWhiteout(event.toParent, event.toName)) {
      calls.run(['rename', from, to, RENAME_EXCHANGE]);
      if (!leavesWhiteout) unlinkSync(hostPath(from));
    } else if (leavesWhiteout) calls.run(['rename', from, to, RENAME_WHITEOUT]);
    else renameSync(hostPath(from), hostPath(to));
    this.paths.move(event.ino, to);
    if (event.replaced !== 0) this.links.leave(event.replaced);
    if (event.replacedReleased) this.#release(event.replaced);
  }

  /** Before a node moves it says that nothing below its new name belongs to it, and its new directory that it holds a moved one. */
  #markMoved(event: EventOf<'Renamed'>, index: number): void {
    for (const ino of [event.ino, event.replaced])
      if (this.#events.takeOpaque(ino, index)) this.#mark(ino, 'opaque', 'y');
    const { tree } = this.#parts.overlay;
    if (event.fromParent === event.toParent && !event.exchange) return;
    if (tree.get(event.ino)?.origin !== -1 || this.paths.isNew(event.ino)) this.#markImpure(event.toParent);
    if (event.exchange && (tree.get(event.replaced)?.origin !== -1 || this.paths.isNew(event.replaced)))
      this.#markImpure(event.fromParent);
  }

  #release(ino: Ino): void {
    this.nameless.release(ino);
    this.#touched.delete(ino);
  }

  // ----------------------------------------------------------------------------------------------------------- copy-up

  #copyUpDirectory(ino: Ino): void {
    const { overlay, work } = this.#parts;
    const inode = overlay.tree.at(ino);
    const path = this.paths.of(ino);
    // An earlier call that was refused half way may have brought it here.
    if (isThere(path)) return;
    const made = work.name();
    const copy = this.copyUp.callsFor(ino, made, 'none');
    work.build(made, [...copy, ['rename', made, path, 0], ...this.#keepParent(inode.parent)]);
    this.#markImpure(inode.parent);
  }

  #copyUpNode(event: EventOf<'FileCopiedUp' | 'SymlinkCopiedUp' | 'NodeCopiedUp'>, index: number): void {
    const { work } = this.#parts;
    const isBelow = this.#events.takeMetacopy(event.upperIno, index);
    const data = isBelow ? 'below' : event.type === 'FileCopiedUp' && event.withData ? 'all' : 'none';
    const made = work.name();
    const copy = this.copyUp.callsFor(event.ino, made, data);
    this.files.closeLower(event.ino);
    if (event.parent === 0) {
      work.build(made, copy);
      this.paths.nameless.set(event.upperIno, made);
      return;
    }
    const path = this.paths.entry(event.parent, event.name);
    const keepParent = this.#keepParent(event.parent);
    if (this.links.keeps(event.ino)) this.links.bring(event.ino, path, made, copy, keepParent);
    else work.build(made, [...copy, ['rename', made, path, 0], ...keepParent]);
    this.#markImpure(event.parent);
    this.paths.move(event.upperIno, path);
  }

  #copyUpData({ ino }: EventOf<'DataCopiedUp'>): void {
    this.files.closeLower(ino);
    this.#parts.calls.run(...this.copyUp.dataCalls(this.#parts.overlay.tree.at(ino), this.paths.of(ino)));
    this.#touched.add(ino);
  }

  /** A copy-up leaves the times of the directory alone. */
  #keepParent(parent: Ino): HostCall[] {
    const { atimeNs, mtimeNs } = this.#parts.overlay.tree.at(parent);
    return [timesCall(this.paths.of(parent), atimeNs, mtimeNs)];
  }

  #markImpure(ino: Ino): void {
    if (this.#impure.has(ino)) return;
    this.#mark(ino, 'impure', 'y');
    this.#impure.add(ino);
  }

  #mark(ino: Ino, mark: string, value: string): void {
    this.#parts.calls.run(['setxattr', this.paths.of(ino), this.#parts.prefix + mark, value]);
  }

  /** Whether the node lies in the upper by now. */
  #isUpper(ino: Ino): boolean {
    return this.paths.isNew(ino) || this.#parts.overlay.tree.get(ino)?.isUpper === true;
  }

  #hasWhiteout(parent: Ino, name: string): boolean {
    return this.#parts.overlay.tree.get(parent)?.dir?.whiteouts?.has(name) === true;
  }
}

const TOUCHED_MAX = 16_384;
const CALLS_AT_ONCE = 512;
