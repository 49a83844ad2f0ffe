import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LayerSink, type ListingEntry, openStore } from '../../../src/index.ts';
import { configOf } from '../../unit/store/store-kit.ts';
import { changedContainer, edgeStore, listDisk, listOurs, run, withoutLinks } from '../other-tools.ts';
import { BASE, buildBaseImage } from './base-image.ts';
import { Daemon, dockerMissing } from './daemon.ts';

/** Images that overlog saves, loaded by a real Docker daemon, and back. */

const missing = dockerMissing();
const title = missing === null ? 'a Docker daemon' : `a Docker daemon (skipped: ${missing})`;

/** What Docker adds to a container's root, and the times before 1970 that it cuts. */
const ADDED_BY_DOCKER = /^\/(?:\.dockerenv|dev|proc|sys|etc|opt\/y1960)(?:$|\/)/;

/** Docker's exports hold no xattrs but capabilities. */
const comparable = (entries: readonly ListingEntry[]): object[] =>
  withoutLinks(entries.filter((entry) => !ADDED_BY_DOCKER.test(entry.path)).map((entry) => ({ ...entry, xattrs: {} })));

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let files = 0;

  beforeAll(async () => {
    daemon = await Daemon.start();
  }, 60_000);

  afterAll(async () => {
    await daemon?.stop();
  }, 60_000);

  const freshPath = (): string => join(daemon.folder, `file-${++files}`);

  test.each(['gzip', 'none'] as const)(
    'loads a docker-archive of %s layers under our id, and exports our tree',
    async (compression) => {
      const store = await edgeStore();
      const image = await (await changedContainer(store)).commit();
      const name = `overlog-test/edge:${compression}`;
      await store.images.tag(image, name);
      const [path, exported, rootfs] = [freshPath(), freshPath(), freshPath()];
      const [{ id }] = await store.images.save(name, path, { format: 'docker-archive', compression });
      expect(id).toBe(image);
      daemon.run('load', '--input', path);
      expect(daemon.run('images', '--no-trunc', '--quiet', name)).toBe(id);
      const container = daemon.run('create', '--network', 'none', '--user', '0', '--entrypoint', '/none', name);
      daemon.run('export', '--output', exported, container);
      mkdirSync(rootfs);
      run('tar', '-xpf', exported, '--same-owner', '-C', rootfs);
      const ours = listOurs(store.world.lowerOf(image), store.engine.log.chunks);
      expect(comparable(listDisk(rootfs))).toEqual(comparable(ours));
    },
  );

  test.each([125, 126])('takes an image of %i layers where drivers say so', async (count) => {
    const store = await openStore();
    await store.images.add({
      config: configOf(Array.from({ length: count }, (_, at) => `sha256:${String(at).padStart(64, '0')}`)),
      tags: [`overlog-test/deep:${count}`],
      layers: Array.from({ length: count }, (_, at) => (sink: LayerSink) => {
        const attributes = { mode: 0o755, uid: 0, gid: 0, mtimeNs: 0n, xattrs: [] };
        sink.entry({ kind: 'dir', path: `d${at}`, size: 0, ...attributes });
      }),
    });
    await store.containers.create({ image: `overlog-test/deep:${count}` });
    const [{ limits }] = store.storageBills({ drivers: ['overlay2'] });
    const isTooDeep = limits.some(({ isHit }) => isHit);
    const path = freshPath();
    await store.images.save(`overlog-test/deep:${count}`, path, { format: 'docker-archive' });
    const { exitCode, stderr } = daemon.try('load', '--input', path);
    expect([exitCode !== 0, isTooDeep]).toEqual([count > 125, count > 125]);
    if (isTooDeep) expect(stderr).toContain('max depth exceeded');
    else daemon.run('create', '--network', 'none', `overlog-test/deep:${count}`, '/none');
  });

  test('runs a container of an image that overlog committed and saved, and saves it back with the same id', async () => {
    const store = await openStore();
    await store.images.load(buildBaseImage(daemon));
    const base = store.images.get(BASE).id;
    const container = await store.containers.create({ image: BASE, name: 'web' });
    container.fs.writeFileSync('/greeting', 'made by overlog\n');
    container.fs.chmodSync('/data/small', 0o600);
    container.fs.rmSync('/opt/tree', { recursive: true });
    const image = await container.commit({ tag: 'overlog-test/committed:1' });
    const path = freshPath();
    const saved = await store.images.save([BASE, 'overlog-test/committed:1'], path, { format: 'docker-archive' });
    expect(saved.map(({ id }) => id)).toEqual([base, image]);
    daemon.run('rmi', BASE);
    daemon.run('load', '--input', path);
    expect(daemon.run('images', '--no-trunc', '--quiet', BASE)).toBe(base);
    const script = 'cat /greeting; ls -l /data/small | head -c 10; ls /opt';
    const shown = daemon.run('run', '--rm', '--network', 'none', 'overlog-test/committed:1', '/bin/sh', '-c', script);
    expect(shown).toBe('made by overlog\n-rw-------');
    const back = freshPath();
    daemon.run('save', '--output', back, BASE, 'overlog-test/committed:1');
    const other = await openStore();
    const loaded = await other.images.load(back);
    expect(loaded.map(({ id, tags }) => [id, ...tags].join(' ')).toSorted()).toEqual(
      [`${base} ${BASE}`, `${image} overlog-test/committed:1`].toSorted(),
    );
    const [theirs, ours] = [other, store].map((each) => listOurs(each.world.lowerOf(image), each.engine.log.chunks));
    expect(theirs).toEqual(ours);
  }, 120_000);
});
