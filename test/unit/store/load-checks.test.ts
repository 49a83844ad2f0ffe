/** A source is read through before anything of it is stored: a refusal leaves the store's files as they were. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type LoadOptions, type LoadProgress, openStore } from '../../../src/index.ts';
import type { ImageFiles } from '../../../src/oci/blob.ts';
import { readDockerArchive } from '../../../src/oci/docker-archive.ts';
import { config, json, ociLayout, pack } from '../oci/support/images.ts';
import { archive, file, header, pax } from '../oci/support/raw-tar.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

function digestOf(directory: string): string {
  const digest = createHash('sha256');
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile()).toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    digest.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)));
  return digest.digest('hex');
}

/** Two layers, of which the lower one is fine and has content that no store holds. */
function twoLayers(upper: Buffer): string {
  const lower = archive(file('content', Buffer.from(Array.from({ length: 3_000_000 }, (_, at) => (at * at) >> 3))));
  const path = join(folder, 'two.tar');
  writeFileSync(path, pack(ociLayout({ layers: [lower, upper] })));
  return path;
}

test('a layer that is damaged leaves the files of the store as they were, whatever came before it', async () => {
  const directory = join(folder, 'store');
  const first = await openStore({ directory });
  await first.images.add({ config: json(config([])), layers: [] });
  await first.close();
  const before = digestOf(directory);
  const store = await openStore({ directory });
  const damaged = archive(file('x', 'x'), file('y', 'y')).subarray(0, 1200);
  await expect(store.images.load(twoLayers(damaged))).rejects.toMatchObject({ code: 'ERR_OCI_CORRUPT' });
  await store.close();
  expect(digestOf(directory)).toBe(before);
});

const link = (name: string, typeflag: '1' | '2', target: string): Buffer => header({ name, typeflag, link: target });
const deep = (name: string, levels: number): Buffer =>
  Buffer.concat([pax([['path', `${name}/${'d/'.repeat(levels)}`]]), header({ name: 'p', typeflag: '5' })]);

/** What no tar is refused for, but what its entries would make of the layers below and of one another. */
const REFUSED: readonly (readonly [name: string, upper: Buffer, message: RegExp])[] = [
  ['a hard link to nothing', archive(link('h', '1', 'gone')), /hard link to "gone"/],
  ['hard links in a circle', archive(link('a', '1', 'b'), link('b', '1', 'a')), /hard link to/],
  ['a hard link to a directory of the layer below', archive(link('h', '1', 'dir')), /hard link to the directory/],
  ['a hard link to what it replaces', archive(file('a/b', 'x'), link('a', '1', 'a/b')), /which it replaces/],
  ['a loop of links through both layers', archive(link('dir', '2', 'loop'), file('loop/x', 'x')), /symbolic links/],
  [
    'directories too deep, through a link of the layer below',
    archive(
      deep('to', 1500),
      Buffer.concat([pax([['linkpath', `to/${'d/'.repeat(1500)}`]]), header({ name: 'l', typeflag: '2' })]),
      deep('l', 1500),
    ),
    /more than 2048 directories/,
  ],
];

const LOWER = archive(
  file('content', Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * at) >> 5))),
  header({ name: 'dir', typeflag: '5' }),
  link('loop', '2', 'dir'),
  link('to', '2', 'dir'),
);

/** Loads what is refused into a store on the disk, which must stay as it was. */
async function refusal(path: string, options: LoadOptions = {}): Promise<string> {
  const directory = mkdtempSync(join(folder, 'store-'));
  const first = await openStore({ directory });
  await first.images.add({ config: json(config([])), layers: [] });
  await first.close();
  const before = digestOf(directory);
  const store = await openStore({ directory });
  const message = await store.images.load(path, options).then(
    () => 'loaded',
    (error: Error) => error.message,
  );
  await store.close();
  if (message !== 'loaded') expect(digestOf(directory)).toBe(before);
  return message;
}

