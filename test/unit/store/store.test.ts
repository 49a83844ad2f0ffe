import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import { smallStore } from './store-kit.ts';

const directories: string[] = [];
const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-store-'));
  directories.push(directory);
  return directory;
};
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

describe('opening', () => {
  test('a directory keeps everything from one opening to the next', async () => {
    const directory = temporary();
    const store = await smallStore({ directory });
    const web = await store.containers.create({ image: 'app', name: 'web' });
    await web.start();
    web.fs.writeFileSync('/note', 'kept');
    const { id, seq } = store;
    await store.close();
    const again = await openStore(directory);
    expect([again.id, again.seq]).toEqual([id, seq]);
    expect(again.containers.get('web').state).toBe('running');
    expect(again.containers.get('web').fs.readFileSync('/note', 'utf8')).toBe('kept');
    await again.close();
  });

  test('nodes that only open files held are released after a crash, in a transaction of its own', async () => {
    const directory = temporary();
    const store = await smallStore({ directory });
    const web = await store.containers.create({ image: 'app', name: 'web' });
    web.fs.openSync('/gone', 'w');
    web.fs.unlinkSync('/gone');
    expect(web.overlay.tree.orphans).toBe(1);
    await store.close();
    const again = await openStore(directory);
    expect(again.containers.get('web').overlay.tree.orphans).toBe(0);
    expect([...again.transactions({ from: again.seq - 1 })]).toMatchObject([
      { cause: ['recover'], events: [{ type: 'NodeReleased' }] },
    ]);
    await again.close();
  });

  test('a second writer is refused, a reader is not, and follows', async () => {
    const directory = temporary();
    const store = await smallStore({ directory });
    await expect(openStore(directory)).rejects.toMatchObject({ code: 'ERR_LOG_LOCKED' });
    const reader = await openStore({ directory, readOnly: true });
    await store.containers.create({ image: 'app', name: 'web' });
    expect(reader.containers.list()).toEqual([]);
    reader.refresh();
    expect(reader.containers.get('web').fs.readFileSync('/etc/conf', 'utf8')).toBe('conf');
    await expect(reader.containers.create()).rejects.toMatchObject({ code: 'ERR_LOG_READ_ONLY' });
    expect(() => reader.containers.get('web').fs.writeFileSync('/x', '')).toThrow('EROFS');
    await reader.close();
    await store.close();
  });

  test('a closed store refuses commands, and closing again does nothing', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web' });
    await store.close();
    await store.close();
    await expect(web.start()).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' });
    await expect(store.images.load('/nowhere')).rejects.toMatchObject({ code: 'ERR_LOG_CLOSED' });
  });
});

