import { mkdtempSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isStoreError } from '../../../src/events/log-error.ts';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import type { ImageSourceOptions, SourceImage } from '../../../src/oci/image-source.ts';
import type { SourceWarning } from '../../../src/oci/source-warning.ts';
import { addImage, addIndex, config, json, layout, ociLayout, pack, sha256 } from './support/images.ts';
import type { Files } from './support/images.ts';
import { archive, file, header, pad } from './support/raw-tar.ts';
import { RecordSink } from './support/record-sink.ts';

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const LAYER = archive(file('a', 'content'));
const OTHER = archive(file('b', 'other'));

function save(bytes: Buffer): string {
  const path = join(folder, `archive-${++count}.tar`);
  writeFileSync(path, bytes);
  return path;
}

function saveFolder(files: Files): string {
  const root = join(folder, `layout-${++count}`);
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }
  return root;
}

async function open(
  files: Files | Buffer,
  options: ImageSourceOptions = {},
): Promise<{ images: readonly SourceImage[]; entries: string[][]; warnings: readonly SourceWarning[] }> {
  const source = await openImageSource(save(Buffer.isBuffer(files) ? files : pack(files)), options);
  try {
    const entries: string[][] = [];
    for (const image of source.images) {
      for (const layer of image.layers) {
        const sink = new RecordSink();
        await source.readLayer(layer, sink);
        entries.push(sink.finish().map(({ entry }) => entry.path));
      }
    }
    return { images: source.images, entries, warnings: source.warnings };
  } finally {
    await source.close();
  }
}

const error = (code: string, text: string) => expect.objectContaining({ code, message: expect.stringContaining(text) });
const corrupt = (text: string) => error('ERR_OCI_CORRUPT', text);
const unsupported = (text: string) => error('ERR_OCI_UNSUPPORTED', text);
const digest = (text: string) => error('ERR_OCI_DIGEST', text);

const platform = (architecture: string, variant?: string): object => ({
  platform: { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) },
});
const named = (name: string): object => ({ annotations: { 'org.opencontainers.image.ref.name': name } });
const ATTESTATION = {
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
};

