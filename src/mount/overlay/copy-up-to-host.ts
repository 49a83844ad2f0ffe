/** Copy-up on the host: a lower object is made in the work directory with all that it has, and moved into the upper in one step. */

import { closeSync, constants, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { hostPath } from '../../engine/bind-mirror-scan.ts';
import { contentRuns } from '../../engine/layer-writer-content.ts';
import type { ChunkReader } from '../../events/chunk-store.ts';
import type { Ino } from '../../events/event.ts';
import { isFileMode, S_IFREG } from '../../events/mode.ts';
import type { Inode } from '../../projections/tree/inode.ts';
import type { Overlay } from '../../projections/world.ts';
import type { HostCall } from './host-calls.ts';
import type { HostPlaces } from './host-places.ts';
import type { LayerHandles } from './layer-handles.ts';
import { attributeCalls, makeCall, timesCall } from './upper-attributes.ts';

/** What of a file's data comes along. `below`: it stays in the lower, and the file says so. */
export type DataWanted = 'all' | 'none' | 'below';

export class CopyUpToHost {
  readonly #overlay: Overlay;
  readonly #places: HostPlaces;
  readonly #prefix: string;
  /** Lowest first. */
  readonly #lowers: readonly string[];
  readonly #handles: LayerHandles;
  readonly #stored: ChunkReader | null;

  /** @param parts.stored - Data of files is here, and not where the lowers lie on the host. */
  constructor(parts: {
    overlay: Overlay;
    places: HostPlaces;
    prefix: string;
    lowers: readonly string[];
    handles: LayerHandles;
    stored: ChunkReader | null;
  }) {
    this.#overlay = parts.overlay;
    this.#places = parts.places;
    this.#prefix = parts.prefix;
    this.#lowers = parts.lowers;
    this.#handles = parts.handles;
    this.#stored = parts.stored;
  }

  /** The calls that make a copy of a node at a path where nothing is. Stored data is written there at once. */
  callsFor(ino: Ino, path: string, data: DataWanted): HostCall[] {
    const inode = this.#overlay.tree.at(ino);
    const calls: HostCall[] = [];
    if (inode.dir !== null) calls.push(['mkdir', path, 0o700]);
    else if (isFileMode(inode.mode) && this.#stored !== null) writeStored(inode, path, data, this.#stored);
    else if (isFileMode(inode.mode)) calls.push(['mknod', path, S_IFREG | 0o600, 0], ...this.#data(inode, path, data));
    else calls.push(makeCall(path, inode.mode, inode.rdev, inode.target));
    calls.push(...attributeCalls(path, inode, this.#prefix));
    calls.push(...this.#origin(ino, inode, path));
    if (data === 'below') calls.push(['setxattr', path, `${this.#prefix}metacopy`, new Uint8Array()]);
    calls.push(timesCall(path, inode.atimeNs, inode.mtimeNs));
    return calls;
  }

  /** The calls that bring the data of a file of attributes only. Stored data is written there at once. */
  dataCalls(inode: Inode, path: string): HostCall[] {
    if (this.#stored !== null) fillStored(inode, path, this.#stored);
    const data = this.#stored === null ? this.#data(inode, path, 'all') : [];
    return [...data, ['removexattr', path, `${this.#prefix}metacopy`]];
  }

  #data(inode: Inode, path: string, data: DataWanted): HostCall[] {
    if (data === 'none') return [];
    const from = this.#places.of(inode);
    if (data === 'below' || from === null) return inode.size === 0 ? [] : [['truncate', path, inode.size]];
    return [['copy', from, path]];
  }

  /** What the kernel knows a lower node by; null where its file system gives nothing of the kind. */
  handleOf(ino: Ino): Buffer | null {
    const inode = this.#overlay.tree.at(ino);
    const layer = inode.isUpper ? inode.origin : inode.layer;
    const directory = this.#lowers[layer];
    const place = directory === undefined ? null : this.#placeIn(directory, ino, inode);
    return place === null ? null : this.#handles.of(layer, [place])[0];
  }

  /** Says where the copy comes from. A lower hard link says nothing: its copy is another node. */
  #origin(ino: Ino, inode: Inode, path: string): HostCall[] {
    const layer = inode.isUpper ? inode.origin : inode.layer;
    const directory = this.#lowers[layer];
    const from = directory === undefined ? null : this.#placeIn(directory, ino, inode);
    if (directory === undefined || from === null || (inode.dir === null && inode.nlink > 1)) return [];
    const uuid = this.#handles.uuidOf(layer);
    return uuid === null ? [] : [['origin', from, path, `${this.#prefix}origin`, uuid]];
  }

  /** Where a node lies in its layer. Of a file with data that is known also where a layer above has moved its directory. */
  #placeIn(directory: string, ino: Ino, inode: Inode): string | null {
    const place = this.#places.of(inode);
    if (place?.startsWith(`${directory}/`)) return place;
    const below = this.#overlay.lower?.pathOf(ino) ?? null;
    return below === null ? null : directory + below;
  }
}

/** Makes a file with its data, holes left out. When the host refuses a part, nothing of it stays. */
function writeStored(inode: Inode, path: string, data: DataWanted, chunks: ChunkReader): void {
  const file = openSync(hostPath(path), constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    if (data === 'all') writeRuns(inode, file, chunks);
    if (data !== 'none') ftruncateSync(file, inode.size);
  } catch (error) {
    unlinkSync(hostPath(path));
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Gives a file that has its size its data. When the host refuses a part, it goes on without: it says that the lower has it. */
function fillStored(inode: Inode, path: string, chunks: ChunkReader): void {
  const file = openSync(hostPath(path), constants.O_WRONLY);
  try {
    writeRuns(inode, file, chunks);
  } finally {
    closeSync(file);
  }
}

function writeRuns(inode: Inode, file: number, chunks: ChunkReader): void {
  for (const { offset, pieces } of contentRuns(inode)) {
    let at = offset;
    for (let index = 0; index < pieces.length; index += 3) {
      const bytes = chunks.get(pieces[index]);
      const end = pieces[index + 1] + pieces[index + 2];
      for (let from = pieces[index + 1], written = 0; from < end; from += written, at += written)
        written = writeSync(file, bytes, from, end - from, at);
    }
  }
}
