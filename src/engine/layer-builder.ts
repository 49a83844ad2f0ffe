/**
 * Builds a layer from the entries of an archive, in the order in which they come (OCI image spec, layer.md).
 *
 * Where archives contradict themselves or importers differ, this is what counts (docs/semantics.md, SEM-2.5): a whiteout
 * or opaque mark hides lower layers only, whatever the order; a path that goes through a symbolic link to a directory is
 * followed inside the image; of two entries with one path the later wins; a hard link finds its target in the layer,
 * before or after it, else below.
 */

import { CHUNK_BYTES_MAX, type ChunkStore } from '../events/chunk-store.ts';
import { splitEventBatches } from '../events/codec.ts';
import type { ChunkNumber, FileEvent, Ino } from '../events/event.ts';
import { ROOT_INO } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { formatBits, makeDevice, PERMISSION_BITS } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import { merkleRoot } from '../projections/tree/merkle.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { FramingRecorder } from './layer-framing.ts';
import { LayerLowerMarks } from './layer-lower-marks.ts';
import type { LayerEntry, LayerFraming, LayerSink, LowerMarks } from './layer-sink.ts';
import { type ContentRun, Chunker } from './layer-writer-content.ts';
import { ensureDirectory, findDirectory } from './layer-writer-paths.ts';
import { LayerWriter } from './layer-writer.ts';

/** A layer that has been built; its content lies in chunks, nothing in the log speaks of it yet. */
export interface BuiltLayer {
  /** The layer's own tree, in upperdir form. */
  readonly tree: Tree;
  readonly events: readonly FileEvent[];
  /** The events as batches, as `LayerAdded` names them. */
  readonly chunks: readonly ChunkNumber[];
  /** Merkle root of the tree, hex. */
  readonly root: string;
  /** Names and whiteouts. */
  readonly entries: number;
  /** st_size over non-directories, hard links once. */
  readonly bytes: number;
  /** Chunks of the framing of its tar; none where it came from no tar, or can't be that tar again. */
  readonly framing: readonly ChunkNumber[];
}

/** Takes what was understood but is odd. `path` is the entry's. */
export type LayerWarning = (path: string, message: string) => void;

/** An entry that describes a node. */
type ObjectEntry = Exclude<LayerEntry, { readonly kind: 'hardlink' | 'whiteout' | 'opaque' }>;
type PlainEntry = Extract<ObjectEntry, { readonly size: number }>;

export class LayerBuilder implements LayerSink {
  readonly framing: LayerFraming = {
    bytes: (bytes) => this.#recorder.bytes(bytes),
    content: (length) => this.#recorder.content(this.#file, this.#chunker.position, length),
  };
  readonly #recorder: FramingRecorder;
  readonly #writer: LayerWriter;
  readonly #chunks: ChunkStore;
  readonly #warn: LayerWarning;
  readonly #chunker: Chunker;
  readonly #lowerMarks: LayerLowerMarks;
  #hasLowerMarks = false;
  /** Hard links whose target the layer does not hold yet. */
  #links: { readonly path: string; readonly target: string }[] = [];
  #file: Ino = 0;
  #isRootOpaque = false;

  /**
   * @param parts.below - Merged view of the layers below; of the lowest layer an empty tree.
   */
  constructor(parts: { chunks: ChunkStore; below: Tree; warn?: LayerWarning }) {
    this.#writer = new LayerWriter(parts.below);
    this.#chunks = parts.chunks;
    this.#recorder = new FramingRecorder(parts.chunks);
    this.#lowerMarks = new LayerLowerMarks(this.#writer);
    this.#warn = parts.warn ?? (() => {});
    this.#chunker = new Chunker(parts.chunks, (run) => this.#written(run));
  }

  /** @throws `ERR_OCI_CORRUPT` for an entry that can't be: a loop of links, a hard link to a directory. */
  entry(entry: LayerEntry): void {
    this.#endFile();
    switch (entry.kind) {
      case 'whiteout':
        return this.#whiteout(entry.path);
      case 'opaque':
        return this.#opaque(entry.path);
      case 'dir':
        return this.#directory(entry);
      case 'hardlink':
        return this.#hardlink(entry.path, entry.target);
      case 'file':
      case 'fifo':
      case 'sock':
      case 'symlink':
      case 'chr':
      case 'blk':
        return this.#node(entry);
    }
  }

