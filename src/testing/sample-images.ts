/** Two small images that share layers and hold what is special: whiteouts, opaque marks, links of both kinds, holes. */

import { createHash } from 'node:crypto';
import type { LayerSink } from '../engine/layer-sink.ts';
import type { NewImage } from '../store/image-build.ts';

/** `path/` is a directory; a text is a file; `->` a symlink; `=` a hard link; null a whiteout; `opaque` on a directory. */
type LayerText = Readonly<Record<string, string | null>>;

const BASE: LayerText = {
  'a/': '',
  'a/a': 'lower a',
  'a/b/': '',
  'a/b/a': 'other',
  'a/b/c': 'deep',
  b: 'file',
  'a/c': '=b',
  'd/': '',
  'd/a': '->../b',
  'd/c': 'hidden later',
};
const SECOND: LayerText = { 'a/a': 'second', 'a/b/b/': '', 'a/b/b/a': 'x'.repeat(20_000), 'a/b/b/b': '=a/b/b/a' };
const THIRD: LayerText = {
  'a/b/c': null,
  'd/': 'opaque',
  'd/b/': '',
  'b/': '',
  'b/a': 'y'.repeat(70_000),
  'b/b/': '',
  'b/b/a': 'in b',
  'b/c': '->../a',
};

/** `base:1` has two layers, `app:1` the same and a third. */
export function sampleImages(): NewImage[] {
  return [imageOf('base:1', [BASE, SECOND]), imageOf('app:1', [BASE, SECOND, THIRD])];
}

/** An image without hard links, as {@link PosixModel} can stand on: `plain:1`, three layers. */
export function plainImage(): NewImage {
  const { 'a/c': _, ...base } = BASE;
  return imageOf('plain:1', [base, { 'a/a': 'second', 'a/b/b/': '', 'a/b/b/a': 'x'.repeat(20_000) }, THIRD]);
}

function imageOf(tag: string, layers: readonly LayerText[]): NewImage {
  // The store does not read the layers' tars here, so any digest that tells them apart will do.
  const diffIds = layers.map((layer) => `sha256:${createHash('sha256').update(JSON.stringify(layer)).digest('hex')}`);
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds }, history: [] };
  return {
    config: Buffer.from(JSON.stringify(config)),
    tags: [tag],
    layers: layers.map((layer) => (sink: LayerSink) => {
      for (const [path, value] of Object.entries(layer)) addEntry(sink, path, value);
    }),
  };
}

const ATTRIBUTES = { uid: 0, gid: 0, mtimeNs: 1_600_000_000_000_000_000n, xattrs: [] };

function addEntry(sink: LayerSink, path: string, value: string | null): void {
  if (value === null) return sink.entry({ kind: 'whiteout', path });
  if (path.endsWith('/')) {
    const directory = path.slice(0, -1);
    sink.entry({ kind: 'dir', path: directory, size: 0, mode: 0o755, ...ATTRIBUTES });
    if (value === 'opaque') sink.entry({ kind: 'opaque', path: directory });
    return;
  }
  if (value.startsWith('->')) {
    return sink.entry({ kind: 'symlink', path, target: value.slice(2), mode: 0o777, ...ATTRIBUTES });
  }
  if (value.startsWith('=')) return sink.entry({ kind: 'hardlink', path, target: value.slice(1) });
  const bytes = Buffer.from(value, 'latin1');
  const xattrs: [string, Buffer][] = path === 'a/a' ? [['user.one', Buffer.from('v')]] : [];
  sink.entry({ kind: 'file', path, size: bytes.length, mode: 0o644, ...ATTRIBUTES, xattrs });
  sink.data(bytes);
}
