import { expect, test } from 'vitest';
import type { Store } from '../../../src/index.ts';
import { smallStore } from './store-kit.ts';

const LABEL = 'com.docker.compose.project';

/** A project of two containers, one of them running, and a stranger that shares one of its volumes. */
async function shop(): Promise<Store> {
  const store = await smallStore();
  const volume = (source: string, target: string) => ({ type: 'volume', source, target }) as const;
  const labels = { [LABEL]: 'shop' };
  const db = await store.containers.create({
    image: 'app',
    name: 'shop-db-1',
    labels,
    mounts: [volume('shop_db', '/data'), volume('external', '/ext'), { type: 'volume', target: '/anonymous' }],
  });
  await db.start();
  await db.pause();
  const mounts = [volume('shop_shared', '/mnt')];
  await store.containers.create({ image: 'app', name: 'shop-web-1', labels, mounts });
  await store.containers.create({ image: 'app', name: 'other', labels: { [LABEL]: 'shopping' }, mounts });
  return store;
}

const names = (list: readonly { readonly name: string }[]): string[] => list.map(({ name }) => name);

test('down stops and removes the containers of a project and keeps every volume (SEM-2.8)', async () => {
  const store = await shop();
  const before = names(store.volumes.list());
  expect(await store.containers.down('shop')).toEqual({
    containers: ['shop-web-1', 'shop-db-1'],
    volumes: [],
    images: [],
    imagesInUse: [],
  });
  expect(names(store.containers.list())).toEqual(['other']);
  expect(names(store.volumes.list())).toEqual(before);
  expect(before).toHaveLength(4);
});

test('down --volumes removes anonymous volumes and the project’s own, not external ones nor those in use (SEM-2.8)', async () => {
  const store = await shop();
  const { seq } = store;
  const { volumes } = await store.containers.down('shop', { volumes: true });
  expect(volumes).toHaveLength(2);
  expect(volumes).toContain('shop_db');
  expect(names(store.volumes.list())).toEqual(['external', 'shop_shared']);
  const told = [...store.events({ since: seq })].map(({ Type, Action }) => `${Type} ${Action}`);
  expect(told).toEqual([
    'container kill',
    'container unpause',
    'container die',
    'network disconnect',
    'volume unmount',
    'volume unmount',
    'volume unmount',
    'container stop',
    'volume destroy',
    'volume destroy',
    'container destroy',
    'container destroy',
  ]);
  // What was there can still be read, and forked back to life.
  expect(names(store.at(seq).containers.list())).toContain('shop-db-1');
});

test('down of a project that has no container is refused', async () => {
  const store = await shop();
  const { seq } = store;
  await expect(store.containers.down('nope')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  expect(store.seq).toBe(seq);
});

test('down --rmi local removes the images that compose built, all also the others, and none that is in use (SEM-2.8)', async () => {
  const made = async (): Promise<Store> => {
    const store = await smallStore();
    for (const name of ['shop-web', 'shop-other', 'registry.example/db:2']) {
      const c = await store.containers.create({ image: 'app' });
      c.fs.writeFileSync('/made', name);
      await c.commit({ tag: name });
      await c.remove();
    }
    for (const [image, service] of [
      ['shop-web', 'web'],
      ['shop-other', 'web'],
      ['registry.example/db:2', 'db'],
      ['app', 'app'],
    ]) {
      const labels = { [LABEL]: 'shop', 'com.docker.compose.service': service };
      await store.containers.create({ image, name: `shop-${image.slice(0, 6)}-${service}`.replace('/', ''), labels });
    }
    await store.containers.create({ image: 'app', name: 'stranger' });
    return store;
  };
  const store = await made();
  expect(await store.containers.down('shop', { images: 'local' })).toMatchObject({
    images: ['shop-web:latest'],
    imagesInUse: [],
  });
  const other = await made();
  const { seq } = other;
  expect(await other.containers.down('shop', { images: 'all' })).toMatchObject({
    images: ['registry.example/db:2', 'shop-other:latest', 'shop-web:latest'],
    imagesInUse: ['app:latest'],
  });
  expect(other.images.list().flatMap(({ tags }) => tags)).toEqual(['app:latest']);
  expect([...other.events({ since: seq })].filter(({ Type }) => Type === 'image').map(({ Action }) => Action)).toEqual([
    'untag',
    'delete',
    'untag',
    'delete',
    'untag',
    'delete',
  ]);
});
