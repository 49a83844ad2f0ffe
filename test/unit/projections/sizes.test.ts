import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Container, openStore, type Store } from '../../../src/index.ts';
import { addApp, containerOf, storeOf } from './drivers/driver-kit.ts';

const files = (store: Store) =>
  store
    .containerSize('web')
    .files.map(({ path, bytes, origin, reason, cause }) => [path, bytes, origin, reason, cause[0]]);

describe('the size of a container', () => {
  test('tells what was made, changed, and copied up for nothing, with the call that did it', async () => {
    const [store, web] = await containerOf({ a: 5000, b: 4000, c: 3000, d: 2000, 'e/': 0, 'e/f': 1000, g: 900 });
    web.fs.appendFileSync('/a', 'x');
    web.fs.chmodSync('/b', 0o600);
    web.fs.closeSync(web.fs.openSync('/c', 'r+'));
    web.fs.renameSync('/d', '/moved');
    web.fs.linkSync('/e/f', '/link');
    web.fs.writeFileSync('/new', Buffer.alloc(100));
    web.fs.utimesSync('/g', 1, 1);
    expect(files(store)).toEqual([
      ['/a', 5001, 'changed', null, 'appendFile'],
      ['/b', 4000, 'unchanged', 'attributes', 'chmod'],
      ['/c', 3000, 'unchanged', 'opened for writing', 'open'],
      ['/moved', 2000, 'unchanged', 'rename', 'rename'],
      ['/e/f', 1000, 'unchanged', 'link', 'link'],
      ['/g', 900, 'unchanged', 'attributes', 'utimensat'],
      ['/new', 100, 'made', null, 'writeFile'],
    ]);
    const size = store.containerSize('web');
    expect(size.bytes).toBe(web.sizes().sizeRwBytes);
    expect(size.avoidableBytes).toBe(4000 + 3000 + 2000 + 1000 + 900);
    // Two blocks for 5001 bytes, one for every other file; the root and e.
    expect(size.allocatedBytes).toBe((2 + 6) * 4096 + 2 * 4096);
    expect(size.directoryBytes).toBe(2 * 4096);
    expect(size.byOperation.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(size.bytes);
    expect(size.byLayer).toMatchObject([
      { layer: 0, files: 6 },
      { layer: null, files: 1, bytes: 100 },
    ]);
  });

  test('takes a file for changed once a byte was written, and no more when it was written back', async () => {
    const [store, web] = await containerOf({ a: 5000 });
    const before = web.fs.readFileSync('/a');
    web.fs.appendFileSync('/a', 'x');
    expect(store.containerSize('web').avoidableBytes).toBe(0);
    web.fs.writeFileSync('/a', before);
    expect(store.containerSize('web').avoidableBytes).toBe(5000);
  });

  test('knows the call behind a broken hard link, and in a fork the call of its source', async () => {
    const store = await openStore();
    const first = await store.containers.create({ name: 'first' });
    first.fs.writeFileSync('/a', 'content');
    first.fs.linkSync('/a', '/b');
    await first.commit({ tag: 'linked' });
    const web: Container = await store.containers.create({ name: 'web', image: 'linked' });
    web.fs.chmodSync('/b', 0o600);
    expect(files(store)).toEqual([['/b', 7, 'unchanged', 'attributes', 'chmod']]);
    await store.containers.fork('web', { name: 'fork' });
    expect(store.containerSize('fork').avoidable[0]).toMatchObject({
      path: '/b',
      cause: ['chmod', '/b', expect.anything()],
    });
  });
});

describe('the size of an image', () => {
  test('tells layer by layer what is new, changed, stored again, and hidden', async () => {
    const store = await storeOf({ a: 5000, b: 4000, 'd/': 0, 'd/gone': 300 }, { a: 6000, c: 10 }, { 'd/gone': null });
    const web = await store.containers.create({ name: 'web', image: 'app' });
    web.fs.chmodSync('/b', 0o600);
    await web.commit({ tag: 'app:2' });
    const { layers, repeated, ...size } = store.imageSize('app:2');
    expect(layers.map((layer) => [layer.newBytes, layer.changedBytes, layer.repeatedBytes, layer.hiddenBytes])).toEqual(
      [
        [9300, 0, 0, 5000 + 4000 + 300],
        [10, 6000, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 4000, 0],
      ],
    );
    expect(size).toMatchObject({ bytes: 9300 + 6010 + 4000, hiddenBytes: 9300, repeatedBytes: 4000 });
    expect(repeated).toEqual([{ path: '/b', layer: 3, bytes: 4000, isAttributeChange: true }]);
    expect(layers.map(({ bytes }) => bytes)).toEqual(
      store.images.get('app:2').layers.map(({ sizeBytes }) => sizeBytes),
    );
  });

  test('is the same in a store that was opened again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'overlog-sizes-'));
    const store = await openStore({ directory });
    await addApp(store, { a: 5000, b: 4000, 'd/': 0, 'd/gone': 300 }, { a: 6000, c: 10 }, { 'd/gone': null });
    const size = store.imageSize('app');
    await store.close();
    const again = await openStore({ directory, readOnly: true });
    expect(again.imageSize('app')).toEqual(size);
    await again.close();
    rmSync(directory, { recursive: true });
  });
});
