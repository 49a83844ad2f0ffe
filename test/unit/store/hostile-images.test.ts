import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { inspectImage, isStoreError, openStore, type Store } from '../../../src/index.ts';
import { addBlob, addImage, config, type Files, json, layout, ociLayout, pack } from '../oci/support/images.ts';
import { archive, extension, file, header, pad, pax, paxRecord } from '../oci/support/raw-tar.ts';

/**
 * Archives that somebody made to do harm, or that something broke: each is refused with one sentence that names the file, or
 * contained; the store is as before; nothing is written anywhere else.
 */

const folder = mkdtempSync(join(tmpdir(), 'overlog-hostile-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function written(bytes: Uint8Array): string {
  const path = join(folder, `${++files}.tar`);
  writeFileSync(path, bytes);
  return path;
}

function directory(content: Files): string {
  const path = join(folder, String(++files));
  for (const [name, bytes] of Object.entries(content)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}

/** Loads into a store, and uses what came of it: `loaded`, or why not. A refusal must be ours, in one line with the file's name, and leave nothing. */
async function attempt(path: string, into?: Store): Promise<string> {
  const store = into ?? (await openStore());
  const { seq } = store;
  const before = readdirSync(folder).toSorted().join();
  let loaded;
  try {
    loaded = await store.images.load(path, { tempDirectory: folder });
  } catch (error) {
    if (!isStoreError(error)) throw error;
    expect(error.code).toMatch(/^ERR_(?:OCI_\w+|INVALID_ARGUMENT|UNSUPPORTED)$/);
    expect(error.message).not.toContain('\n');
    expect(store.seq).toBe(seq);
    expect(readdirSync(folder).toSorted().join()).toBe(before);
    return error.message;
  }
  for (const { id } of loaded) {
    inspectImage(store.images.get(id));
    store.images.history(id);
    const container = await store.containers.create({ image: id });
    expect(container.diff()).toEqual([]);
    container.fs.readdirSync('/', { recursive: true });
    await container.remove({ volumes: true });
  }
  expect(readdirSync(folder).toSorted().join()).toBe(before);
  return 'loaded';
}

const imageOf = (layer: Buffer): Buffer => pack(ociLayout({ layers: [layer] }));

describe('a layer with', () => {
  const deep = 'd/'.repeat(2100);
  const cases: readonly (readonly [name: string, layer: Buffer, outcome: RegExp])[] = [
    ['an absolute name', archive(file('/etc/x', 'x')), /^loaded$/],
    ['names that climb', archive(file('../../../../tmp/x', 'x'), file('a/../../../x', 'y')), /^loaded$/],
    [
      'a file through a link to outside',
      archive(header({ name: 'out', typeflag: '2', link: '/tmp' }), file('out/x', 'x')),
      /^loaded$/,
    ],
    [
      'links in a circle',
      archive(
        header({ name: 'a', typeflag: '2', link: 'b' }),
        header({ name: 'b', typeflag: '2', link: 'a' }),
        file('a/x', 'x'),
      ),
      /symbolic links/,
    ],
    [
      'directories that links lead deeper into than a path can name',
      archive(
        header({ name: 'l0', typeflag: '2', link: '.' }),
        ...[0, 1].flatMap((at) => [
          pax([['path', `l${at}/${'d/'.repeat(1500)}`]]),
          header({ name: 'p', typeflag: '5' }),
          pax([['linkpath', `l${at}/${'d/'.repeat(1500)}`]]),
          header({ name: `l${at + 1}`, typeflag: '2' }),
        ]),
      ),
      /more than 2048 directories inside each other/,
    ],
    [
      'links to links through many names',
      archive(
        ...Array.from({ length: 5 }, (_, at) =>
          Buffer.concat([
            pax([['linkpath', `${'./'.repeat(2040)}k${at + 1}`]]),
            header({ name: `k${at}`, typeflag: '2' }),
          ]),
        ),
        header({ name: 'k5', typeflag: '5' }),
        file('k2/fine', 'x'),
        file('k0/x', 'x'),
      ),
      /entry "k0": links on its way lead through more than 8192 names/,
    ],
    [
      'hard links in a chain, the file last',
      archive(
        ...Array.from({ length: 3000 }, (_, at) => header({ name: `h${at}`, typeflag: '1', link: `h${at + 1}` })),
        file('h3000', 'x'),
      ),
      /^loaded$/,
    ],
    [
      'hard links in a chain through a link to their directory',
      archive(
        header({ name: 'l', typeflag: '2', link: 'd' }),
        ...Array.from({ length: 30 }, (_, at) => header({ name: `d/h${at}`, typeflag: '1', link: `l/h${at + 1}` })),
        file('d/h30', 'x'),
      ),
      /^loaded$/,
    ],
    [
      'a global record of attributes for every file',
      archive(
        extension(
          'g',
          Buffer.concat(
            Array.from({ length: 14 }, (_, at) => paxRecord(`SCHILY.xattr.user.k${at}`, 'v'.repeat(60_000))),
          ),
        ),
        ...Array.from({ length: 200 }, (_, at) => file(`f${at}`)),
      ),
      /more than 134217728 bytes of extended attributes/,
    ],
    ['a hard link to itself', archive(header({ name: 'h', typeflag: '1', link: 'h' })), /^loaded$/],
    [
      'a hard link to outside',
      archive(header({ name: 'h', typeflag: '1', link: '../../etc/shadow' })),
      /entry "h".*hard link/,
    ],
    [
      'hard links in a circle',
      archive(header({ name: 'a', typeflag: '1', link: 'b' }), header({ name: 'b', typeflag: '1', link: 'a' })),
      /hard link/,
    ],
    [
      'a hard link to a directory',
      archive(header({ name: 'd', typeflag: '5' }), header({ name: 'h', typeflag: '1', link: 'd' })),
      /directory/,
    ],
    ['a device', archive(header({ name: 'sda', typeflag: '4', major: 8, minor: 0 })), /^loaded$/],
    ['a huge size', archive(header({ name: 'f', size: 0o77777777777 })), /ends in the middle/],
    [
      'a size in base 256 beyond all',
      archive(
        header({
          name: 'f',
          patches: [[124, Buffer.from([0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])]],
        }),
      ),
      /entry 1/,
    ],
    ['a negative size', archive(header({ name: 'f', patches: [[124, Buffer.alloc(12, 0xff)]] })), /entry 1/],
    ['a negative size in PAX', archive(pax([['size', '-1']]), file('f', 'x')), /entry 1/],
    ['a size in PAX that is none', archive(pax([['size', '1e3']]), file('f', 'x')), /entry 1/],
    [
      'a PAX record that lies about its length',
      archive(extension('x', Buffer.from('99 path=x\n')), file('f')),
      /entry 1/,
    ],
    ['a PAX record of no length', archive(extension('x', Buffer.from('0 path=x\n')), file('f')), /entry 1/],
    ['a PAX record with a NUL in the path', archive(pax([['path', 'a\0b']]), file('f')), /entry 1/],
    ['a PAX record with no line feed', archive(extension('x', Buffer.from('10 path=xyz')), file('f')), /entry 1/],
    [
      'PAX records beyond the bound',
      archive(extension('x', Buffer.concat([paxRecord('a', 'x'.repeat(2 ** 20))])), file('f')),
      /entry 1/,
    ],
    [
      'a PAX path of bytes that are no UTF-8',
      archive(pax([['path', Buffer.from([0xff, 0xfe])]]), file('f', 'x')),
      /^loaded$/,
    ],
    [
      'a sparse map whose extents overlap',
      archive(
        pax([
          ['GNU.sparse.size', '100'],
          ['GNU.sparse.map', '0,10,5,10'],
        ]),
        file('s', 'x'.repeat(20)),
      ),
      /entry 1/,
    ],
    [
      'a sparse map out of order',
      archive(
        pax([
          ['GNU.sparse.size', '100'],
          ['GNU.sparse.map', '50,5,0,5'],
        ]),
        file('s', 'x'.repeat(10)),
      ),
      /entry 1/,
    ],
    [
      'a sparse map beyond the file',
      archive(
        pax([
          ['GNU.sparse.size', '10'],
          ['GNU.sparse.map', '5,10'],
        ]),
        file('s', 'x'.repeat(10)),
      ),
      /entry 1/,
    ],
    [
      'a sparse file of an exabyte',
      archive(
        pax([
          ['GNU.sparse.size', '1152921504606846976'],
          ['GNU.sparse.map', '0,1'],
        ]),
        file('s', 'x'),
      ),
      /entry 1|bytes/,
    ],
    ['a whiteout of nothing', archive(header({ name: '.wh.' })), /whiteout/],
    ['a whiteout of the root', archive(header({ name: '.wh..' }), header({ name: '.wh...' })), /./],
    ['an entry below a whiteout', archive(file('.wh.a/b', 'x')), /entry 1/],
    ['a path of 4,200 bytes', archive(pax([['path', `${deep}x`]]), file('f')), /entry 1/],
    ['a name of 300 bytes', archive(pax([['path', 'n'.repeat(300)]]), file('f')), /entry 1/],
    ['the root as a file', archive(file('./', 'x')), /./],
    ['a link without a target', archive(header({ name: 'l', typeflag: '2' })), /target/],
    [
      'a cut in the middle of a file',
      archive(header({ name: 'f', size: 5000 }), Buffer.alloc(512)),
      /ends in the middle/,
    ],
    ['a cut in the middle of a header', Buffer.concat([file('f', 'x'), Buffer.alloc(100, 'x')]), /header/],
    ['garbage behind its end', Buffer.concat([archive(file('f', 'x')), Buffer.alloc(1024, 'g')]), /^loaded$/],
    ['headers and nothing else', archive(pax([['path', 'x']])), /extension header/],
    [
      'a thousand headers in front of one file',
      archive(...Array.from({ length: 1000 }, (_, n) => pax([[`k${n}`, 'v'.repeat(2000)]])), file('f')),
      /entry 1/,
    ],
  ];

  test.each(cases)('%s is refused or contained', async (_, layer, outcome) => {
    expect(await attempt(written(imageOf(layer)))).toMatch(outcome);
  });

  test('many directories inside each other is listed without an overflow', async () => {
    expect(await attempt(written(imageOf(archive(pax([['path', `${'d/'.repeat(2000)}x`]]), file('f', 'x')))))).toBe(
      'loaded',
    );
  });
});

describe('a bomb', () => {
  test('of gzip stops at the declared bound, in bounded memory', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20));
    const store = await openStore();
    const loading = store.images.load(written(bomb), { limits: { bytesMax: 2 ** 20 }, tempDirectory: folder });
    await expect(loading).rejects.toMatchObject({ code: 'ERR_OCI_CORRUPT', message: expect.stringContaining('.tar') });
    expect(store.seq).toBe(1);
  });

  test('of gzip inside of gzip is not opened twice', async () => {
    const layer = gzipSync(gzipSync(archive(file('f', 'x'))));
    expect(await attempt(written(pack(ociLayout({ layers: [layer], compress: gzipSync }))))).toMatch(/layer 1 of 1/);
  });

  test('of JSON is refused by its depth and by its length', async () => {
    const nested = Buffer.from('['.repeat(100_000));
    expect(await attempt(directory({ 'oci-layout': json({}), 'index.json': nested }))).toMatch(/nested deeper/);
    const long = Buffer.alloc(5 * 2 ** 20, ' ');
    expect(await attempt(directory({ 'oci-layout': json({}), 'index.json': long }))).toMatch(/longer than/);
  });
});