describe('containers', () => {
  test('are found by name, id and the start of an id', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web', labels: { tier: 'front' } });
    for (const reference of ['web', '/web', web.id, web.id.slice(0, 12)]) {
      expect(store.containers.get(reference)).toBe(web);
    }
    expect(store.containers.list({ label: 'tier' })).toEqual([web]);
    expect(store.containers.list({ label: ['tier', 'back'] })).toEqual([]);
    expect(() => store.containers.get('nope')).toThrow('there is no container "nope"');
  });

  test('a refused creation leaves nothing in the log', async () => {
    const store = await smallStore();
    await store.containers.create({ image: 'app', name: 'web' });
    const { seq } = store;
    await expect(store.containers.create({ image: 'app', name: 'web' })).rejects.toMatchObject({
      code: 'ERR_CONFLICT',
    });
    await expect(store.containers.create({ image: 'nope' })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await expect(store.containers.create({ name: '-' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(store.containers.create({ profile: { metacopy: true, redirectDir: false } })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
    await expect(
      store.containers.create({ image: 'app', mounts: [{ type: 'volume', source: 'vv', target: '/etc/conf' }] }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(store.seq).toBe(seq);
  });

  test('the writable layer survives stop, start, kill and restart, and dies with rm (SEM-2.6)', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web' });
    await web.start();
    web.fs.writeFileSync('/note', 'mine');
    await web.stop({ exitCode: 3 });
    expect(web.inspect()).toMatchObject({ state: 'exited', exitCode: 3 });
    await web.restart();
    await web.kill();
    expect(web.inspect()).toMatchObject({ state: 'exited', exitCode: 137 });
    expect(web.fs.readFileSync('/note', 'utf8')).toBe('mine');
    await web.rename('site');
    await web.remove();
    expect(() => web.state).toThrow('has been removed');
    expect(store.containers.list()).toEqual([]);
  });

  test('a read-only container refuses writes to its root (SEM-2.8)', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', readOnly: true });
    expect(() => web.fs.writeFileSync('/note', '')).toThrow('EROFS: read-only file system');
  });

  test('sizes are the upper, and with the image (SEM-2.2)', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app' });
    web.fs.appendFileSync('/etc/conf', '++');
    expect(web.sizes()).toMatchObject({ sizeRwBytes: 6, sizeRootFsBytes: 6 + 4 + 3 + 4 });
    expect(web.diff()).toEqual([
      { kind: 'C', path: '/etc' },
      { kind: 'C', path: '/etc/conf' },
    ]);
  });
});

describe('time', () => {
  const story = async (): Promise<Store> => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web' });
    web.fs.writeFileSync('/note', 'one');
    await store.label('one');
    web.fs.writeFileSync('/note', 'two');
    return store;
  };

  test('an earlier moment has the same queries and takes no writes', async () => {
    const store = await story();
    const then = store.at('one').containers.get('web');
    expect(then.fs.readFileSync('/note', 'utf8')).toBe('one');
    expect(() => then.fs.writeFileSync('/note', 'x')).toThrow('EROFS');
    expect(store.at('start').containers.list()).toEqual([]);
  });

  test('a fork goes its own way (law 3)', async () => {
    const store = await story();
    const fork = await store.fork('web', 'one', { name: 'web-2' });
    expect(fork.inspect()).toMatchObject({
      name: 'web-2',
      state: 'created',
      forkedFrom: { at: store.labels.get('one') },
    });
    fork.fs.writeFileSync('/note', 'fork');
    expect(store.containers.get('web').fs.readFileSync('/note', 'utf8')).toBe('two');
    expect(fork.fs.readFileSync('/note', 'utf8')).toBe('fork');
  });

  test('a removed container can be forked back to life', async () => {
    const store = await story();
    await store.containers.get('web').remove();
    expect((await store.fork('web', 'one', { name: 'web' })).fs.readFileSync('/note', 'utf8')).toBe('one');
  });

  test('a rewind can be rewound (law 8)', async () => {
    const store = await story();
    const web = store.containers.get('web');
    const { seq } = store;
    await store.rewind('web', 'one');
    expect(web.fs.readFileSync('/note', 'utf8')).toBe('one');
    await store.rewind('web', seq);
    expect(web.fs.readFileSync('/note', 'utf8')).toBe('two');
    await expect(store.rewind('web', 0)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  test('a diff tells what changed between two moments', async () => {
    const store = await story();
    expect(store.diff('one', 'now', { container: 'web' }).map(({ change, path }) => `${change} ${path}`)).toEqual([
      'Modified /note',
    ]);
  });

  test('labels can be moved and removed, and are no moments themselves', async () => {
    const store = await story();
    await store.label('one', 2);
    expect(store.labels.get('one')).toBe(2);
    await store.removeLabel('one');
    expect(() => store.at('one')).toThrow("there is no label 'one'");
    await expect(store.label('12')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(store.removeLabel('one')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });
});

describe('the log', () => {
  test('what a group wrote can be read by its id, sync or async', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web' });
    store.group('step 1', () => web.fs.writeFileSync('/a', '1'));
    await store.group('step 2', async () => {
      await Promise.resolve();
      web.fs.writeFileSync('/b', '2');
    });
    web.fs.writeFileSync('/c', '3');
    expect([...store.transactions({ group: 'step 2' })].map(({ cause }) => cause[1])).toEqual(['/b']);
    expect([...store.transactions({ container: 'web' })].map(({ group }) => group)).toEqual([
      null,
      'step 1',
      'step 2',
      null,
    ]);
  });

  test('changes come in batches of one turn', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app' });
    const batches: number[] = [];
    store.changes$.subscribe({ next: (batch) => batches.push(batch.length) });
    web.fs.mkdirSync('/a');
    web.fs.mkdirSync('/b');
    await store.flush();
    web.fs.mkdirSync('/c');
    await store.close();
    expect(batches).toEqual([2, 1]);
  });

  test('disk usage and a path’s history are right when asked, and as observables', async () => {
    const store = await smallStore();
    const web = await store.containers.create({ image: 'app', name: 'web' });
    const sizes: number[] = [];
    store.diskUsage$.subscribe((usage) => sizes.push(usage.totals.containers.size));
    web.fs.writeFileSync('/a', '12345');
    web.fs.renameSync('/a', '/b');
    await store.flush();
    expect(store.diskUsage().totals.containers.size).toBe(5);
    expect(sizes).toEqual([0, 5]);
    expect(store.history('web', '/b').map(({ cause }) => cause[0])).toEqual(['writeFile', 'rename']);
  });
});
