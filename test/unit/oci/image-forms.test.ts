import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decompress } from '../../../src/oci/decompress.ts';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import type { ImageSourceOptions, SourceImage } from '../../../src/oci/image-source.ts';
import { imageFixture, missingShared, sharedFixture } from './support/fixtures.ts';
import { json, pack, sha256 } from './support/images.ts';
import type { Files } from './support/images.ts';
import { RecordSink } from './support/record-sink.ts';

const EDGE_CONFIG = 'sha256:ecc4b3f6928a0960d38efdf0bb34fe8b946cc395209e3c75c60c8f86a670eaf3';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Loaded {
  readonly kind: string;
  readonly images: readonly SourceImage[];
  /** Of the first image: what each layer gives. */
  readonly layers: unknown[][];
  readonly warnings: number;
}

async function load(path: string, options: ImageSourceOptions = {}): Promise<Loaded> {
  const source = await openImageSource(path, options);
  try {
    const layers: unknown[][] = [];
    for (const layer of source.images[0].layers) {
      const sink = new RecordSink();
      const result = await source.readLayer(layer, sink);
      expect(result.diffId).toBe(layer.diffId);
      layers.push(sink.summary());
    }
    return { kind: source.kind, images: source.images, layers, warnings: source.warnings.length };
  } finally {
    await source.close();
  }
}

/** The edge image's parts, uncompressed. */
async function edgeParts(): Promise<{ configBytes: Buffer; layers: Buffer[] }> {
  const source = await openImageSource(imageFixture('edge-oci-archive.tar'));
  const { configBytes, layers } = source.images[0];
  await source.close();
  const zstd = imageFixture('edge-oci-zstd');
  const oci = await openImageSource(zstd);
  const blobs = oci.images[0].layers.map(({ digest }) =>
    readFileSync(join(zstd, 'blobs', (digest as string).replace(':', '/'))),
  );
  const tars: Buffer[] = [];
  for (const blob of blobs) {
    const pieces: Uint8Array[] = [];
    for await (const piece of decompress(
      (async function* () {
        yield blob;
      })(),
      { file: 'blob' },
    ))
      pieces.push(piece);
    tars.push(Buffer.concat(pieces));
  }
  expect(tars.map((tar) => `sha256:${sha256(tar)}`)).toEqual(layers.map(({ diffId }) => diffId));
  return { configBytes, layers: tars };
}

function save(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

function saveFolder(name: string, files: Files): string {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name, path)), { recursive: true });
    writeFileSync(join(folder, name, path), bytes);
  }
  return join(folder, name);
}