test.each(REFUSED)('%s is found before anything is stored', async (_, upper, message) => {
  const path = join(folder, 'refused.tar');
  writeFileSync(path, pack(ociLayout({ layers: [LOWER, archive(file('between', 'x')), upper] })));
  expect(await refusal(path)).toMatch(message);
  expect(await refusal(path)).toMatch(/refused\.tar, layer 3 of 3, entry /);
});

test('what Docker refuses in a layer is found before anything is stored', async () => {
  const path = join(folder, 'refused.tar');
  const upper = archive(link('h', '1', 'content'));
  writeFileSync(path, pack(ociLayout({ layers: [LOWER, upper] })));
  expect(await refusal(path, { compat: 'docker' })).toMatch(/which this layer does not have so far; Docker refuses it/);
  expect(await refusal(path)).toBe('loaded');
});

test('a layer that the store has by other rules is found before anything is stored', async () => {
  const directory = join(folder, 'by-the-spec');
  const upper = archive(file('content', 'new'), file('.wh..wh..opq'));
  const path = join(folder, 'both.tar');
  writeFileSync(path, pack(ociLayout({ layers: [LOWER, upper] })));
  let store = await openStore({ directory });
  await store.images.load(path);
  await store.close();
  const before = digestOf(directory);
  store = await openStore({ directory });
  await expect(store.images.load(path, { compat: 'docker' })).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
  await store.close();
  expect(digestOf(directory)).toBe(before);
});

test('an upper without its data on a directory is found before anything is stored', async () => {
  const lower = mkdtempSync(join(folder, 'lower-'));
  writeFileSync(join(lower, 'content'), 'content of the lower');
  const upper = join(folder, 'upper.tar');
  writeFileSync(upper, archive(pax([['SCHILY.xattr.trusted.overlay.metacopy', '']]), file('gone')));
  expect(await refusal(`${lower}:${upper}`)).toMatch(/its data is in a layer below/);
  // Of the directory the names are known: a link to one of them is a link.
  writeFileSync(upper, archive(link('second', '1', 'content')));
  expect(await refusal(`${lower}:${upper}`)).toBe('loaded');
});

test('whatever two layers hold, they are loaded or leave nothing', async () => {
  const name = fc.constantFrom('a', 'b', 'a/b', 'b/a', 'a/b/c', 'dir', 'dir/a', 'loop/a', 'to');
  const entry = fc.oneof(
    fc.tuple(name, fc.string({ maxLength: 20 })).map(([at, content]) => file(at, content)),
    fc.tuple(name, fc.constantFrom('1', '2'), name).map(([at, kind, target]) => link(at, kind, target)),
    name.map((at) => header({ name: at, typeflag: '5' })),
    name.map((at) => file(at.replace(/[^/]+$/, '.wh.$&'))),
  );
  const layer = fc.array(entry, { maxLength: 6 }).map((entries) => archive(...entries));
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(layer, layer, fc.constantFrom('oci', 'docker'), async (middle, upper, compat) => {
      const path = join(folder, 'random.tar');
      writeFileSync(path, pack(ociLayout({ layers: [LOWER, middle, upper] })));
      if ((await refusal(path, { compat })) !== 'loaded') refused++;
    }),
    { numRuns: 60 },
  );
  expect(refused).toBeGreaterThan(10);
});

test('a source is read through before anything is stored, and what is known is read once', async () => {
  const store = await openStore();
  const path = twoLayers(archive(file('x', 'x')));
  const phases = async (): Promise<string[]> => {
    const seen: string[] = [];
    const onProgress = ({ phase, layer }: LoadProgress) => void seen.push(`${phase} ${layer}`);
    await store.images.load(path, { onProgress });
    return [...new Set(seen)];
  };
  expect(await phases()).toEqual(['checking 1', 'checking 2', 'storing 1', 'storing 2']);
  expect(await phases()).toEqual(['storing 1', 'storing 2']);
});

