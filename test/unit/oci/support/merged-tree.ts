import { createHash } from 'node:crypto';
import type { LayerEntry } from '../../../../src/engine/layer-sink.ts';
import { encodeName } from '../../../../src/events/name.ts';
import type { RecordedEntry } from './record-sink.ts';

interface Node {
  readonly entry: Exclude<LayerEntry, { kind: 'hardlink' | 'whiteout' | 'opaque' }>;
  readonly content: Buffer;
}

/** A tree as layers on top of each other make it: the plain meaning of the image spec, for comparing, by a flat map. */
export class MergedTree {
  #nodes = new Map<string, Node>();

  apply(layer: readonly RecordedEntry[]): void {
    const lower = this.#nodes;
    this.#nodes = new Map(lower);
    for (const { entry } of layer) {
      if (entry.kind === 'whiteout') this.#remove(entry.path, true);
      if (entry.kind === 'opaque') this.#remove(entry.path, false);
    }
    for (const { entry, content } of layer) {
      if (entry.kind === 'whiteout' || entry.kind === 'opaque') continue;
      const node = entry.kind === 'hardlink' ? this.#nodes.get(entry.target) : { entry, content };
      if (node === undefined) throw new Error(`no target for ${entry.path}`);
      if (entry.kind !== 'dir' || this.#nodes.get(entry.path)?.entry.kind !== 'dir') this.#remove(entry.path, true);
      this.#nodes.set(entry.path, node);
    }
  }

  #remove(path: string, withItself: boolean): void {
    const below = path === '' ? '' : `${path}/`;
    for (const key of this.#nodes.keys()) {
      if ((withItself && key === path) || (key !== '' && key !== path && key.startsWith(below)))
        this.#nodes.delete(key);
    }
  }

  /** One object per entry, with the fields of the fixtures' listings that layers determine. */
  list(): Map<string, object> {
    const lines = new Map<string, object>();
    for (const [path, node] of this.#nodes) lines.set(encodeName(`/${path}`).toString('base64'), describe(node));
    return lines;
  }
}

function describe({ entry, content }: Node): object {
  const { kind, mode, uid, gid, mtimeNs, xattrs } = entry;
  const sorted = xattrs
    .map(([name, value]) => [name, Buffer.from(value).toString('base64')])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    type: kind,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    mtime_ns: String(mtimeNs),
    ...(kind === 'file' ? { size: content.length, sha256: createHash('sha256').update(content).digest('hex') } : {}),
    ...(entry.kind === 'symlink' ? { linkname_b64: encodeName(entry.target).toString('base64') } : {}),
    ...(entry.kind === 'chr' || entry.kind === 'blk' ? { rdev: `${entry.major}:${entry.minor}` } : {}),
    ...(sorted.length > 0 ? { xattrs: Object.fromEntries(sorted) } : {}),
  };
}