describe('a layout with', () => {
  const layer = archive(file('f', 'x'));
  const INDEX = 'application/vnd.oci.image.index.v1+json';

  test('a digest that is a path is refused', async () => {
    for (const digest of ['sha256:../../../../etc/passwd', `sha256:${'A'.repeat(64)}`, 'md5:x', '', 7]) {
      const content = layout({}, [{ mediaType: INDEX, digest, size: 1 }]);
      expect(await attempt(directory(content))).toMatch(/digest/);
    }
  });

  test('indexes inside of indexes ends, also where they name each other', async () => {
    const content: Files = {};
    let inner = addImage(content, { layers: [layer] });
    for (let depth = 0; depth < 20; depth++) {
      inner = addBlob(content, json({ schemaVersion: 2, mediaType: INDEX, manifests: [inner] }), INDEX);
    }
    expect(await attempt(written(pack(layout(content, [inner]))))).toMatch(/nested deeper/);
    // A blob cannot hold its own digest, so a circle always breaks a digest.
    const digest = `sha256:${'0'.repeat(64)}`;
    const circle = { [`blobs/sha256/${'0'.repeat(64)}`]: json({ manifests: [{ mediaType: INDEX, digest, size: 1 }] }) };
    expect(await attempt(directory(layout(circle, [{ mediaType: INDEX, digest, size: 1 }])))).toMatch(/is sha256:/);
  });

  test('a config that names other layers than there are is refused', async () => {
    for (const diffIds of [[], ['sha256:1'], [`sha256:${'1'.repeat(64)}`], [1], null, 'x']) {
      const content = ociLayout({
        layers: [layer],
        config: config([layer], { rootfs: { type: 'layers', diff_ids: diffIds } }),
      });
      expect(await attempt(written(pack(content)))).toMatch(/\.tar/);
    }
  });

  test('sizes that lie is refused', async () => {
    for (const size of [0, 1, 10 ** 15, -1, 1.5, '9']) {
      expect(await attempt(written(pack(ociLayout({ layers: [layer], layer: { size } }))))).toMatch(/size|bytes/);
    }
  });

  test('links that lead out of its folder reads nothing there', async () => {
    const secret = join(folder, 'secret.json');
    writeFileSync(secret, json({ manifests: [] }));
    const path = directory({ 'oci-layout': json({}) });
    symlinkSync(secret, join(path, 'index.json'));
    expect(await attempt(path)).toMatch(/"index\.json".*leads out of the folder/);
    const docker = directory({
      'config.json': json(config([layer])),
      'manifest.json': json([{ Config: 'config.json', RepoTags: null, Layers: ['layer.tar'] }]),
    });
    writeFileSync(join(folder, 'outside.tar'), layer);
    symlinkSync(join(folder, 'outside.tar'), join(docker, 'layer.tar'));
    expect(await attempt(docker)).toMatch(/"layer\.tar".*leads out of the folder/);
    const loop = directory({ 'oci-layout': json({}) });
    symlinkSync('index.json', join(loop, 'index.json'));
    expect(await attempt(loop)).toMatch(/./);
  });

  test('a docker manifest whose layers climb reads nothing outside', async () => {
    writeFileSync(join(folder, 'outside.tar'), layer);
    for (const path of ['../outside.tar', '/../outside.tar', join(folder, 'outside.tar'), 'x/../../outside.tar']) {
      const content = {
        'config.json': json(config([layer])),
        'manifest.json': json([{ Config: 'config.json', RepoTags: ['a:1'], Layers: [path] }]),
      };
      expect(await attempt(directory(content))).toMatch(/is missing/);
      expect(await attempt(written(pack(content)))).toMatch(/is missing/);
    }
  });
});

