/**
 * Builds a layer as Docker 20.10 with overlay2 unpacks it, where that is not what the OCI image spec says (SEM-2.5).
 *
 * Docker unpacks the tar into an empty directory and knows nothing of the layers below: a whiteout is a node like any other
 * that a later entry replaces, without a trace; a symbolic link of a lower layer is no directory here; a hard link finds no
 * file of a lower layer. What its system calls refuse is refused (moby v20.10.24, pkg/archive/archive.go Unpack and
 * archive_linux.go), and so is a path that comes twice (vbatts/tar-split).
 */

import type { ChunkStore } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { formatBits, isSymlinkMode, makeDevice, PERMISSION_BITS } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import { Tree } from '../projections/tree/tree.ts';
import type { BuiltLayer } from './layer-builder.ts';
import { storeLayer } from './layer-builder.ts';
import { FramingRecorder } from './layer-framing.ts';
import type { LayerEntry, LayerFraming, LayerSink } from './layer-sink.ts';
import { Chunker } from './layer-writer-content.ts';
import { ensureDirectory, findDirectory } from './layer-writer-paths.ts';
import { LayerWriter } from './layer-writer.ts';

/** An entry that describes a node. */
type ObjectEntry = Exclude<LayerEntry, { readonly kind: 'hardlink' | 'whiteout' | 'opaque' }>;

export class DockerLayerBuilder implements LayerSink {
  readonly framing: LayerFraming = {
    bytes: (bytes) => this.#recorder.bytes(bytes),
    content: (length) => this.#recorder.content(this.#file, this.#chunker.position, length),
  };
  readonly #recorder: FramingRecorder;
  readonly #writer = new LayerWriter(Tree.empty(0n));
  readonly #chunks: ChunkStore;
  readonly #chunker: Chunker;
  readonly #seen = new Set<string>();
  #file: Ino = 0;

