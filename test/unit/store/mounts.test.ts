import * as host from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Container, listTree, parseMountOption, parseVolumeOption, type Store } from '../../../src/index.ts';
import { smallStore } from './store-kit.ts';

const run = (store: Store, ...options: string[]): Promise<Container> =>
  store.containers.create({ image: 'app', mounts: options.map(parseVolumeOption) });

describe('spelling', () => {
  test.each([
    ['v1:/data', { type: 'volume', source: 'v1', target: '/data', readOnly: false, noCopy: false }],
    ['v1:/data:ro,nocopy', { type: 'volume', source: 'v1', target: '/data', readOnly: true, noCopy: true }],
    ['/data', { type: 'volume', target: '/data' }],
    ['/host:/x:ro', { type: 'bind', source: '/host', target: '/x', readOnly: true, createSource: true }],
  ])('-v %s', (text, request) => {
    expect(parseVolumeOption(text)).toEqual(request);
  });

  test.each([
    ['type=bind,src=/h,dst=/x,readonly', { type: 'bind', source: '/h', target: '/x', readOnly: true }],
    ['target=/x', { type: 'volume', target: '/x', readOnly: false, noCopy: false }],
    ['type=tmpfs,target=/x,tmpfs-mode=1770', { type: 'tmpfs', target: '/x', readOnly: false, mode: 0o1770 }],
    [
      'source=v,target=/x,volume-nocopy=true',
      { type: 'volume', source: 'v', target: '/x', readOnly: false, noCopy: true },
    ],
  ])('--mount %s', (text, request) => {
    expect(parseMountOption(text)).toEqual(request);
  });

  test.each(['a:b:c:d', 'v:/x:what', ':/x', '/h:/x:nocopy'])('-v %s is refused', (text) => {
    expect(() => parseVolumeOption(text)).toThrow(`-v ${text}: `);
  });

  test.each(['type=nope,target=/x', 'source=v', 'type=bind,target=/x', 'what=1'])('--mount %s is refused', (text) => {
    expect(() => parseMountOption(text)).toThrow(`--mount ${text}: `);
  });
});

