import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Store, openStore } from '../../index.ts';
import { warmUp } from '../../entry/mount.ts';

/** Memory as a directory: what is thrown away need not reach a disk (shm_overview(7)). */
const SHARED_MEMORY = '/dev/shm';
const FILE = 'file';
/** So much that it takes several chunks. */
const FILE_BYTES = 300_000;

/**
 * Warms this thread up for serving: requests about containers of a store that is thrown away, until V8 has compiled what they
 * take. That store is one in a directory, as the real one is, so that its writes are compiled, too.
 *
 * @returns What was refused on the way; nothing, if all is well.
 */
export async function warmServer(): Promise<ReturnType<typeof warmUp>> {
  const directory = mkdtempSync(join(existsSync(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir(), 'overlog-warm-up-'));
  try {
    const store = await openStore(join(directory, 'store'));
    try {
      return warmUp(await namespacesOf(store), FILE);
    } finally {
      await store.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Each container gives one first write to a lower file. */
async function namespacesOf(store: Store) {
  const source = await store.containers.create({ name: 'source' });
  source.fs.writeFileSync(`/${FILE}`, Buffer.alloc(FILE_BYTES, 1));
  await source.commit({ tag: 'lower:1' });
  const containers = [];
  for (let index = 0; index < CONTAINERS; index++) {
    containers.push(await store.containers.create({ name: `c${index}`, image: 'lower:1' }));
  }
  return containers.map((container) => container.namespace());
}

const CONTAINERS = 2;
