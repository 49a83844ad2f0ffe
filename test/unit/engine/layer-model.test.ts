import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countedUpper, recountUpper } from '../../../src/projections/recount-upper.ts';
import { lines, stack } from './layer-kit.ts';

interface Entry {
  readonly kind: 'file' | 'dir' | 'whiteout' | 'opaque';
  readonly path: string;
  readonly content: string;
}

type Folder = Map<string, Folder | string>;

/** Layers applied to a plain folder, as the spec says: what hides comes first and hides lower layers only. */
function applyToFolder(layers: readonly (readonly Entry[])[]): string[] {
  const root: Folder = new Map();
  const folderOf = (path: string, makes: boolean): Folder | null => {
    let folder = root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      let next = folder.get(name);
      if (!(next instanceof Map)) {
        if (!makes) return null;
        folder.set(name, (next = new Map()));
      }
      folder = next;
    }
    return folder;
  };
  const split = (path: string): [string, string] => [
    path.slice(0, path.lastIndexOf('/') + 1),
    path.slice(path.lastIndexOf('/') + 1),
  ];
  for (const layer of layers) {
    for (const { kind, path } of layer) {
      const [parent, name] = split(path);
      if (kind === 'whiteout') folderOf(parent, false)?.delete(name);
      if (kind === 'opaque') folderOf(path, false)?.clear();
    }
    for (const { kind, path, content } of layer) {
      const [parent, name] = split(path);
      if (kind === 'file') folderOf(parent, true)?.set(name, content);
      if (kind === 'dir' || kind === 'opaque') folderOf(path, true);
    }
  }
  const listed: string[] = [];
  const list = (folder: Folder, prefix: string): void => {
    for (const [name, value] of folder) {
      listed.push(value instanceof Map ? `${prefix}${name}/` : `${prefix}${name}=${value}`);
      if (value instanceof Map) list(value, `${prefix}${name}/`);
    }
  };
  list(root, '');
  return listed.toSorted();
}

/** Archives that say one thing: no path twice, nothing that lies in or above another entry, but in directories. */
function withoutContradictions(entries: readonly Entry[]): Entry[] {
  const kept: Entry[] = [];
  const isIn = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
  for (const entry of entries) {
    const clashes = kept.some(
      (other) =>
        other.path === entry.path ||
        (isIn(entry.path, other.path) && other.kind !== 'dir' && other.kind !== 'opaque') ||
        (isIn(other.path, entry.path) && entry.kind !== 'dir'),
    );
    if (!clashes) kept.push(entry);
  }
  return kept;
}

const lineOf = ({ kind, path, content }: Entry): string =>
  ({ file: `${path}=${content}`, dir: `${path}/`, whiteout: `${path}!`, opaque: `${path}/*` })[kind];

const anyEntry = fc.record({
  kind: fc.constantFrom<Entry['kind']>('file', 'file', 'dir', 'whiteout', 'opaque'),
  path: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
  content: fc.stringMatching(/^[0-9]{1,2}$/),
});
const anyLayers = fc.array(fc.array(anyEntry, { maxLength: 6 }).map(withoutContradictions), {
  minLength: 1,
  maxLength: 4,
});

test('layers laid over one another show what applying them to a folder gives, and count what they hold (SEM-2.5)', () => {
  fc.assert(
    fc.property(anyLayers, (layers) => {
      const built = stack(...layers.map((layer) => layer.map(lineOf)));
      expect(lines(built.merged, built.chunks)).toEqual(applyToFolder(layers));
      for (const { tree } of built.layers) expect(countedUpper(tree)).toEqual(recountUpper(tree));
    }),
    { numRuns: 2000 },
  );
});
