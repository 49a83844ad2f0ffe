import { expect, test } from 'vitest';
import { smallStore } from './store-kit.ts';

test('a container whose image is gone is forked back to life with its image', async () => {
  const store = await smallStore();
  const web = await store.containers.create({ image: 'app', name: 'web' });
  const before = store.seq;
  const { sizeRootFsBytes } = web.sizes();
  const [{ id }] = store.images.list();
  await web.remove();
  await store.images.remove('app');
  expect(store.world.registry.layers.size).toBe(0);
  const fork = await store.fork('web', before, { name: 'again' });
  expect(fork.sizes().sizeRootFsBytes).toBe(sizeRootFsBytes);
  expect(store.images.get(id).tags).toEqual([]);
  fork.fs.writeFileSync('/new', '');
  const created = await store.containers.create({ image: await fork.commit() });
  expect(created.fs.readdirSync('/')).toEqual(['data', 'etc', 'new']);
});