describe('volumes (SEM-2.8)', () => {
  test('an empty volume takes over image content: owners, modes, links, and the directory’s own', async () => {
    const store = await smallStore();
    const c = await run(store, 'v1:/data');
    const [image] = [...listTree(store.world.lowerOf(c.record.image), store.engine.log.chunks)].filter(
      ({ path }) => path === '/data',
    );
    const tree = store.world.overlay(store.volumes.get('v1').subject)?.tree;
    if (tree === undefined) throw new Error('no volume');
    const listed = [...listTree(tree, store.engine.log.chunks)];
    expect(listed[0]).toEqual({ ...image, path: '/' });
    expect(listed.slice(1).map(({ path, mode, uid, nlink, linkname }) => [path, mode, uid, nlink ?? linkname])).toEqual(
      [
        ['/link', '0777', 0, 'seed'],
        ['/seed', '0600', 5, 2],
        ['/twin', '0600', 5, 2],
      ],
    );
    expect(c.sizes().sizeRwBytes).toBe(0);
  });

  test('once it holds something it is never filled again; emptied, the next start fills it', async () => {
    const store = await smallStore();
    const c = await run(store, 'v1:/data');
    await c.start();
    c.fs.rmSync('/data/seed');
    await c.restart();
    expect(c.fs.existsSync('/data/seed')).toBe(false);
    for (const name of c.fs.readdirSync('/data')) c.fs.rmSync(`/data/${name}`);
    await c.stop();
    await c.start();
    expect(c.fs.readFileSync('/data/seed', 'utf8')).toBe('abc');
  });

  test('nocopy leaves it empty; ro fills it and refuses writes', async () => {
    const store = await smallStore();
    expect((await run(store, 'v1:/data:nocopy')).fs.readdirSync('/data')).toEqual([]);
    const c = await run(store, 'v2:/data:ro');
    expect(c.fs.readdirSync('/data')).toEqual(['link', 'seed', 'twin']);
    expect(() => c.fs.writeFileSync('/data/x', '')).toThrow('EROFS');
  });

  test('a volume is shared by its containers, outlives them, and stays while one has it', async () => {
    const store = await smallStore();
    const one = await run(store, 'v1:/data');
    const two = await run(store, 'v1:/other');
    one.fs.writeFileSync('/data/x', 'shared');
    expect(two.fs.readFileSync('/other/x', 'utf8')).toBe('shared');
    await one.remove({ volumes: true });
    await expect(store.volumes.remove('v1')).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
    await two.remove();
    expect(store.volumes.fs('v1').readFileSync('/x', 'utf8')).toBe('shared');
    await store.volumes.remove('v1');
    expect(store.volumes.list()).toEqual([]);
  });

  test('an anonymous volume survives rm and goes with rm -v', async () => {
    const store = await smallStore();
    await (await run(store, '/data')).remove();
    expect(store.volumes.list()).toMatchObject([{ anonymous: true, usedBy: [] }]);
    await (await run(store, '/data')).remove({ volumes: true });
    expect(store.volumes.list()).toHaveLength(1);
    expect(await store.volumes.prune()).toHaveLength(1);
  });

  test('a missing target is made in the writable layer and shows in the diff; what is mounted does not', async () => {
    const store = await smallStore();
    const c = await run(store, 'v1:/mnt/deep');
    c.fs.writeFileSync('/mnt/deep/x', '1');
    expect(c.diff()).toEqual([
      { kind: 'A', path: '/mnt' },
      { kind: 'A', path: '/mnt/deep' },
    ]);
    expect(() => c.fs.rmdirSync('/mnt/deep')).toThrow('EBUSY');
  });

  test('mounts in mounts are made from the shortest target on', async () => {
    const store = await smallStore();
    const c = await run(store, 'inner:/m/a/b', 'outer:/m');
    c.fs.writeFileSync('/m/a/b/x', '1');
    expect(store.volumes.fs('outer').readdirSync('/a/b')).toEqual([]);
    expect(store.volumes.fs('inner').readdirSync('/')).toEqual(['x']);
  });

  test.each(['v1:/', 'v1:relative', 'v1:/etc/conf', 'v1:/etc/conf/x'])('nothing is mounted by %s', async (option) => {
    const store = await smallStore();
    await expect(run(store, option)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(run(store, 'v1:/a', 'v2:/a/')).rejects.toThrow('it comes twice');
    expect([store.containers.list(), store.volumes.list()]).toEqual([[], []]);
  });

  test('a fork shares named volumes and has anonymous ones of its own, as they were', async () => {
    const store = await smallStore();
    const c = await run(store, 'v1:/named', '/anon');
    c.fs.writeFileSync('/anon/x', 'then');
    const { seq } = store;
    c.fs.writeFileSync('/anon/x', 'now');
    const fork = await store.fork(c.name, seq, { name: 'fork' });
    expect(fork.fs.readFileSync('/anon/x', 'utf8')).toBe('then');
    fork.fs.writeFileSync('/named/y', '1');
    expect(c.fs.existsSync('/named/y')).toBe(true);
  });
});

describe('tmpfs (SEM-2.8)', () => {
  test('takes the mode of what it covers, copies nothing, and ends with the run', async () => {
    const store = await smallStore();
    const c = await store.containers.create({
      image: 'app',
      mounts: [
        { type: 'tmpfs', target: '/data' },
        { type: 'volume', source: 'in', target: '/data/in' },
      ],
    });
    await c.start();
    expect([c.fs.readdirSync('/data'), c.fs.statSync('/data').mode & 0o7777, c.fs.statSync('/data').uid]).toEqual([
      ['in'],
      0o2750,
      0,
    ]);
    c.fs.writeFileSync('/data/x', '1');
    c.fs.writeFileSync('/data/in/kept', '1');
    await c.kill();
    expect(c.fs.readdirSync('/data')).toEqual(['in']);
    expect(c.fs.readdirSync('/data/in')).toEqual(['kept']);
    await c.remove();
    expect(store.world.registry.volumes.size).toBe(1);
  });
});

describe('binds (SEM-2.8)', () => {
  let folder: string;
  beforeEach(() => {
    folder = host.mkdtempSync(join(tmpdir(), 'overlog-bind-'));
    host.writeFileSync(join(folder, 'a'), 'host');
    host.linkSync(join(folder, 'a'), join(folder, 'twin'));
  });
  afterEach(() => host.rmSync(folder, { recursive: true, force: true }));

  test('what is on the host is seen, and what is done in the container is done there', async () => {
    const store = await smallStore();
    const { fs } = await run(store, `${folder}:/m`);
    expect([fs.readFileSync('/m/a', 'utf8'), fs.statSync('/m/twin').nlink]).toEqual(['host', 2]);
    fs.writeFileSync('/m/new', '12345');
    fs.mkdirSync('/m/d');
    fs.renameSync('/m/new', '/m/d/moved');
    fs.truncateSync('/m/d/moved', 3);
    fs.chmodSync('/m/d/moved', 0o640);
    fs.symlinkSync('moved', '/m/d/link');
    fs.unlinkSync('/m/twin');
    expect(new Set(host.readdirSync(folder, { recursive: true, encoding: 'utf8' }))).toEqual(
      new Set(['a', 'd', 'd/link', 'd/moved']),
    );
    expect(host.readFileSync(join(folder, 'd/link'), 'utf8')).toBe('123');
    expect(host.statSync(join(folder, 'd/moved')).mode & 0o777).toBe(0o640);
    expect(host.statSync(join(folder, 'a')).nlink).toBe(1);
  });

  test('changes made on the host are seen at the next start, and a start without any logs none', async () => {
    const store = await smallStore();
    const c = await run(store, `${folder}:/m`);
    await c.start();
    c.fs.writeFileSync('/m/mine', '1');
    host.writeFileSync(join(folder, 'theirs'), '2');
    host.rmSync(join(folder, 'twin'));
    await c.restart();
    expect(c.fs.readdirSync('/m')).toEqual(['a', 'mine', 'theirs']);
    const { seq } = store;
    await c.restart();
    expect([...store.transactions({ from: seq })].flatMap(({ events }) => events.map(({ type }) => type))).toEqual([
      'ContainerStopped',
      'ContainerStarted',
    ]);
  });

  test('a single file is written in place, and can not be removed, replaced or renamed', async () => {
    const store = await smallStore();
    const { fs } = await run(store, `${join(folder, 'a')}:/etc/conf`);
    fs.writeFileSync('/etc/conf', 'changed');
    expect(host.readFileSync(join(folder, 'a'), 'utf8')).toBe('changed');
    fs.writeFileSync('/etc/other', '');
    expect(() => fs.unlinkSync('/etc/conf')).toThrow('EBUSY');
    expect(() => fs.renameSync('/etc/other', '/etc/conf')).toThrow('EBUSY');
    expect(() => fs.renameSync('/etc/conf', '/etc/x')).toThrow('EBUSY');
  });

  test('a missing source is made for -v and refused for --mount', async () => {
    const store = await smallStore();
    const missing = join(folder, 'x/y');
    await expect(
      store.containers.create({ image: 'app', mounts: [parseMountOption(`type=bind,source=${missing},target=/m`)] }),
    ).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await run(store, `${missing}:/m`);
    expect(host.statSync(missing).isDirectory()).toBe(true);
  });

  test('a bind hides image content, and a read-only one refuses writes', async () => {
    const store = await smallStore();
    const { fs } = await run(store, `${folder}:/data:ro`);
    expect(fs.readdirSync('/data')).toEqual(['a', 'twin']);
    expect(() => fs.writeFileSync('/data/a', '')).toThrow('EROFS');
  });
});
