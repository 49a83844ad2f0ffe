import { describe, expect, test } from 'vitest';
import { joinEventBatches } from '../../../src/events/codec.ts';
import { applyFileEvent } from '../../../src/projections/tree/fold.ts';
import { merkleRoot } from '../../../src/projections/tree/merkle.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';
import type { LayerEntry } from '../../../src/engine/layer-sink.ts';
import { ATTRIBUTES, contentOf, lines, nodeAt, stack } from './layer-kit.ts';

/** What the last layer holds in upperdir form, and what the stack shows. */
function built(...layers: string[][]): { upper: string[]; merged: string[]; warnings: readonly string[] } {
  const { chunks, merged, layers: all, warnings } = stack(...layers);
  const top = all.at(-1);
  if (top === undefined) throw new Error('no layer');
  return { upper: lines(top.tree, chunks, true), merged: lines(merged, chunks), warnings };
}

describe('whiteouts and opaque marks (SEM-2.5)', () => {
  test.each([
    ['after the file', ['b=new', 'b!']],
    ['before the file', ['b!', 'b=new']],
  ])('a whiteout %s of its own layer hides the lower one only', (_, layer) => {
    expect(built(['b=old'], layer)).toMatchObject({ upper: ['b=new'], merged: ['b=new'] });
  });

  test.each([
    ['before', ['a!', 'a/', 'a/n=1']],
    ['after', ['a/', 'a/n=1', 'a!']],
  ])('a whiteout %s a directory made anew keeps the old children hidden', (_, layer) => {
    expect(built(['a/', 'a/old=1'], layer)).toMatchObject({ upper: ['a/*', 'a/n=1'], merged: ['a/', 'a/n=1'] });
  });

  test('the same holds below a directory that the layer only passes through', () => {
    const { merged } = built(['d/', 'd/s/', 'd/s/old=1', 'd/k=1'], ['d/s!', 'd/s/', 'd/s/n=1']);
    expect(merged).toEqual(['d/', 'd/k=1', 'd/s/', 'd/s/n=1']);
  });

  test.each([
    ['before', ['d/*', 'd/n=1']],
    ['after', ['d/n=1', 'd/*']],
  ])('an opaque mark %s its siblings hides lower layers only', (_, layer) => {
    expect(built(['d/', 'd/old=1'], layer).merged).toEqual(['d/', 'd/n=1']);
  });

  test('an opaque mark without an entry makes the directory empty', () => {
    expect(built(['d/', 'd/old=1'], ['d/*'])).toMatchObject({ upper: ['d/*'], merged: ['d/'] });
  });

  test('an opaque mark reaches directories in it that came before', () => {
    expect(built(['d/', 'd/e/', 'd/e/old=1'], ['d/e/n=1', 'd/*']).merged).toEqual(['d/', 'd/e/', 'd/e/n=1']);
  });

  test('an opaque root hides all lower names, spelled out as whiteouts', () => {
    expect(built(['a/', 'a/x=1', 'b=1'], ['/*', 'a/n=1'])).toMatchObject({
      upper: ['a/*', 'a/n=1', 'b!'],
      merged: ['a/', 'a/n=1'],
    });
  });

  test('a whiteout of a missing name in a missing directory makes nothing', () => {
    expect(built(['k=1'], ['no/such!']).upper).toEqual([]);
  });

  test('a whiteout of a missing name in a directory stays in a foreign layer', () => {
    expect(built(['d/'], ['d/such!']).upper).toEqual(['d/', 'd/such!']);
  });

  test('a whiteout below a file hides nothing and is told (INPUTS 3)', () => {
    const { upper, warnings } = built(['d=file'], ['d/x!']);
    expect(upper).toEqual([]);
    expect(warnings).toEqual(['d/x: a whiteout below something that is not a directory hides nothing']);
  });

  test('a directory over a whiteout of a lower layer is not opaque (INPUTS 6)', () => {
    expect(built(['a/', 'a/old=1'], ['a!'], ['a/', 'a/n=1'])).toMatchObject({
      upper: ['a/', 'a/n=1'],
      merged: ['a/', 'a/n=1'],
    });
  });
});

describe('symbolic links on the way (SEM-2.5)', () => {
  test('an entry below a lower link goes through it', () => {
    expect(built(['d/', 'ln->d'], ['ln/k=1'])).toMatchObject({
      upper: ['d/', 'd/k=1'],
      merged: ['d/', 'd/k=1', 'ln->d'],
    });
  });

  test('a whiteout below a link goes through it', () => {
    expect(built(['d/', 'd/s=1', 'ln->d'], ['ln/s!']).merged).toEqual(['d/', 'ln->d']);
  });

  test('a directory entry over a link replaces the link', () => {
    expect(built(['d/', 'ln->d'], ['ln/', 'ln/k=1']).merged).toEqual(['d/', 'ln/', 'ln/k=1']);
  });

  test('a link that points out of the root stays in it (INPUTS 14)', () => {
    expect(built(['rel->../../../../tmp', 'rel/e=1', 'd/', 'd/abs->/var/x', 'd/abs/e=2']).merged).toEqual([
      'd/',
      'd/abs->/var/x',
      'rel->../../../../tmp',
      'tmp/',
      'tmp/e=1',
      'var/',
      'var/x/',
      'var/x/e=2',
    ]);
  });

  test('a loop of links is refused, and named', () => {
    expect(() => built(['a->b', 'b->a', 'a/x=1'])).toThrow(/entry "a": too many symbolic links/);
  });
});