  constructor(chunks: ChunkStore) {
    this.#chunks = chunks;
    this.#recorder = new FramingRecorder(chunks);
    this.#chunker = new Chunker(chunks, (run) => {
      if (this.#file !== 0) this.#writer.push({ type: 'Written', ino: this.#file, ...run, timeNs: null });
    });
  }

  /** @throws `ERR_OCI_CORRUPT` for what Docker refuses. */
  entry(entry: LayerEntry): void {
    this.#endFile();
    this.#expectNew(entry);
    if ('lower' in entry && entry.lower !== undefined) {
      const name = printableName(entry.path);
      throw storeError('ERR_OCI_UNSUPPORTED', `entry "${name}": Docker makes no layers with redirects or metacopy`);
    }
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

  finish(): BuiltLayer {
    this.#endFile();
    return storeLayer(this.#writer, this.#chunks, this.#recorder);
  }

  /** mknod(2) of a device 0:0 under the name: nothing may be there. */
  #whiteout(path: string): void {
    const { parent, name } = this.#placeOf(path, path);
    const isThere = this.#writer.tree.lookup(parent, name) !== 0 || this.#writer.hasWhiteout(parent, name);
    if (isThere) throw refused(path, 'a whiteout of a name that the layer itself has');
    this.#writer.whiteout(parent, name);
  }

  /** setxattr(2) on the directory. On the root the kernel takes no notice of it (L6). */
  #opaque(path: string): void {
    if (path !== '') this.#writer.opaque(this.#ensure(path, path));
  }

  #directory(entry: ObjectEntry): void {
    if (entry.path === '') return this.#writer.setAttributes(ROOT_INO, clamped(entry));
    const { parent, name } = this.#placeOf(entry.path, entry.path);
    const existing = this.#writer.tree.lookup(parent, name);
    if (existing !== 0 && this.#writer.tree.at(existing).dir !== null) {
      this.#writer.setAttributes(existing, clamped(entry));
      return;
    }
    // What a whiteout hid shows again: the directory that takes its place is not opaque.
    this.#dropWhiteout(parent, name);
    this.#writer.createDirectory(parent, name, clamped(entry));
  }

  #node(given: ObjectEntry): void {
    const entry = clamped(given);
    const { parent, name } = this.#placeOf(entry.path, entry.path);
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
    if (entry.kind === 'file') this.#file = ino;
  }

  #hardlink(path: string, target: string): void {
    const at = splitPath(target);
    const directory = findDirectory(this.#writer, at.directory);
    const place = directory === null || directory === 'not-a-directory' ? 0 : directory.layer;
    const ino = place === 0 ? 0 : this.#writer.tree.lookup(place, at.name);
    if (ino === 0)
      throw refused(path, `a hard link to "${printableName(target)}", which this layer does not have so far`);
    if (this.#writer.tree.at(ino).dir !== null) {
      throw refused(path, `a hard link to the directory "${printableName(target)}"`);
    }
    const to = this.#placeOf(path, path);
    if (this.#writer.tree.lookup(to.parent, to.name) !== ino) this.#writer.link(to.parent, to.name, ino);
  }

  #dropWhiteout(parent: Ino, name: string): void {
    if (this.#writer.hasWhiteout(parent, name)) this.#writer.push({ type: 'WhiteoutRemoved', parent, name });
  }

  #placeOf(path: string, entry: string): { parent: Ino; name: string } {
    const { directory, name } = splitPath(path);
    if (name === '') throw refused(entry, 'the root can only be a directory');
    return { parent: this.#ensure(directory, entry), name };
  }

  /** mkdir -p, as far as there is nothing; 0755 of root. */
  #ensure(directory: string, entry: string): Ino {
    const { tree } = this.#writer;
    let path = '';
    let parent: Ino = ROOT_INO;
    for (const name of directory.split('/').filter(Boolean)) {
      path = path === '' ? name : `${path}/${name}`;
      const ino = tree.lookup(parent, name);
      if (ino === 0) {
        this.#dropWhiteoutOnTheWay(parent, name, entry);
        return ensureDirectory(this.#writer, directory, () => {});
      }
      if (isSymlinkMode(tree.at(ino).mode)) {
        const target = findDirectory(this.#writer, path);
        if (target === null || target === 'not-a-directory')
          throw refused(entry, `"${printableName(path)}" leads nowhere`);
        parent = target.layer;
      } else if (tree.at(ino).dir === null) {
        throw refused(entry, `"${printableName(path)}" is not a directory`);
      } else {
        parent = ino;
      }
    }
    return parent;
  }

  #dropWhiteoutOnTheWay(parent: Ino, name: string, entry: string): void {
    if (this.#writer.hasWhiteout(parent, name)) throw refused(entry, `"${printableName(name)}" is a whiteout`);
  }

  #expectNew(entry: LayerEntry): void {
    const { kind, path } = entry;
    const { directory, name } = splitPath(path);
    const slash = directory === '' ? '' : '/';
    const whole =
      kind === 'whiteout' ? `${directory}${slash}.wh.${name}` : kind === 'opaque' ? `${path}/.wh..wh..opq` : path;
    if (this.#seen.has(whole)) throw refused(path, 'this path came before');
    this.#seen.add(whole);
  }

  #endFile(): void {
    const size = this.#chunker.position;
    this.#chunker.end();
    if (this.#file !== 0) this.#writer.setSize(this.#file, size);
    this.#file = 0;
  }
}

/** Docker sets times before 1970 to 1970. */
function clamped<T extends ObjectEntry>(entry: T): T {
  return entry.mtimeNs < 0n ? { ...entry, mtimeNs: 0n } : entry;
}

function splitPath(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}

function refused(path: string, message: string): Error {
  const entry = printableName(path);
  return storeError('ERR_OCI_CORRUPT', `entry "${entry}": ${message}; Docker refuses it`, { detail: { entry } });
}