describe('at random', () => {
  const layer = archive(
    header({ name: 'd/', typeflag: '5', mode: 0o755 }),
    pax([
      ['mtime', '1.5'],
      ['SCHILY.xattr.user.x', 'y'],
    ]),
    file('d/f', 'content'),
    header({ name: 'd/h', typeflag: '1', link: 'd/f' }),
    header({ name: 'l', typeflag: '2', link: 'd' }),
    file('.wh.gone'),
    file('d/.wh..wh..opq'),
  );
  const lower = archive(file('gone', 'x'), header({ name: 'd/', typeflag: '5' }), file('d/old', 'y'));
  const valid = pack(ociLayout({ layers: [lower, layer], tags: ['a:1', 'b:1'] }));
  const runs = (count: number) => ({ numRuns: Number(process.env['OVERLOG_HOSTILE_RUNS'] ?? count) });

  test('the sample itself loads', async () => {
    expect(await attempt(written(valid))).toBe('loaded');
  });

  test('a damaged archive is refused or loaded, and never an error of the inside', async () => {
    const damage = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(damage, fc.option(fc.nat(valid.length)), async (spots, cut) => {
        const bytes = Buffer.from(valid.subarray(0, cut ?? valid.length));
        for (const [at, value] of spots) if (at < bytes.length) bytes[at] = value;
        await attempt(written(bytes));
      }),
      runs(150),
    );
  });

  test('a damaged layer with right digests is refused or loaded, and never an error of the inside', async () => {
    const spot = fc.tuple(fc.nat(layer.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(spot, { minLength: 1, maxLength: 6 }), async (spots) => {
        const bytes = Buffer.from(layer);
        for (const [at, value] of spots) bytes[at] = value;
        fixChecksums(bytes);
        await attempt(written(pack(ociLayout({ layers: [lower, bytes] }))));
      }),
      runs(300),
    );
  });

  test('entries of any kind, name and target in any order are refused or loaded', async () => {
    const name = fc.constantFrom(
      'a',
      'a/b',
      'a/b/c',
      '.',
      '..',
      '../x',
      'l',
      'l/x',
      '.wh.a',
      'a/.wh.b',
      'a/.wh..wh..opq',
      '.wh..wh..opq',
      '.wh.',
      'd',
      '/a//b/',
      'l/../x',
      '.wh..wh.plnk/1',
    );
    const entry = fc.tuple(name, fc.constantFrom('0', '1', '2', '3', '4', '5', '6', 'V', 'S', 'Z'), name, fc.nat(9));
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), fc.array(entry, { maxLength: 12 }), async (below, above) => {
        const build = (entries: typeof below): Buffer =>
          archive(
            ...entries.flatMap(([path, typeflag, link, size]) => {
              const own = '0SZ'.includes(typeflag) ? size : 0;
              return [header({ name: path, typeflag, link, size: own }), pad(Buffer.alloc(own, 'x'))];
            }),
          );
        await attempt(written(pack(ociLayout({ layers: [build(below), build(above)] }))));
      }),
      runs(300),
    );
  });

  test('documents with any value anywhere are refused or loaded', async () => {
    const value = fc.oneof(
      fc.constantFrom(null, -1, 1e308, '', 'sha256:', '__proto__', [], {}, [[]], true),
      fc.json().map((text) => JSON.parse(text) as unknown),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('config', 'manifest', 'index'), fc.nat(60), value, async (which, at, put) => {
        const change = (document: object): object => {
          const copy = structuredClone(document) as Record<string, unknown>;
          const places: [Record<string, unknown>, string][] = [];
          collect(copy, places);
          const [owner, key] = places[at % places.length];
          owner[key] = put;
          return copy;
        };
        const content: Files = {};
        const parts = {
          layers: [lower, layer],
          config: config([lower, layer], { history: [{ created: '2020-01-01T00:00:00Z' }, {}] }),
        };
        if (which === 'config') addedLayout(content, addImage(content, { ...parts, config: change(parts.config) }));
        else {
          const descriptor = addImage(content, parts) as { digest: string };
          const manifest = JSON.parse(content[`blobs/${descriptor.digest.replace(':', '/')}`].toString()) as object;
          if (which === 'index') addedLayout(content, change({ manifests: [descriptor] }));
          else
            addedLayout(
              content,
              addBlob(content, json(change(manifest)), 'application/vnd.oci.image.manifest.v1+json'),
            );
        }
        await attempt(written(pack(content)));
      }),
      runs(300),
    );
  });
});

function addedLayout(content: Files, top: object): void {
  content['oci-layout'] = json({ imageLayoutVersion: '1.0.0' });
  content['index.json'] = json('manifests' in top ? top : { schemaVersion: 2, manifests: [top] });
}

function collect(value: unknown, places: [Record<string, unknown>, string][]): void {
  if (typeof value !== 'object' || value === null) return;
  for (const key of Object.keys(value)) {
    places.push([value as Record<string, unknown>, key]);
    collect((value as Record<string, unknown>)[key], places);
  }
}

/** Makes the checksums right again, so that damage gets past them. */
function fixChecksums(bytes: Buffer): void {
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    const block = bytes.subarray(at, at + 512);
    if (!block.toString('latin1', 257, 262).startsWith('ustar')) continue;
    block.fill(0x20, 148, 156);
    let sum = 0;
    for (const byte of block) sum += byte;
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  }
}