describe('types, duplicates and parents (SEM-2.5)', () => {
  test.each([
    ['directory → file', ['x/', 'x/y=1'], ['x=f'], ['x=f']],
    ['file → directory', ['x=f'], ['x/', 'x/y=1'], ['x/', 'x/y=1']],
    ['directory → link', ['x/', 'x/y=1'], ['x->z'], ['x->z']],
  ])('%s needs no whiteout (INPUTS 4)', (_, below, layer, merged) => {
    expect(built(below, layer).merged).toEqual(merged);
  });

  test('of two entries with one path the later wins', () => {
    expect(built(['a=1', 'a=22', 'b/', 'b/x=1', 'b=3', 'c->d', 'c/', 'c/y=1']).merged).toEqual([
      'a=22',
      'b=3',
      'c/',
      'c/y=1',
    ]);
  });

  test('replacing an entry leaves the times of its directory alone', () => {
    const { layers } = stack(['d/', 'd/a=1', 'd/a=2']);
    expect(nodeAt(layers[0].tree, 'd').mtimeNs).toBe(ATTRIBUTES.mtimeNs);
  });

  test('an entry below a file of the same layer replaces the file, with a warning', () => {
    const { merged, warnings } = built(['f=1', 'f/x=2']);
    expect(merged).toEqual(['f/', 'f/x=2']);
    expect(warnings).toHaveLength(1);
  });

  test('parents without an entry copy the directory below, xattrs too, else are 0755 of root (INPUTS 2)', () => {
    const kept = { kind: 'dir', path: 'keep', size: 0, mode: 0o700, uid: 7, gid: 8, mtimeNs: -3n } as const;
    const { merged } = stack([{ ...kept, xattrs: [['user.k', Buffer.from('v')]] }, 'keep/k=1'], ['keep/k!', 'new/x=1']);
    expect(nodeAt(merged, 'keep')).toMatchObject({ mode: 0o040700, uid: 7, gid: 8, mtimeNs: -3n });
    expect(nodeAt(merged, 'keep').xattrs.map(([name]) => name)).toEqual(['user.k']);
    expect(nodeAt(merged, 'new')).toMatchObject({ mode: 0o040755, uid: 0, gid: 0 });
  });

  test('a directory entry over a directory replaces its attributes and keeps its children', () => {
    const { chunks, merged } = stack(['d/ 755', 'd/x=1'], ['d/ 700']);
    expect(lines(merged, chunks)).toEqual(['d/', 'd/x=1']);
    expect(nodeAt(merged, 'd').mode & 0o7777).toBe(0o700);
  });
});

describe('hard links (SEM-2.5, INPUTS 7)', () => {
  test.each([
    ['before', ['a=1', 'b=>a']],
    ['after', ['b=>a', 'a=1']],
    ['through a chain', ['c=>b', 'b=>a', 'a=1']],
  ])('a target that comes %s the link is one node with it', (_, layer) => {
    const { chunks, merged } = stack(layer);
    expect(contentOf(nodeAt(merged, 'b'), chunks)).toBe('1');
    expect(nodeAt(merged, 'a').nlink).toBe(layer.length);
  });

  test('a target in a lower layer is brought up, and both names share it', () => {
    const { chunks, layers, merged } = stack(['a=old', 'z=1'], ['b=>a']);
    expect(lines(layers[1].tree, chunks)).toEqual(['a=old', 'b=old']);
    expect(nodeAt(layers[1].tree, 'a').nlink).toBe(2);
    expect(lines(merged, chunks)).toEqual(['a=old', 'b=old', 'z=1']);
    expect(layers[1].bytes).toBe(3);
  });

  test('a target of the same layer wins over a lower one, also when it comes later', () => {
    const { chunks, merged } = stack(['a=old'], ['b=>a', 'a=new']);
    expect(contentOf(nodeAt(merged, 'b'), chunks)).toBe('new');
  });

  test('a link to a symbolic link is one', () => {
    expect(built(['l->t', 'm=>l']).merged).toEqual(['l->t', 'm->t']);
  });

  test('an entry that comes after a link of its name wins', () => {
    expect(built(['b=>a', 'b=mine', 'a=1']).merged).toEqual(['a=1', 'b=mine']);
  });

  test('a link to nothing or to a directory is refused, and named', () => {
    expect(() => stack(['b=>no'])).toThrow('entry "b": a hard link to "no", which is not there');
    expect(() => stack(['d/', 'b=>d'])).toThrow('entry "b": a hard link to the directory "d"');
  });
});

