import { type Store, openStore } from '../../index.ts';
import { warmUp } from '../../entry/mount.ts';

const FILE = 'file';

/**
 * Warms this thread up for serving: requests about containers of a store in memory, until V8 has compiled what they take.
 *
 * @returns What was refused on the way; nothing, if all is well.
 */
export async function warmServer(): Promise<ReturnType<typeof warmUp>> {
  const store = await openStore();
  try {
    return warmUp(await namespacesOf(store), FILE);
  } finally {
    await store.close();
  }
}

/** Each container gives one first write to a lower file. */
async function namespacesOf(store: Store) {
  const source = await store.containers.create({ name: 'source' });
  source.fs.writeFileSync(`/${FILE}`, 'content');
  await source.commit({ tag: 'lower:1' });
  const containers = [];
  for (let index = 0; index < CONTAINERS; index++) {
    containers.push(await store.containers.create({ name: `c${index}`, image: 'lower:1' }));
  }
  return containers.map((container) => container.namespace());
}

const CONTAINERS = 2;