describe('indexes', () => {
  const forPlatforms = (): { files: Files; descriptors: object[] } => {
    const files: Files = {};
    const arm = { layers: [OTHER], config: config([OTHER], { architecture: 'arm64' }) };
    const descriptors = [
      addImage(files, arm, platform('arm64', 'v8')),
      addImage(files, { layers: [LAYER] }, platform('amd64')),
      addImage(files, { layers: [], config: config([], { note: 'attestation' }) }, ATTESTATION),
    ];
    return { files, descriptors };
  };

  test('an index of platforms inside the index gives the one that is wanted', async () => {
    const { files, descriptors } = forPlatforms();
    layout(files, [addIndex(files, descriptors, named('app:1'))]);
    const amd = await open(files);
    expect(amd.images).toMatchObject([{ tags: ['app:1'], configDigest: `sha256:${sha256(json(config([LAYER])))}` }]);
    expect(amd.entries).toEqual([['a']]);
    expect((await open(files, { platform: 'linux/arm64' })).entries).toEqual([['b']]);
    expect((await open(files, { platform: 'linux/arm64/v8' })).entries).toEqual([['b']]);
    await expect(open(files, { platform: 'linux/s390x' })).rejects.toEqual(unsupported('linux/arm64/v8, linux/amd64'));
    await expect(open(files, { platform: 'linux' })).rejects.toEqual(error('ERR_INVALID_ARGUMENT', 'platform'));
  });

  test.each([
    ['linux/arm64', 'arm64/v8'],
    ['linux/aarch64', 'arm64/v8'],
    ['linux/arm64/8', 'arm64/v8'],
    ['linux/arm', 'arm/v7'],
    ['linux/armhf', 'arm/v7'],
    ['linux/armel', 'arm/v6'],
    ['linux/arm/v5', 'arm/v5'],
    ['linux/x86_64', 'amd64'],
    ['linux/amd64/v1', 'amd64'],
    ['linux/i386', '386'],
  ])('%s means %s, wherever it stands', async (asked, meant) => {
    const offered = ['arm/v5', 'arm/v6', 'arm64/v8', 'arm/v7', '386', 'amd64'];
    for (const order of [offered, offered.toReversed()]) {
      const files: Files = {};
      const descriptors = order.map((text) => {
        const [architecture, variant] = text.split('/');
        const layer = archive(file(text.replace('/', '-')));
        return addImage(files, { layers: [layer] }, platform(architecture, variant));
      });
      layout(files, [addIndex(files, descriptors, named('app'))]);
      expect((await open(files, { platform: asked })).entries).toEqual([[meant.replace('/', '-')]]);
    }
  });

  test('a variant that was asked for is no other one', async () => {
    const files: Files = {};
    const descriptors = ['v6', undefined].map((variant) =>
      addImage(files, { layers: [LAYER] }, platform('arm', variant)),
    );
    layout(files, [addIndex(files, descriptors)]);
    await expect(open(files, { platform: 'linux/arm/v8' })).rejects.toEqual(unsupported('no image for linux/arm/v8'));
    expect((await open(files, { platform: 'linux/arm/v7' })).images).toHaveLength(1);
  });

  test('an index that names one index again and again is read once', async () => {
    const files: Files = {};
    let inner = addImage(files, { layers: [LAYER] }, named('app:1'));
    for (let level = 0; level < 7; level++)
      inner = addIndex(
        files,
        Array.from({ length: 100 }, () => inner),
      );
    const { images } = await open(
      layout(
        files,
        Array.from({ length: 100 }, () => inner),
      ),
    );
    expect(images.map(({ tags }) => tags)).toEqual([['app:1']]);
  });

  test('platforms side by side in index.json are one image as well', async () => {
    const { files, descriptors } = forPlatforms();
    expect((await open(layout(files, descriptors))).entries).toEqual([['a']]);
  });

  test('of several platforms the only one whose manifest is there is taken', async () => {
    const { files, descriptors } = forPlatforms();
    layout(files, [addIndex(files, descriptors, named('app'))]);
    const [, amd] = descriptors as { digest: string }[];
    const rest = Object.fromEntries(
      Object.entries(files).filter(([path]) => path !== `blobs/${amd.digest.replace(':', '/')}`),
    );
    expect((await open(rest)).entries).toEqual([['b']]);
  });

  test('names: several of one image, several images, containerd names before tags', async () => {
    const files: Files = {};
    const both = { 'io.containerd.image.name': 'docker.io/library/x:2', 'org.opencontainers.image.ref.name': '2' };
    layout(files, [
      addImage(files, { layers: [LAYER] }, named('1')),
      addImage(files, { layers: [LAYER] }, { annotations: both }),
      addImage(files, { layers: [OTHER] }, named('3')),
      addImage(files, { layers: [OTHER, LAYER] }),
    ]);
    expect((await open(files)).images.map(({ tags }) => tags)).toEqual([['1', 'docker.io/library/x:2'], ['3'], []]);
  });

  test('images without a name are all taken, even for one platform', async () => {
    const files: Files = {};
    layout(files, [
      addImage(files, { layers: [LAYER] }, platform('amd64')),
      addImage(files, { layers: [OTHER] }, platform('amd64')),
    ]);
    expect((await open(files)).entries).toEqual([['a'], ['b']]);
  });

  test('indexes that nest too deep are refused', async () => {
    const files: Files = {};
    let descriptor = addImage(files, { layers: [LAYER] });
    for (let depth = 0; depth < 9; depth++) descriptor = addIndex(files, [descriptor]);
    await expect(open(layout(files, [descriptor]))).rejects.toEqual(corrupt('nested deeper than 8'));
  });

  test('artifacts beside images are left out with a warning', async () => {
    const files: Files = {};
    const image = addImage(files, { layers: [LAYER] });
    const chart = addImage(files, { layers: [OTHER], manifest: { artifactType: 'application/vnd.chart' } });
    const { images, warnings } = await open(layout(files, [chart, image]));
    expect(images).toHaveLength(1);
    expect(warnings).toEqual([expect.objectContaining({ message: expect.stringContaining('vnd.chart') })]);
    await expect(open(layout(files, [chart]))).rejects.toEqual(corrupt('names no image'));
  });
});

