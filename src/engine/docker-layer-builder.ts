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
import { isSymlinkMode } from '../events/mode.ts';
import { printableName } from '../events/name.ts';
import { Tree } from '../projections/tree/tree.ts';
import { LayerAssembler, type LayerRules, nodeOf, type ObjectEntry, splitPath } from './layer-assembler.ts';
import { LayerChecker } from './layer-checker.ts';
import type { LayerEntry } from './layer-sink.ts';
import { ensureDirectory, findDirectory } from './layer-writer-paths.ts';
import { LayerWriter } from './layer-writer.ts';

/** A sink that builds a layer as Docker does. */
export function dockerLayerBuilder(chunks: ChunkStore): LayerAssembler {
  const writer = new LayerWriter(Tree.empty(0n));
  return new LayerAssembler(new DockerRules(writer), { writer, chunks });
}

/** A sink that finds what {@link dockerLayerBuilder} would refuse. */
export function dockerLayerChecker(): LayerChecker {
  const writer = new LayerWriter(Tree.empty(0n));
  return new LayerChecker(new DockerRules(writer), writer);
}

class DockerRules implements LayerRules {
  readonly #writer: LayerWriter;
  readonly #seen = new Set<string>();

  constructor(writer: LayerWriter) {
    this.#writer = writer;
  }

  /** mknod(2) of a device 0:0 under the name: nothing may be there. */
  whiteout(path: string): void {
    const { parent, name } = this.#placeOf(path, path);
    const isThere = this.#writer.tree.lookup(parent, name) !== 0 || this.#writer.hasWhiteout(parent, name);
    if (isThere) throw refused(path, 'a whiteout of a name that the layer itself has');
    this.#writer.whiteout(parent, name);
  }

  /** setxattr(2) on the directory. On the root the kernel takes no notice of it (L6). */
  opaque(path: string): void {
    if (path !== '') this.#writer.opaque(this.#ensure(path, path));
  }

  directory(entry: ObjectEntry): void {
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

  node(given: ObjectEntry): Ino {
    const entry = clamped(given);
    const { parent, name } = this.#placeOf(entry.path, entry.path);
    return this.#writer.createNode(parent, name, nodeOf(entry));
  }

  hardlink(path: string, target: string): void {
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

  /** A path comes once. */
  check(entry: LayerEntry): void {
    if ('lower' in entry && entry.lower !== undefined) {
      const name = printableName(entry.path);
      throw storeError('ERR_OCI_UNSUPPORTED', `entry "${name}": Docker makes no layers with redirects or metacopy`);
    }
    const { kind, path } = entry;
    const { directory, name } = splitPath(path);
    const slash = directory === '' ? '' : '/';
    const whole =
      kind === 'whiteout' ? `${directory}${slash}.wh.${name}` : kind === 'opaque' ? `${path}/.wh..wh..opq` : path;
    if (this.#seen.has(whole)) throw refused(path, 'this path came before');
    this.#seen.add(whole);
  }
}

/** Docker sets times before 1970 to 1970. */
function clamped<T extends ObjectEntry>(entry: T): T {
  return entry.mtimeNs < 0n ? { ...entry, mtimeNs: 0n } : entry;
}

function refused(path: string, message: string): Error {
  const entry = printableName(path);
  return storeError('ERR_OCI_CORRUPT', `entry "${entry}": ${message}; Docker refuses it`, { detail: { entry } });
}
