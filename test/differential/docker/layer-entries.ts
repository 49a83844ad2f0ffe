/** The entries of a layer's tar as comparable lines, and the layers of an archive that `docker save` wrote. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { TarReader } from '../../../src/oci/tar-reader.ts';
import type { TarEntry } from '../../../src/oci/tar-entry.ts';

/** Files of a tar in memory, by name; links lead to files. */
function filesOf(tar: Uint8Array): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let pieces: Buffer[] = [];
  let name = '';
  const keep = (): void => {
    if (name !== '') files.set(name, Buffer.concat(pieces));
  };
  const links = new Map<string, string>();
  const handler = {
    entry: (entry: TarEntry): boolean => {
      keep();
      pieces = [];
      name = entry.kind === 'file' ? entry.path : '';
      // A layer that several images have is there once, and as links to it.
      if (entry.kind === 'symlink') links.set(entry.path, normalize(join(dirname(entry.path), entry.target)));
      return true;
    },
    data: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)),
    hole: (length: number) => void pieces.push(Buffer.alloc(length)),
  };
  const reader = new TarReader(handler, { file: 'archive' });
  reader.push(tar);
  reader.end();
  keep();
  for (const [link, target] of links) if (files.has(target)) files.set(link, files.get(target) as Buffer);
  return files;
}

/** The layers of each image in an archive that Docker 20.10 saved, lowest first, by the image's name. */
export function layersByTag(archive: string): Map<string, Buffer[]> {
  const files = filesOf(readFileSync(archive));
  const images = JSON.parse((files.get('manifest.json') as Buffer).toString()) as SavedImage[];
  const found = new Map<string, Buffer[]>();
  for (const { RepoTags, Layers } of images) {
    for (const tag of RepoTags)
      found.set(
        tag,
        Layers.map((name) => files.get(name) as Buffer),
      );
  }
  return found;
}

interface SavedImage {
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/**
 * What a layer says, one line an entry, sorted: kind, name, mode, owner, size, target, device, content, attributes. Times are
 * those of the moment and left out; of a marker nothing but its name counts.
 */
export function layerLines(tar: Uint8Array): string[] {
  const lines: string[] = [];
  let hash = createHash('sha256');
  let current: TarEntry | null = null;
  const finish = (): void => {
    if (current !== null) lines.push(lineOf(current, hash.digest('hex')));
    hash = createHash('sha256');
  };
  const handler = {
    entry: (entry: TarEntry): boolean => {
      finish();
      current = entry;
      return true;
    },
    data: (bytes: Uint8Array) => void hash.update(bytes),
    hole: (length: number) => void hash.update(Buffer.alloc(length)),
  };
  const reader = new TarReader(handler, { file: 'layer' });
  reader.push(tar);
  reader.end();
  finish();
  return lines.toSorted();
}

function lineOf(entry: TarEntry, digest: string): string {
  const path = entry.path.replace(/\/$/, '');
  if (/(?:^|\/)\.wh\.[^/]*$/.test(path)) return path;
  const content = entry.kind === 'file' ? digest.slice(0, 16) : '';
  const xattrs = entry.xattrs.map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`);
  const size = entry.kind === 'file' ? entry.size : 0;
  const numbers = `${entry.mode.toString(8)} ${entry.uid}:${entry.gid} ${size} ${entry.major}:${entry.minor}`;
  return [path, entry.kind, numbers, entry.target, content, ...xattrs].join(' ').trimEnd();
}