test('all layers together have a bound of entries, which the refusal names', async () => {
  const store = await openStore();
  const path = twoLayers(archive(...Array.from({ length: 10 }, (_, at) => file(`f${at}`))));
  await expect(store.images.load(path, { limits: { entriesMax: 10 } })).rejects.toMatchObject({
    code: 'ERR_OCI_UNSUPPORTED',
    message: expect.stringMatching(/two\.tar, layer 2 of 2: the layers up to this one have more than 10 entries$/),
  });
  expect(store.images.list()).toEqual([]);
});

test('more layers than are stacked are refused with the name of the file', async () => {
  const layers = Array.from({ length: 501 }, () => archive());
  const path = join(folder, 'many.tar');
  writeFileSync(path, pack(ociLayout({ layers })));
  const store = await openStore();
  await expect(store.images.load(path)).rejects.toMatchObject({
    code: 'ERR_OCI_UNSUPPORTED',
    message: expect.stringMatching(/many\.tar: an image of 501 layers; at most 500/),
  });
});

describe('a docker archive', () => {
  const layer = archive(file('x', 'x'));
  const written = (manifest: Buffer): string => {
    const path = join(folder, 'docker.tar');
    writeFileSync(path, pack({ 'config.json': json(config([layer])), 'l.tar': layer, 'manifest.json': manifest }));
    return path;
  };
  const item = (tag: string): object => ({ Config: 'config.json', RepoTags: [tag], Layers: ['l.tar'] });

  test('that names one image a thousand times is one image, with all its names', async () => {
    const store = await openStore();
    const [image, ...others] = await store.images.load(
      written(json(Array.from({ length: 1000 }, (_, at) => item(`x:${at}`)))),
    );
    expect(others).toEqual([]);
    expect(image.tags).toHaveLength(1000);
  });

  test('that gives more names than are kept is refused', async () => {
    const store = await openStore();
    const path = written(json(Array.from({ length: 10_000 }, (_, at) => item(`x:${at}`))));
    await expect(store.images.load(path)).rejects.toThrow(/docker\.tar: it has more than 1000 names for images/);
  });

  test('that names one image again and again has its config read once', async () => {
    const blobs = new Map<string, Buffer>([
      ['manifest.json', json(Array.from({ length: 1000 }, (_, at) => item(`x:${at}`)))],
      ['config.json', json(config([layer]))],
      ['l.tar', layer],
    ]);
    const found: string[] = [];
    const files: ImageFiles = {
      file: 'docker.tar',
      find: async (path) => {
        const bytes = blobs.get(path);
        found.push(path);
        return bytes === undefined
          ? null
          : {
              size: bytes.length,
              read: async function* () {
                yield bytes;
              },
            };
      },
      close: async () => {},
    };
    expect(await readDockerArchive(files, () => {})).toHaveLength(1);
    expect(found.filter((path) => path === 'config.json')).toHaveLength(1);
  });

  test('that names more images than are read is refused', async () => {
    const store = await openStore();
    const path = written(json(Array.from({ length: 10_001 }, () => item('x:1'))));
    await expect(store.images.load(path)).rejects.toThrow('manifest.json names more than 10000 images');
  });

  test('whose paths hold control bytes is refused without them', async () => {
    const store = await openStore();
    const path = written(json([{ Config: 'config.json', RepoTags: [], Layers: ['\u001b[2J'] }]));
    await expect(store.images.load(path)).rejects.toThrow(/the file "?\\x1b\[2J"? is missing/);
  });

  test('whose manifest is damaged is not taken for a root file system in silence', async () => {
    const store = await openStore();
    const wrong = written(json([{ Config: 7, Layers: ['l.tar'] }]));
    await expect(store.images.load(wrong)).rejects.toThrow('manifest.json is not a list of images');
    const warnings: string[] = [];
    await store.images.load(written(Buffer.from('[{"Config":"config.json","Lay')), {
      onWarning: ({ entry, message }) => void warnings.push(`${entry}: ${message}`),
    });
    expect(warnings).toEqual([expect.stringMatching(/^manifest\.json: it is not JSON/)]);
  });
});
