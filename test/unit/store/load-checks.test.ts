/** A source is read through before anything of it is stored: a refusal leaves the store's files as they were. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type LoadProgress, openStore } from '../../../src/index.ts';
import type { ImageFiles } from '../../../src/oci/blob.ts';
import { readDockerArchive } from '../../../src/oci/docker-archive.ts';
import { config, json, ociLayout, pack } from '../oci/support/images.ts';
import { archive, file } from '../oci/support/raw-tar.ts';

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
