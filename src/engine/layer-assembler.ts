/**
 * Takes the entries of an archive and builds a layer of them, by somebody's rules: what of an entry goes where is for the rules to
 * say; content, framing and the end are the same for all.
 */

import type { ChunkStore } from '../events/chunk-store.ts';
import type { Ino } from '../events/event.ts';
import { formatBits, makeDevice, PERMISSION_BITS } from '../events/mode.ts';
import { FramingRecorder } from './layer-framing.ts';
import type { LayerEntry, LayerFraming, LayerSink } from './layer-sink.ts';
import { Chunker } from './layer-writer-content.ts';
import type { LayerWriter, NewNode } from './layer-writer.ts';
import { type BuiltLayer, storeLayer } from './store-layer.ts';

/** An entry that describes a node. */
export type ObjectEntry = Exclude<LayerEntry, { readonly kind: 'hardlink' | 'whiteout' | 'opaque' }>;

/** Of a directory or a file, or of what has no more to it. */
export type PlainEntry = Extract<ObjectEntry, { readonly size: number }>;

/** What entries mean. All may refuse with `ERR_OCI_CORRUPT`. */
export interface LayerRules {
  /** Before anything else of an entry. */
  check?(entry: LayerEntry): void;
  whiteout(path: string): void;
  opaque(path: string): void;
  directory(entry: PlainEntry): void;
  hardlink(path: string, target: string): void;
  /** @returns The number of what was made: content that follows is its own. 0: what follows is nobody's. */
  node(entry: ObjectEntry): Ino;
  /**
   * All entries have come.
   *
   * @returns false: something of the layer was in no tar, and its framing is for nothing.
   */
  finish?(): boolean;
}

export class LayerAssembler implements LayerSink {
  readonly framing: LayerFraming = {
    bytes: (bytes) => this.#recorder.bytes(bytes),
    content: (length) => this.#recorder.content(this.#file, this.#chunker.position, length),
  };
  readonly #rules: LayerRules;
  readonly #writer: LayerWriter;
  readonly #chunks: ChunkStore;
  readonly #recorder: FramingRecorder;
  readonly #chunker: Chunker;
  /** The file whose content comes; 0: none. */
  #file: Ino = 0;

  constructor(rules: LayerRules, parts: { writer: LayerWriter; chunks: ChunkStore }) {
    this.#rules = rules;
    this.#writer = parts.writer;
    this.#chunks = parts.chunks;
    this.#recorder = new FramingRecorder(parts.chunks);
    this.#chunker = new Chunker(parts.chunks, (run) => {
      if (this.#file !== 0) this.#writer.push({ type: 'Written', ino: this.#file, ...run, timeNs: null });
    });
  }

  /** @throws `ERR_OCI_CORRUPT` for an entry that can't be, by the rules. */
  entry(entry: LayerEntry): void {
    this.#endFile();
    this.#file = takeEntry(this.#rules, entry);
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
   * @throws `ERR_OCI_CORRUPT` when the rules find something missing.
   */
  finish(): BuiltLayer {
    this.#endFile();
    const isOfTar = this.#rules.finish?.() ?? true;
    return isOfTar ? storeLayer(this.#writer, this.#chunks, this.#recorder) : storeLayer(this.#writer, this.#chunks);
  }

  #endFile(): void {
    const size = this.#chunker.position;
    this.#chunker.end();
    if (this.#file !== 0) this.#writer.setSize(this.#file, size);
    this.#file = 0;
  }
}

/**
 * Has the rules take an entry.
 *
 * @returns The file whose content comes; 0: none.
 */
export function takeEntry(rules: LayerRules, entry: LayerEntry): Ino {
  rules.check?.(entry);
  switch (entry.kind) {
    case 'whiteout':
      rules.whiteout(entry.path);
      return 0;
    case 'opaque':
      rules.opaque(entry.path);
      return 0;
    case 'dir':
      rules.directory(entry);
      return 0;
    case 'hardlink':
      rules.hardlink(entry.path, entry.target);
      return 0;
    case 'file':
      return rules.node(entry);
    case 'fifo':
    case 'sock':
    case 'symlink':
    case 'chr':
    case 'blk':
      rules.node(entry);
      return 0;
  }
}

/** The node that an entry describes. */
export function nodeOf(entry: ObjectEntry): NewNode {
  const { kind, mode, uid, gid, mtimeNs, xattrs } = entry;
  const isDevice = entry.kind === 'chr' || entry.kind === 'blk';
  return {
    mode: formatBits(kind) | (mode & PERMISSION_BITS),
    uid,
    gid,
    rdev: isDevice ? makeDevice(entry.major, entry.minor) : 0,
    target: entry.kind === 'symlink' ? entry.target : '',
    mtimeNs,
    xattrs,
  };
}

export function splitPath(path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/');
  return { directory: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
}
