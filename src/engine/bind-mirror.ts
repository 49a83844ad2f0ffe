/**
 * Writing what happens in a bind back onto the host: a listener of commits that repeats each file event there.
 *
 * The log is first, the host follows. What the host refuses is told as a warning, and the next scan takes the host's state
 * into the log again. Changes that others make on the host meanwhile are seen at the container's next start. Extended
 * attributes and device nodes stay in the log only.
 */

import {
  chmodSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import type { ChunkReader } from '../events/chunk-store.ts';
import type { FileEvent, Ino, SubjectId, Transaction } from '../events/event.ts';
import { kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { PAGE_BYTES } from '../projections/tree/page.ts';
import { isFileEvent } from '../events/file-event.ts';
import type { World } from '../projections/world.ts';
import { BindNames } from './bind-mirror-names.ts';
import { hostPath } from './bind-mirror-scan.ts';

type Path = string | Buffer;

export class BindMirror {
  readonly #world: World;
  readonly #chunks: ChunkReader;
  readonly #warn: (message: string) => void;
  readonly #binds = new Map<SubjectId, BindNames>();
  /** Events that came from the host. */
  readonly #scanned = new WeakSet<FileEvent>();

  constructor(world: World, chunks: ChunkReader, warn: (message: string) => void) {
    this.#world = world;
    this.#chunks = chunks;
    this.#warn = warn;
    for (const { volume, kind, name } of world.registry.volumes.values()) {
      const overlay = kind === 'bind' ? world.overlay(volume) : undefined;
      if (overlay !== undefined) this.#binds.set(volume, new BindNames(name, overlay.tree));
    }
  }

  /** Marks events of a scan, so that they are not written back. */
  fromHost(events: readonly FileEvent[]): readonly FileEvent[] {
    for (const event of events) this.#scanned.add(event);
    return events;
  }

  /** The commit listener. */
  readonly committed = (transaction: Transaction): void => {
    for (const event of transaction.events) {
      if (event.type === 'VolumeCreated' && event.kind === 'bind')
        this.#binds.set(event.volume, new BindNames(event.name));
      else if (event.type === 'VolumeRemoved') this.#binds.delete(event.volume);
    }
    const names = this.#binds.get(transaction.subject);
    if (names === undefined) return;
    for (const event of transaction.events) {
      if (!isFileEvent(event)) continue;
      if (!this.#scanned.has(event)) this.#repeat(transaction.subject, names, event);
      names.apply(event);
    }
  };

  #repeat(subject: SubjectId, names: BindNames, event: FileEvent): void {
    try {
      this.#do(subject, names, event);
    } catch (error) {
      this.#warn(`a bind could not follow ${event.type}: ${(error as Error).message}`);
    }
  }

  #do(subject: SubjectId, names: BindNames, event: FileEvent): void {
    switch (event.type) {
      case 'NodeCreated':
        if (event.parent !== 0) this.#create(hostPath(names.entry(event.parent, event.name)), event);
        return;
      case 'Linked': {
        const path = hostPath(names.entry(event.parent, event.name));
        const existing = names.of(event.ino);
        if (existing === null) this.#publish(subject, event.ino, path);
        else linkSync(hostPath(existing), path);
        return;
      }
      case 'Unlinked':
        return remove(hostPath(names.entry(event.parent, event.name)));
      case 'Renamed': {
        const from = hostPath(names.entry(event.fromParent, event.fromName));
        const to = hostPath(names.entry(event.toParent, event.toName));
        if (event.exchange) exchange(from, to);
        else renameSync(from, to);
        return;
      }
      case 'Written':
        return this.#onFile(names, event.ino, event.timeNs, (file) => this.#write(file, event.offset, event.pieces));
      case 'Truncated':
        return this.#onFile(names, event.ino, event.timeNs, (file) => ftruncateSync(file, event.size));
      case 'Allocated':
        return this.#onFile(names, event.ino, event.timeNs, (file) => {
          if (event.zeroed) writeZeros(file, event.offset, Math.min(event.length, event.size - event.offset));
          ftruncateSync(file, event.size);
        });
      case 'HolePunched': {
        const size = this.#world.overlay(subject)?.tree.get(event.ino)?.size ?? 0;
        const length = Math.min(event.length, size - event.offset);
        return this.#onFile(names, event.ino, event.timeNs, (file) => writeZeros(file, event.offset, length));
      }
      case 'AttributesChanged': {
        const path = names.of(event.ino);
        if (path !== null) changeAttributes(hostPath(path), event);
        return;
      }
      case 'XattrSet':
      case 'XattrRemoved':
        this.#warn(`a bind keeps the extended attribute ${event.name} in the log only`);
        return;
      case 'WhiteoutCreated':
      case 'WhiteoutRemoved':
      case 'OpaqueSet':
      case 'RedirectSet':
      case 'LinkedUp':
      case 'MetacopySet':
      case 'DataCopiedUp':
      case 'NodeReleased':
      case 'DirectoryCopiedUp':
      case 'FileCopiedUp':
      case 'SymlinkCopiedUp':
      case 'NodeCopiedUp':
        return; // a bind has no lower; a node without a name is not on the host
    }
  }

  #create(path: Path, event: Extract<FileEvent, { type: 'NodeCreated' }>): void {
    const mode = event.mode & PERMISSION_BITS;
    const kind = kindOf(event.mode);
    if (kind === 'dir') mkdirSync(path, mode);
    else if (kind === 'symlink') symlinkSync(hostPath(event.target), path);
    else if (kind === 'file') closeSync(openSync(path, 'wx', mode));
    else {
      this.#warn(`a bind keeps the ${kind} ${event.name} in the log only`);
      return;
    }
    lchownSync(path, event.uid, event.gid);
    if (kind !== 'symlink') chmodSync(path, mode);
    setTime(path, event.timeNs);
  }

  /** A file that had no name so far gets on the host with all its content. */
  #publish(subject: SubjectId, ino: Ino, path: Path): void {
    const node = this.#world.overlay(subject)?.tree.get(ino);
    if (node === undefined) return;
    const file = openSync(path, 'wx', node.mode & PERMISSION_BITS);
    try {
      node.content?.forEachPage((page, index) => {
        const { slices } = page;
        for (let quad = 0; quad < slices.length; quad += 4) {
          const length = slices[quad + 1] - slices[quad];
          this.#write(file, index * PAGE_BYTES + slices[quad], [slices[quad + 2], slices[quad + 3], length]);
        }
      });
      ftruncateSync(file, node.size);
    } finally {
      closeSync(file);
    }
    lchownSync(path, node.uid, node.gid);
    setTime(path, node.mtimeNs);
  }

  #onFile(names: BindNames, ino: Ino, timeNs: bigint | null, change: (file: number) => void): void {
    const path = names.of(ino);
    if (path === null) return;
    const file = openSync(hostPath(path), 'r+');
    try {
      change(file);
    } finally {
      closeSync(file);
    }
    if (timeNs !== null) setTime(hostPath(path), timeNs);
  }

  #write(file: number, offset: number, pieces: readonly number[]): void {
    let at = offset;
    for (let index = 0; index < pieces.length; index += 3) {
      const [start, length] = [pieces[index + 1], pieces[index + 2]];
      writeSync(file, this.#chunks.get(pieces[index]), start, length, at);
      at += length;
    }
  }
}

