/**
 * Builds a layer from the entries of an archive, in the order in which they come (OCI image spec, layer.md).
 *
 * Where archives contradict themselves or importers differ, this is what counts (docs/semantics.md, SEM-2.5): a whiteout
 * or opaque mark hides lower layers only, whatever the order; a path that goes through a symbolic link to a directory is
 * followed inside the image; of two entries with one path the later wins; a hard link finds its target in the layer,
 * before or after it, else below.
 */

import type { ChunkStore } from '../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import type { Tree } from '../projections/tree/tree.ts';
import {
  LayerAssembler,
  type LayerRules,
  nodeOf,
  type ObjectEntry,
  type PlainEntry,
  splitPath,
} from './layer-assembler.ts';
import { LayerChecker } from './layer-checker.ts';
import { LayerLowerMarks } from './layer-lower-marks.ts';
import type { LowerMarks } from './layer-sink.ts';
import { inOrderOfNeed } from './late-links.ts';
import { ensureDirectory, findDirectory } from './layer-writer-paths.ts';
import { LayerWriter } from './layer-writer.ts';

/** Takes what was understood but is odd. `path` is the entry's. */
export type LayerWarning = (path: string, message: string) => void;

/**
 * A sink that builds a layer by these rules.
 *
 * @param parts.below - Merged view of the layers below; of the lowest layer an empty tree.
 */
export function layerBuilder(parts: { chunks: ChunkStore; below: Tree; warn?: LayerWarning }): LayerAssembler {
  const writer = new LayerWriter(parts.below);
  return new LayerAssembler(new SpecRules(writer, parts.warn ?? (() => {})), { writer, chunks: parts.chunks });
}

/** A sink that finds what {@link layerBuilder} would refuse. */
export function layerChecker(below: Tree): LayerChecker {
  const writer = new LayerWriter(below);
  return new LayerChecker(new SpecRules(writer, () => {}), writer);
}

class SpecRules implements LayerRules {
  readonly #writer: LayerWriter;
  readonly #warn: LayerWarning;
  /** Hard links whose target the layer does not hold yet: target by path. */
  readonly #links = new Map<string, string>();
  #isRootOpaque = false;
  readonly #lowerMarks: LayerLowerMarks;
  #hasLowerMarks = false;

  constructor(writer: LayerWriter, warn: LayerWarning) {
    this.#writer = writer;
    this.#warn = warn;
    this.#lowerMarks = new LayerLowerMarks(writer);
  }

  whiteout(path: string): void {
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

  opaque(path: string): void {
    const directory = this.#ensure(path, path);
    if (directory === ROOT_INO) {
      this.#isRootOpaque = true;
      this.#writer.hideBelow(ROOT_INO);
    } else {
      this.#writer.opaque(directory);
    }
  }

  directory(entry: PlainEntry): void {
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

  node(entry: ObjectEntry): Ino {
    const { directory, name } = splitPath(entry.path);
    if (name === '') throw corrupt(entry.path, 'the root can only be a directory');
    const parent = this.#ensure(directory, entry.path);
    const ino = this.#writer.createNode(parent, name, nodeOf(entry));
    this.#links.delete(entry.path);
    if (entry.kind !== 'file' || entry.lower?.isMetacopy !== true) return ino;
    this.#takeData(entry, parent, name, ino, entry.lower);
    return 0;
  }

  /** What the entry has of content are the holes of a file without data. */
  #takeData(
    entry: { readonly path: string; readonly size: number },
    parent: Ino,
    name: string,
    ino: Ino,
    marks: LowerMarks,
  ): void {
    this.#hasLowerMarks = true;
    if (!this.#lowerMarks.takeData(parent, name, ino, marks))
      throw corrupt(entry.path, 'its data is in a layer below (metacopy), and no layer below has it');
    this.#writer.setSize(ino, entry.size);
  }

  hardlink(path: string, target: string): void {
    if (this.#link(path, target, false)) {
      this.#links.delete(path);
      return;
    }
    // The target may still come. What the layer holds under the name is replaced now, so that a later entry wins over us.
    const { directory, name } = splitPath(path);
    const parent = this.#ensure(directory, path);
    if (this.#writer.tree.lookup(parent, name) !== 0) this.#writer.remove(parent, name);
    this.#links.delete(path);
    this.#links.set(path, target);
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

  finish(): boolean {
    this.#linkLate();
    if (this.#isRootOpaque) this.#spellOutRootOpaque();
    // What came from below is in no tar.
    if (this.#hasLowerMarks) this.#lowerMarks.complete();
    return !this.#hasLowerMarks;
  }

  #linkLate(): void {
    for (const fromBelow of [false, true]) {
      for (let before = -1; this.#links.size !== before;) {
        before = this.#links.size;
        for (const path of inOrderOfNeed(this.#links, (each) => this.#nameOf(each))) {
          if (this.#link(path, this.#links.get(path) as string, fromBelow)) this.#links.delete(path);
        }
      }
    }
    for (const [path, target] of this.#links) {
      throw corrupt(path, `a hard link to "${printableName(target)}", which is not there`);
    }
  }

  /** One text for all paths that lead to one name: links to directories are gone through. */
  #nameOf(path: string): string {
    const { directory, name } = splitPath(path);
    const place = findDirectory(this.#writer, directory);
    if (place === null || place === 'not-a-directory') return path;
    return `${place.layer}:${place.below}/${name}`;
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
}

function corrupt(path: string, message: string): Error {
  const entry = printableName(path);
  return storeError('ERR_OCI_CORRUPT', `entry "${entry}": ${message}`, { detail: { entry } });
}