  data(bytes: Uint8Array): void {
    this.#chunker.data(bytes);
  }

  hole(length: number): void {
    this.#chunker.hole(length);
  }

  /**
   * Ends the layer and stores its events.
   *
   * @throws `ERR_OCI_CORRUPT` when a hard link has no target.
   */
  finish(): BuiltLayer {
    this.#endFile();
    this.#linkLate();
    if (this.#isRootOpaque) this.#spellOutRootOpaque();
    if (!this.#hasLowerMarks) return storeLayer(this.#writer, this.#chunks, this.#recorder);
    this.#lowerMarks.complete();
    // What came from below is in no tar.
    return storeLayer(this.#writer, this.#chunks);
  }

  #whiteout(path: string): void {
    const { directory, name } = splitPath(path);
    const place = findDirectory(this.#writer, directory);
    if (place === 'not-a-directory') {
      this.#warn(path, 'a whiteout below something that is not a directory hides nothing');
      return;
    }
    // Nothing lies there: nothing to hide, and no directory to make.
    if (place === null) return;
    this.#writer.whiteout(this.#ensure(directory, path), name);
  }

  #opaque(path: string): void {
    const directory = this.#ensure(path, path);
    if (directory === ROOT_INO) {
      this.#isRootOpaque = true;
      this.#writer.hideBelow(ROOT_INO);
    } else {
      this.#writer.opaque(directory);
    }
  }

  #directory(entry: PlainEntry): void {
    if (entry.path === '') return this.#writer.setAttributes(ROOT_INO, entry);
    const { directory, name } = splitPath(entry.path);
    const parent = this.#ensure(directory, entry.path);
    let ino = this.#writer.tree.lookup(parent, name);
    if (ino !== 0 && this.#writer.tree.at(ino).dir !== null) this.#writer.setAttributes(ino, entry);
    else ino = this.#writer.createDirectory(parent, name, entry);
    const redirect = entry.lower?.redirect ?? null;
    if (redirect === null) return;
    this.#hasLowerMarks = true;
    if (!this.#lowerMarks.redirect(ino, redirect))
      this.#warn(
        entry.path,
        `it was redirected to "${printableName(redirect)}", and no layer below has that directory`,
      );
  }

  #node(entry: ObjectEntry): void {
    const { directory, name } = splitPath(entry.path);
    if (name === '') throw corrupt(entry.path, 'the root can only be a directory');
    const parent = this.#ensure(directory, entry.path);
    const isDevice = entry.kind === 'chr' || entry.kind === 'blk';
    const ino = this.#writer.createNode(parent, name, {
      mode: formatBits(entry.kind) | (entry.mode & PERMISSION_BITS),
      uid: entry.uid,
      gid: entry.gid,
      rdev: isDevice ? makeDevice(entry.major, entry.minor) : 0,
      target: entry.kind === 'symlink' ? entry.target : '',
      mtimeNs: entry.mtimeNs,
      xattrs: entry.xattrs,
    });
    this.#dropLateLink(entry.path);
    if (entry.kind !== 'file') return;
    if (entry.lower?.isMetacopy === true) this.#takeData(entry, parent, name, ino, entry.lower);
    else this.#file = ino;
  }

  /** What the entry has of content are the holes of a file without data. */
  #takeData(
    entry: { readonly path: string; readonly size: number },
    parent: Ino,
    name: string,
    ino: Ino,
    marks: LowerMarks,
  ) {
    this.#hasLowerMarks = true;
    if (!this.#lowerMarks.takeData(parent, name, ino, marks))
      throw corrupt(entry.path, 'its data is in a layer below (metacopy), and no layer below has it');
    this.#writer.setSize(ino, entry.size);
  }

  #hardlink(path: string, target: string): void {
    if (this.#link(path, target, false)) {
      this.#dropLateLink(path);
      return;
    }
    // The target may still come. What the layer holds under the name is replaced now, so that a later entry wins over us.
    const { directory, name } = splitPath(path);
    const parent = this.#ensure(directory, path);
    if (this.#writer.tree.lookup(parent, name) !== 0) this.#writer.remove(parent, name);
    this.#dropLateLink(path);
    this.#links.push({ path, target });
  }

  /** Makes the link if its target is in the layer, or with `fromBelow` in a lower one. */
  #link(path: string, target: string, fromBelow: boolean): boolean {
    const writer = this.#writer;
    const at = splitPath(target);
    const directory = findDirectory(writer, at.directory);
    if (directory === null || directory === 'not-a-directory') return false;
    const place = writer.lookup(directory, at.name);
    if (place === null || (place.layer === 0 && !fromBelow)) return false;
    if (writer.nodeAt(place).dir !== null)
      throw corrupt(path, `a hard link to the directory "${printableName(target)}"`);
    // What stands in the link's way goes first, and takes the target along.
    if (target.startsWith(`${path}/`) || path.startsWith(`${target}/`))
      throw corrupt(path, `a hard link to "${printableName(target)}", which it replaces`);
    const ino =
      place.layer !== 0 ? place.layer : writer.copyUp(this.#ensure(at.directory, target), at.name, place.below);
    const to = splitPath(path);
    const parent = this.#ensure(to.directory, path);
    if (writer.tree.lookup(parent, to.name) !== ino) writer.link(parent, to.name, ino);
    return true;
  }

  #linkLate(): void {
    for (const fromBelow of [false, true]) {
      for (let before = -1; this.#links.length !== before;) {
        before = this.#links.length;
        this.#links = this.#links.filter(({ path, target }) => !this.#link(path, target, fromBelow));
      }
    }
    const [lost] = this.#links;
    if (lost !== undefined)
      throw corrupt(lost.path, `a hard link to "${printableName(lost.target)}", which is not there`);
  }

  #dropLateLink(path: string): void {
    if (this.#links.length > 0) this.#links = this.#links.filter((link) => link.path !== path);
  }

  /**
   * An opaque root has no form in an upperdir: the kernel ignores the mark there. So every name is hidden by itself, as
   * the spec has writers do.
   */
  #spellOutRootOpaque(): void {
    const { tree, below } = this.#writer;
    for (const name of below.at(ROOT_INO).dir?.entries.names() ?? []) {
      const ino = tree.lookup(ROOT_INO, name);
      if (ino === 0) this.#writer.whiteout(ROOT_INO, name);
      else if (tree.at(ino).dir !== null && below.at(below.lookup(ROOT_INO, name)).dir !== null) {
        this.#writer.opaque(ino);
      }
    }
  }

  #ensure(directory: string, path: string): Ino {
    return ensureDirectory(this.#writer, directory, () => {
      this.#warn(path, 'it lies below something that is not a directory, which is replaced by one');
    });
  }

  #written(run: ContentRun): void {
    if (this.#file !== 0) this.#writer.push({ type: 'Written', ino: this.#file, ...run, timeNs: null });
  }

  #endFile(): void {
    const size = this.#chunker.position;
    this.#chunker.end();
    if (this.#file !== 0) this.#writer.setSize(this.#file, size);
    this.#file = 0;
  }
}