const ZEROS = Buffer.alloc(65_536);

function writeZeros(file: number, offset: number, length: number): void {
  for (let done = 0; done < length; done += ZEROS.length) {
    writeSync(file, ZEROS, 0, Math.min(ZEROS.length, length - done), offset + done);
  }
}

function remove(path: Path): void {
  if (lstatSync(path).isDirectory()) rmdirSync(path);
  else unlinkSync(path);
}

/** Node has no RENAME_EXCHANGE: for a moment the first name is gone. */
function exchange(from: Path, to: Path): void {
  const aside = Buffer.concat([Buffer.from(from), Buffer.from('.overlog-exchange')]);
  renameSync(from, aside);
  renameSync(to, from);
  renameSync(aside, to);
}

function changeAttributes(path: Path, event: Extract<FileEvent, { type: 'AttributesChanged' }>): void {
  const { mode, uid, gid, mtimeNs, atimeNs } = event;
  const status = lstatSync(path, { bigint: true });
  if (uid !== null || gid !== null) lchownSync(path, uid ?? Number(status.uid), gid ?? Number(status.gid));
  if (mode !== null && !status.isSymbolicLink()) chmodSync(path, mode);
  if (mtimeNs !== null || atimeNs !== null) {
    lutimesSync(path, seconds(atimeNs ?? status.atimeNs), seconds(mtimeNs ?? status.mtimeNs));
  }
}

const setTime = (path: Path, timeNs: bigint): void => lutimesSync(path, seconds(timeNs), seconds(timeNs));
const seconds = (timeNs: bigint): number => Number(timeNs) / 1e9;