describe('the edge image', async () => {
  const reference = await load(imageFixture('edge-oci-archive.tar'));
  const { configBytes, layers } = await edgeParts();
  const id = sha256(configBytes);
  const diffIds = layers.map((layer) => sha256(layer));
  const manifest = (paths: readonly string[], tags: readonly string[] = ['localhost/edge:latest']): Buffer =>
    json([{ Config: `${id}.json`, RepoTags: tags, Layers: paths }]);

  /** Whatever the form, config, layers and entries are the same. */
  const expectEdge = async (path: string, kind: string, tags: string[]): Promise<Loaded> => {
    const loaded = await load(path);
    expect(loaded.kind).toBe(kind);
    expect(loaded.images[0]).toMatchObject({ configDigest: EDGE_CONFIG, tags, configBytes });
    expect(loaded.images[0].layers.map(({ diffId }) => diffId)).toEqual(diffIds.map((hex) => `sha256:${hex}`));
    expect(loaded.layers).toEqual(reference.layers);
    expect(loaded.warnings).toBe(0);
    return loaded;
  };

  test('as an OCI archive', async () => {
    await expectEdge(imageFixture('edge-oci-archive.tar'), 'oci-archive', ['latest']);
    expect(reference.images[0].manifestDigest).toBe(
      'sha256:c1e9a188a0259e872956db4d0bb773973a43524f6894615f150f989ebaf52bce',
    );
    expect(reference.layers.map((entries) => entries.length)).toEqual([117, 17, 24, 10, 5, 0]);
  });

  test('as an OCI layout with zstd layers', async () => {
    const { images } = await expectEdge(imageFixture('edge-oci-zstd'), 'oci-layout', ['latest']);
    expect(images[0].manifestDigest).not.toBe(reference.images[0].manifestDigest);
  });

  test('as an OCI archive in gzip', async () => {
    const path = save('oci.tar.gz', gzipSync(readFileSync(imageFixture('edge-oci-archive.tar'))));
    const source = await openImageSource(path, { tempDirectory: folder });
    await source.close();
    await expectEdge(path, 'oci-archive', ['latest']);
  });

  test('as docker save wrote it to Docker 24: <id>/layer.tar', async () => {
    const files: Files = { [`${id}.json`]: configBytes };
    const paths = layers.map((_, index) => `${'0'.repeat(63)}${index}/layer.tar`);
    layers.forEach((layer, index) => {
      files[paths[index]] = layer;
      files[paths[index].replace('layer.tar', 'VERSION')] = Buffer.from('1.0');
    });
    files['manifest.json'] = manifest(paths);
    await expectEdge(save('docker20.tar', pack(files)), 'docker-archive', ['localhost/edge:latest']);
    await expectEdge(saveFolder('docker20', files), 'docker-archive', ['localhost/edge:latest']);
  });

  test('with layers behind links, as Docker stores equal ones, and skopeo all', async () => {
    const files: Files = { [`./${id}.json`]: configBytes };
    layers.forEach((layer, index) => void (files[`${diffIds[index]}.tar`] = layer));
    const links = Object.fromEntries(diffIds.map((hex, index) => [`id${index}/layer.tar`, `../${hex}.tar`]));
    links['again'] = '/id0/../id0';
    const paths = diffIds.map((_, index) => `id${index}/layer.tar`);
    files['manifest.json'] = manifest(['again/layer.tar', ...paths.slice(1)]);
    await expectEdge(save('links.tar', pack(files, links)), 'docker-archive', ['localhost/edge:latest']);
  });

  test('as Docker 25 saves it: an OCI layout and a manifest.json', async () => {
    const source = await openImageSource(imageFixture('edge-oci-zstd'));
    const { layers: blobs, manifestDigest } = source.images[0];
    const files: Files = {};
    for (const digest of [...blobs.map((blob) => blob.digest as string), manifestDigest as string, EDGE_CONFIG]) {
      const path = `blobs/${digest.replace(':', '/')}`;
      files[path] = readFileSync(join(imageFixture('edge-oci-zstd'), path));
    }
    for (const path of ['index.json', 'oci-layout'])
      files[path] = readFileSync(join(imageFixture('edge-oci-zstd'), path));
    files['manifest.json'] = json([
      {
        Config: `blobs/sha256/${id}`,
        RepoTags: ['localhost/edge:latest', 'localhost/edge:again'],
        Layers: blobs.map(({ digest }) => `blobs/${(digest as string).replace(':', '/')}`),
      },
    ]);
    const loaded = await expectEdge(save('docker25.tar', pack(files)), 'docker-archive', [
      'localhost/edge:latest',
      'localhost/edge:again',
    ]);
    expect(loaded.images[0].manifestDigest).toBe(manifestDigest);
    expect(loaded.images[0].layers[0].digest).toBe(blobs[0].digest);
  });

  test('several images in one archive, one with two names', async () => {
    const second = json({
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${diffIds[0]}`] },
    });
    const files: Files = { [`${id}.json`]: configBytes, 'second.json': second };
    layers.forEach((layer, index) => void (files[`${diffIds[index]}.tar`] = layer));
    const paths = diffIds.map((hex) => `${hex}.tar`);
    files['manifest.json'] = json([
      { Config: `${id}.json`, RepoTags: ['edge:1'], Layers: paths },
      { Config: 'second.json', RepoTags: null, Layers: paths.slice(0, 1) },
      { Config: `${id}.json`, RepoTags: ['edge:2'], Layers: paths },
    ]);
    const { images } = await expectEdge(save('multi.tar', pack(files)), 'docker-archive', ['edge:1', 'edge:2']);
    expect(images).toHaveLength(2);
    expect(images[1]).toMatchObject({ tags: [], configDigest: `sha256:${sha256(second)}` });
    expect(images[1].layers).toHaveLength(1);
  });

  test('a layer as a plain tar is an image of its own, compressed or not', async () => {
    const plain = await load(save('rootfs.tar', layers[0]), { tags: ['rootfs:1'] });
    const packed = await load(save('rootfs.tar.gz', gzipSync(layers[0])), { tags: ['rootfs:1'] });
    expect(plain.kind).toBe('tar');
    expect(plain.images[0]).toMatchObject({ tags: ['rootfs:1'], manifestDigest: null });
    expect(plain.images[0].layers[0].diffId).toBe(`sha256:${diffIds[0]}`);
    expect(plain.layers[0]).toEqual(reference.layers[0]);
    expect(packed).toEqual(plain);
    expect(JSON.parse(plain.images[0].configBytes.toString())).toEqual({
      created: '1970-01-01T00:00:00Z',
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: [`sha256:${diffIds[0]}`] },
      history: [{ created: '1970-01-01T00:00:00Z', comment: 'Imported from a tar' }],
    });
  });

  for (const [name, kind, tags] of [
    ['edge-oci', 'oci-layout', ['latest']],
    ['edge-docker-archive.tar', 'docker-archive', ['localhost/edge:latest']],
    ['edge-podman-multi.tar', 'docker-archive', ['localhost/edge:latest']],
  ] as const) {
    const reason = missingShared(`edge/${name}`);
    test.skipIf(reason !== null)(`as ${name} was exported${reason === null ? '' : ` (${reason})`}`, async () => {
      const { images } = await expectEdge(sharedFixture(`edge/${name}`), kind, [...tags]);
      if (name !== 'edge-podman-multi.tar') return;
      expect(images.map((image) => [image.tags, image.layers.length])).toEqual([
        [['localhost/edge:latest'], 6],
        [['localhost/edge:l2'], 2],
      ]);
    });
  }
});

test('progress tells the stored bytes', async () => {
  const source = await openImageSource(imageFixture('edge-oci-archive.tar'));
  const layer = source.images[0].layers[0];
  const seen: { bytes: number; totalBytes: number }[] = [];
  await source.readLayer(layer, new RecordSink(), { onProgress: (progress) => void seen.push(progress) });
  await source.close();
  expect(seen.at(-1)).toEqual({ bytes: layer.size, totalBytes: layer.size });
});