describe('marks that point into the layers below', () => {
  const moved = (path: string, redirect: string): LayerEntry => ({
    kind: 'dir',
    path,
    size: 0,
    ...ATTRIBUTES,
    mode: 0o700,
    lower: { redirect, isMetacopy: false },
  });
  const withoutData = (path: string, size: number, redirect: string | null = null): LayerEntry => ({
    kind: 'file',
    path,
    size,
    ...ATTRIBUTES,
    lower: { redirect, isMetacopy: true },
  });

  test('a redirected directory holds all that is visible in it, under its new name (SEM-R13)', () => {
    const below = ['d/', 'd/a=1', 'd/b=2', 'd/s/', 'd/s/x=3', 'g/', 'g/old=1'];
    const layer = ['d!', moved('g', 'd'), 'g/b!', 'g/new=4', 'g/s/', 'g/s/y=5'];
    const { layers, chunks, warnings } = stack(below, layer);
    expect(lines(layers[1].tree, chunks, true)).toEqual([
      'd!',
      'g/*',
      'g/a=1',
      'g/new=4',
      'g/s/',
      'g/s/x=3',
      'g/s/y=5',
    ]);
    expect(warnings).toEqual([]);
  });

  test('a redirect is a path from the root where it begins with a slash, also inside of what was redirected', () => {
    const below = ['d/', 'd/e/', 'd/e/a=1', 'k/', 'k/c=2'];
    const { merged, chunks } = stack(below, ['d!', 'k!', moved('g', '/d'), moved('g/h', '/k')]);
    expect(lines(merged, chunks)).toEqual(['g/', 'g/e/', 'g/e/a=1', 'g/h/', 'g/h/c=2']);
  });

  test('hard links of a directory that moved stay one node', () => {
    const { merged } = stack(['d/', 'd/a=1', 'd/b=>d/a'], ['d!', moved('g', 'd')]);
    expect(nodeAt(merged, 'g/a')).toBe(nodeAt(merged, 'g/b'));
    expect(nodeAt(merged, 'g/a').nlink).toBe(2);
  });

  test('a redirect to nothing is told, and the directory merges with nothing', () => {
    const { merged, chunks, warnings } = stack(['g/', 'g/a=1'], [moved('g', 'gone'), 'g/b=2']);
    expect(lines(merged, chunks)).toEqual(['g/', 'g/b=2']);
    expect(warnings).toEqual(['g: it was redirected to "gone", and no layer below has that directory']);
  });

  test('a file without data has the data of the one below (SEM-X1, SEM-X3)', () => {
    const layer = [withoutData('f', 5), 'd/a!', withoutData('d/n', 3, '/d/a'), moved('g', 'e'), withoutData('g/x', 1)];
    const { merged, chunks } = stack(['f=12345', 'd/', 'd/a=abc', 'e/', 'e/x=1'], layer);
    expect(lines(merged, chunks)).toEqual(['d/', 'd/n=abc', 'e/', 'e/x=1', 'f=12345', 'g/', 'g/x=1']);
  });

  test('a file whose data no layer has is refused, and named', () => {
    const data = 'its data is in a layer below (metacopy), and no layer below has it';
    expect(() => stack([], [withoutData('f', 5)])).toThrow(`entry "f": ${data}`);
    expect(() => stack(['d/'], [withoutData('f', 5, 'd')])).toThrow(data);
  });
});

describe('content and figures', () => {
  test('content is cut into chunks, holes are kept', () => {
    const { chunks, layers } = stack([{ kind: 'file', path: 'f', size: 0, ...ATTRIBUTES }]);
    expect(layers[0].bytes).toBe(0);
    const big = Buffer.alloc(200_000, 'x').toString();
    const again = stack([`f=${big}`]);
    expect(contentOf(nodeAt(again.merged, 'f'), again.chunks)).toBe(big);
    expect(chunks.head).toBeGreaterThan(0);
  });

  test('the size is st_size over non-directories, hard links once; entries count names and whiteouts (SEM-2.2)', () => {
    const { layers } = stack(['gone=1', 'd/'], ['f=12345', 'g=>f', 'l->abc', 'gone!', 'd/', 'd/e=1']);
    expect(layers[1]).toMatchObject({ bytes: 5 + 3 + 1, entries: 6 });
  });

  test('folding the stored batches gives the tree and its root', () => {
    const { chunks, layers } = stack(['a/', 'a/b=1', 'a/b=2', 'c=>a/b', 'x!']);
    const tree = Tree.empty(0n);
    for (const event of joinEventBatches(layers[0].chunks.map((chunk) => chunks.get(chunk))))
      applyFileEvent(tree, event, 0);
    expect(merkleRoot(tree, chunks)).toBe(layers[0].root);
  });
});