/** Stores a written layer's events as batches and says what `LayerAdded` needs to know. */
export function storeLayer(writer: LayerWriter, chunks: ChunkStore, recorder?: FramingRecorder): BuiltLayer {
  const { tree, events } = writer;
  const numbers: ChunkNumber[] = [];
  for (const piece of splitEventBatches(events, CHUNK_BYTES_MAX)) numbers.push(chunks.put(piece));
  return {
    tree,
    events,
    chunks: numbers,
    root: merkleRoot(tree, chunks),
    entries: countNames(tree) + tree.whiteouts,
    bytes: tree.upperBytes,
    framing: recorder?.finish(tree) ?? [],
  };
}

/** Without recursion: an archive may nest directories as deep as it likes. */
function countNames(tree: Tree): number {
  let count = 0;
  const directories: Ino[] = [ROOT_INO];
  for (let at = directories.pop(); at !== undefined; at = directories.pop()) {
    tree.at(at).dir?.entries.forEach((_, ino) => {
      count++;
      if (tree.at(ino).dir !== null) directories.push(ino);
    });
  }
  return count;
}

function splitPath(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}

function corrupt(path: string, message: string): Error {
  const entry = printableName(path);
  return storeError('ERR_OCI_CORRUPT', `entry "${entry}": ${message}`, { detail: { entry } });
}
