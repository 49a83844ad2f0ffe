import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writePieces } from '../../../src/oci/export-target.ts';
import { expectUnpacker, unpackPieces } from '../../../src/oci/export-unpack.ts';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import { type SaveFormat, saveArchive } from '../../../src/oci/save-archive.ts';
import type { ImageToSave } from '../../../src/oci/save-layout.ts';
import { header } from './support/raw-tar.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-archive-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const TAR = Buffer.alloc(1024);

/** An image of layers that are these tars; its config also holds what only others know. */
function image(tags: readonly string[], tars: readonly Buffer[], diffIds = tars.map(sha256)): ImageToSave {
  const config = { unknown: { kept: [1, 'é'] }, rootfs: { type: 'layers', diff_ids: diffIds }, os: 'linux' };
  return {
    tags,
    config: Buffer.from(`${JSON.stringify(config, null, 3)}\n`),
    layers: tars.map((tar, index) => ({ key: diffIds[index], diffId: diffIds[index], pieces: () => [tar] })),
  };
}

const readJson = (path: string): any => JSON.parse(readFileSync(join(folder, path), 'utf8'));
const blob = (digest: string): Buffer => readFileSync(join(folder, 'out/blobs', digest.replace(':', '/')));

describe('an OCI layout', () => {
  test.each(['gzip', 'none'] as const)(
    'of %s layers has blobs that are what their descriptors say',
    async (compression) => {
      const one = image(['app:1', 'app:2'], [TAR]);
      const [saved] = await saveArchive(join(folder, 'out'), [one], { format: 'oci-layout', compression });
      expect(readJson('out/oci-layout')).toEqual({ imageLayoutVersion: '1.0.0' });
      const index = readJson('out/index.json');
      expect(index.manifests.map((each: any) => each.annotations['org.opencontainers.image.ref.name'])).toEqual([
        'app:1',
        'app:2',
      ]);
      const manifest = JSON.parse(blob(index.manifests[0].digest).toString());
      for (const descriptor of [index.manifests[0], manifest.config, ...manifest.layers]) {
        const bytes = blob(descriptor.digest);
        expect([sha256(bytes), bytes.length]).toEqual([descriptor.digest, descriptor.size]);
      }
      const [layer] = manifest.layers;
      expect(layer.mediaType).toBe(`application/vnd.oci.image.layer.v1.tar${compression === 'gzip' ? '+gzip' : ''}`);
      expect(compression === 'gzip' ? gunzipSync(blob(layer.digest)) : blob(layer.digest)).toEqual(TAR);
      expect(saved).toMatchObject({
        id: sha256(one.config),
        recordedId: sha256(one.config),
        manifestDigest: index.manifests[0].digest,
      });
    },
  );

  test('keeps a config byte by byte when its diff_ids are right, and else mends them only', async () => {
    const right = image([], [TAR]);
    const wrong = image([], [TAR], [`sha256:${'1'.repeat(64)}`]);
    const [kept, mended] = await saveArchive(join(folder, 'out'), [right, wrong], { format: 'oci-layout' });
    expect(blob(kept.id)).toEqual(right.config);
    expect(mended).toMatchObject({
      recordedId: sha256(wrong.config),
      layers: [{ recordedDiffId: `sha256:${'1'.repeat(64)}` }],
    });
    expect(JSON.parse(blob(mended.id).toString())).toEqual(JSON.parse(Buffer.from(right.config).toString()));
  });
});

describe('an archive', () => {
  test('for docker tells names, config and layers in manifest.json', async () => {
    const images = [image(['app:1'], [TAR]), image([], [])];
    const saved = await saveArchive(join(folder, 'out'), images, { format: 'docker-archive' });
    const source = await openImageSource(join(folder, 'out'));
    expect(source.kind).toBe('docker-archive');
    expect(
      source.images.map(({ tags, configDigest, manifestDigest }) => ({ tags, configDigest, manifestDigest })),
    ).toEqual(saved.map(({ tags, id, manifestDigest }) => ({ tags, configDigest: id, manifestDigest })));
    await source.close();
  });

  test.each(['oci-layout', 'oci-archive', 'docker-archive'] as const)(
    'as %s leaves nothing behind when a layer fails, and what stood there stays',
    async (format: SaveFormat) => {
      const broken = image([], [TAR]);
      const pieces = function* (): Generator<Buffer> {
        yield TAR;
        throw new Error('the disk is gone');
      };
      const images = [{ ...broken, layers: [{ ...broken.layers[0], pieces }] }];
      const path = join(folder, 'out');
      await expect(saveArchive(path, images, { format })).rejects.toThrow('the disk is gone');
      expect(readdirSync(folder)).toEqual([]);
      await writePieces(path, [Buffer.from('before')]);
      await expect(saveArchive(path, images, { format })).rejects.toThrow();
      expect(readFileSync(path, 'utf8')).toBe('before');
      expect(readdirSync(folder)).toEqual(['out']);
    },
  );
});

describe('writing pieces', () => {
  test('to a path that is a device or a pipe writes there', async () => {
    symlinkSync('/dev/null', join(folder, 'null'));
    expect(await writePieces(join(folder, 'null'), [TAR, TAR])).toBe(2048);
    expect(readdirSync(folder)).toEqual(['null']);
  });
});

describe('unpacking', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });

  test('needs root, and GNU tar', async () => {
    const getuid = vi.spyOn(process, 'getuid').mockReturnValue(1000);
    await expect(expectUnpacker()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: /only root/ });
    getuid.mockReturnValue(0);
    vi.stubEnv('PATH', folder);
    await expect(expectUnpacker()).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: /GNU tar/ });
  });

  test.skipIf(process.getuid?.() !== 0)('reports what tar could not do (skipped unless root)', async () => {
    const bytes = Buffer.concat([header({ name: 'file', size: 512 }), Buffer.alloc(512, 'x'), TAR]);
    expect(await unpackPieces([bytes], folder)).toBe(bytes.length);
    expect(existsSync(join(folder, 'file'))).toBe(true);
    const damaged = unpackPieces([bytes.subarray(0, 600)], folder);
    await expect(damaged).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: /Unexpected EOF/ });
  });
});