describe('digests and counts', () => {
  test('a manifest, config or layer that is not what its digest says is refused', async () => {
    for (const [what, pick] of [
      ['manifest', (text: string) => text.includes('"layers"') && text.includes('"mediaType"')],
      ['config', (text: string) => text.includes('diff_ids')],
    ] as const) {
      const files = ociLayout({ layers: [LAYER] });
      for (const [path, bytes] of Object.entries(files)) {
        if (path.startsWith('blobs/') && pick(bytes.toString('latin1')))
          files[path] = Buffer.concat([bytes, Buffer.from(' ')]);
      }
      await expect(open(files)).rejects.toEqual(digest(what));
    }
  });

  test('a diff_id that is another is refused with the layer', async () => {
    const files = ociLayout({ layers: [LAYER, OTHER], config: config([LAYER, LAYER]) });
    await expect(open(files)).rejects.toEqual(digest('layer 2 of 2: the uncompressed layer is sha256:'));
  });

  test('bytes behind the end mark are part of the diffID', async () => {
    const padded = Buffer.concat([LAYER, Buffer.alloc(9 * 512)]);
    expect((await open(ociLayout({ layers: [padded] }))).images[0].layers[0].diffId).toBe(`sha256:${sha256(padded)}`);
  });

  test('bytes behind the gzip stream are part of the blob', async () => {
    const compress = (bytes: Buffer): Buffer => Buffer.concat([gzipSync(bytes), Buffer.alloc(100)]);
    expect((await open(ociLayout({ layers: [LAYER], compress }))).entries).toEqual([['a']]);
  });

  test.each([
    ['size', { size: 5 }, digest('the manifest says 5')],
    ['digest', { digest: `sha256:${'0'.repeat(64)}` }, corrupt('is missing')],
    ['digest that is none', { digest: 'sha256:../../../etc/passwd' }, corrupt('no usable digest')],
    ['encrypted', { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' }, unsupported('encrypted')],
    ['elsewhere', { digest: `sha256:${'0'.repeat(64)}`, urls: ['http://example.com'] }, unsupported('elsewhere')],
  ])('a layer descriptor with a wrong %s is refused', async (_, layer, expected) => {
    await expect(open(ociLayout({ layers: [LAYER], layer }))).rejects.toEqual(expected);
  });

  test.each([
    ['diff_ids', { rootfs: { type: 'layers', diff_ids: [] } }, '0 diff_ids for 1 layers'],
    ['history', { history: [{}, {}] }, 'a history of 2 layers for 1'],
    ['history of empty layers', { history: [{ empty_layer: true }] }, 'a history of 0 layers for 1'],
    ['a diff_id', { rootfs: { diff_ids: ['sha256:x'] } }, 'no SHA-256'],
    ['rootfs', { rootfs: [] }, '0 diff_ids'],
  ])('a config whose %s does not fit is refused', async (_, change, text) => {
    await expect(open(ociLayout({ layers: [LAYER], config: config([LAYER], change) }))).rejects.toEqual(corrupt(text));
  });

  test('history may be absent, and empty layers do not count', async () => {
    for (const history of [undefined, null, [], [{ empty_layer: true }, {}, { empty_layer: true }]]) {
      expect((await open(ociLayout({ layers: [LAYER], config: config([LAYER], { history }) }))).entries).toEqual([
        ['a'],
      ]);
    }
  });

  test('media types are not trusted', async () => {
    for (const mediaType of ['application/vnd.oci.image.layer.v1.tar', 'text/plain', undefined]) {
      expect((await open(ociLayout({ layers: [LAYER], layer: { mediaType } }))).entries).toEqual([['a']]);
    }
    const plain = ociLayout({ layers: [LAYER], compress: (bytes) => bytes });
    expect((await open(plain)).entries).toEqual([['a']]);
  });

  test('SHA-512 digests are verified too', async () => {
    const files: Files = {};
    const { createHash } = await import('node:crypto');
    const blob = gzipSync(LAYER);
    const hex = createHash('sha512').update(blob).digest('hex');
    files[`blobs/sha512/${hex}`] = blob;
    const image = addImage(files, { layers: [LAYER], layer: { digest: `sha512:${hex}` } });
    expect((await open(layout(files, [image]))).entries).toEqual([['a']]);
    blob[blob.length - 1] ^= 1;
    await expect(open(files)).rejects.toEqual(digest('sha512:'));
  });
});

describe('damaged and odd archives', () => {
  test.each([
    ['deep JSON', Buffer.from(`${'['.repeat(100)}${']'.repeat(100)}`), 'nested deeper'],
    ['an array', Buffer.from('[]'), 'not a JSON object'],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'not JSON'],
    ['no manifests', Buffer.from('{}'), 'names no image'],
    ['a manifest that is none', Buffer.from('{"manifests":[5]}'), 'manifest 1 is not an object'],
    ['manifests that are none', Buffer.from('{"manifests":{}}'), 'not an array'],
  ])('index.json with %s is refused', async (_, index, text) => {
    await expect(open({ ...ociLayout({ layers: [LAYER] }), 'index.json': index })).rejects.toEqual(corrupt(text));
  });

  test('a huge manifest is not read', async () => {
    const index = Buffer.alloc(5 * 2 ** 20, ' ');
    await expect(open({ ...ociLayout({ layers: [LAYER] }), 'index.json': index })).rejects.toEqual(
      corrupt('longer than'),
    );
  });

  test('an archive cut anywhere is refused', async () => {
    const whole = pack(ociLayout({ layers: [LAYER] }));
    for (let length = 100; length < whole.length - 1024 - 512; length += 300) {
      const opened = open(whole.subarray(0, length), { kind: 'oci-archive' });
      await expect(opened).rejects.toMatchObject({ code: 'ERR_OCI_CORRUPT', detail: { file: expect.any(String) } });
    }
  });

  test('what is no archive is refused', async () => {
    await expect(open(Buffer.alloc(0))).rejects.toEqual(corrupt('the file is empty'));
    await expect(open(gzipSync(Buffer.alloc(0)))).rejects.toEqual(corrupt('the file is empty'));
    const isNone = corrupt('not an archive: its first bytes are not those of a tar');
    await expect(open(Buffer.from('hello'))).rejects.toEqual(isNone);
    await expect(open(gzipSync('hello'))).rejects.toEqual(isNone);
    await expect(open(Buffer.alloc(2000, 'x'))).rejects.toEqual(isNone);
    const damaged = Buffer.from(LAYER);
    damaged[0] ^= 1;
    await expect(open(damaged)).rejects.toEqual(corrupt('not a tar header: its checksum does not fit'));
    await expect(open(LAYER.subarray(0, 300))).rejects.toEqual(corrupt('middle of a header'));
    await expect(open(Buffer.from('fd377a585a000000', 'hex'))).rejects.toEqual(unsupported('xz'));
    await expect(openImageSource(join(folder, 'absent'))).rejects.toEqual(error('ERR_NOT_FOUND', 'no such file'));
    await expect(openImageSource('/dev/null')).rejects.toEqual(unsupported('not a file'));
  });

  test('links lead nowhere outside the archive, and loops end', async () => {
    const manifest = json([{ Config: 'c', RepoTags: [], Layers: ['l'] }]);
    const files = { 'manifest.json': manifest, l: LAYER };
    const conf = json(config([LAYER]));
    for (const target of ['../../../../../../etc/passwd', '/etc/passwd', 'c', 'missing']) {
      await expect(open(pack(files, { c: target }))).rejects.toEqual(corrupt('the config c is missing'));
    }
    const found = pack({ ...files, 'x/y': conf }, { c: '/../z/./y', z: 'x' });
    expect((await open(found)).entries).toEqual([['a']]);
    const hard = Buffer.concat([header({ name: 'c', typeflag: '1', link: './x/y' }), pack({ ...files, 'x/y': conf })]);
    expect((await open(hard)).entries).toEqual([['a']]);
  });

  test('paths in a manifest cannot leave an unpacked archive', async () => {
    const secret = join(folder, 'secret');
    writeFileSync(secret, '{}');
    const manifest = json([{ Config: '../secret', RepoTags: [], Layers: [] }]);
    await expect(openImageSource(saveFolder({ 'manifest.json': manifest }))).rejects.toEqual(
      corrupt('../secret is missing'),
    );
  });

  test('blobs may be symlinks on the disk, fifos are not waited for', async () => {
    const files = ociLayout({ layers: [LAYER] });
    const root = saveFolder(Object.fromEntries(Object.entries(files).filter(([path]) => !path.startsWith('blobs'))));
    const cache = saveFolder(files);
    symlinkSync(join(cache, 'blobs'), join(root, 'blobs'));
    const source = await openImageSource(root);
    expect((await source.readLayer(source.images[0].layers[0], new RecordSink())).entries).toBe(1);
    rmSync(join(root, 'index.json'));
    execFileSync('mkfifo', [join(root, 'index.json')]);
    await expect(openImageSource(root, { kind: 'oci-layout' })).rejects.toEqual(corrupt('index.json is missing'));
  });

  test('configs in a blob folder must have their digest; as <hex>.json they only should', async () => {
    const bytes = json(config([LAYER]));
    const wrong = '0'.repeat(64);
    const manifestOf = (path: string): Buffer => json([{ Config: path, RepoTags: ['x'], Layers: ['l'] }]);
    const bad = { 'manifest.json': manifestOf(`blobs/sha256/${wrong}`), [`blobs/sha256/${wrong}`]: bytes, l: LAYER };
    await expect(open(bad)).rejects.toEqual(digest('its name says'));
    const { warnings } = await open({
      'manifest.json': manifestOf(`${wrong}.json`),
      [`${wrong}.json`]: bytes,
      l: LAYER,
    });
    expect(warnings).toEqual([expect.objectContaining({ entry: `${wrong}.json` })]);
  });

  test('an archive from before Docker 1.10 is refused by what it is', async () => {
    const id = 'a'.repeat(64);
    const files = { repositories: json({ x: { latest: id } }), [`${id}/layer.tar`]: LAYER };
    await expect(open(files)).rejects.toEqual(unsupported('before Docker 1.10'));
  });

  test('a root file system with a manifest.json of its own is a plain tar', async () => {
    const tar = archive(file('manifest.json', '{"name":"a web app"}'), file('index.json', '[]'));
    expect((await open(tar)).entries).toEqual([['manifest.json', 'index.json']]);
  });

  test('a sparse file inside an archive is refused', async () => {
    const sparse = header({
      name: 'manifest.json',
      typeflag: 'S',
      magic: 'ustar  \0',
      size: 2,
      patches: [
        [386, '00000000000\x0000000000002\0'],
        [483, '00000000010\0'],
      ],
    });
    await expect(open(archive(sparse, pad(Buffer.from('[]'))))).rejects.toEqual(unsupported('sparse'));
  });
});

test('a damaged archive is read as it was or refused with one StoreError', async () => {
  const bytes = pack(ociLayout({ layers: [LAYER, OTHER] }));
  const reference = (await open(bytes)).entries;
  const spots = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(spots, async (changes) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      try {
        expect((await open(damaged, { kind: 'oci-archive' })).entries).toEqual(reference);
      } catch (thrown) {
        if (!isStoreError(thrown)) throw thrown;
        expect(thrown.message).toContain(folder);
      }
    }),
    { numRuns: 300 },
  );
});

test('nothing is left behind where archives are unpacked', async () => {
  const tempDirectory = mkdtempSync(join(folder, 'temp-'));
  const good = save(gzipSync(pack(ociLayout({ layers: [LAYER] }))));
  const source = await openImageSource(good, { tempDirectory });
  expect(readdirSync(tempDirectory)).toEqual([]);
  await source.close();
  const bomb = save(gzipSync(Buffer.alloc(2 ** 20)));
  await expect(openImageSource(bomb, { tempDirectory, limits: { bytesMax: 2 ** 16 } })).rejects.toEqual(
    corrupt('more than 65536'),
  );
  expect(readdirSync(tempDirectory)).toEqual([]);
});

test('a layer bomb is stopped at the limit', async () => {
  const bomb = archive(file('zeros', Buffer.alloc(2 ** 20)));
  const files = ociLayout({ layers: [bomb] });
  await expect(open(files, { limits: { bytesMax: 2 ** 19 } })).rejects.toEqual(corrupt('longer than 524288 bytes'));
});
