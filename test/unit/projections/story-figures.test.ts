/** The figures of the classic container-disk story: what ps -s, du --wasted, where and system df say. */

import { describe, expect, test } from 'vitest';
import { copyUpAt, copyUpLedger, copyUpOf, copyUps } from '../../../src/projections/copy-up-ledger.ts';
import { type DiskUsage, diskUsage } from '../../../src/projections/disk-usage.ts';
import { history, pastsOf } from '../../../src/projections/history.ts';
import { foldProjection } from '../../../src/projections/projection.ts';
import { wastedLines, wastedPaths } from '../../../src/projections/wasted.ts';
import { whereLine, whereLines, type WhereNames } from '../../../src/projections/where-text.ts';
import { placesOf } from '../../../src/projections/where.ts';
import { historyOf } from '../../../src/replay/path-history.ts';
import { POSIX, type Shell, Workbench } from '../replay/workbench.ts';

const SEED = 'd'.repeat(10_000);
const LAYERS = [
  {
    'etc/': '',
    'etc/app.conf': 'port=80\n',
    'tmp/': '',
    'var/': '',
    'var/cache/': '',
    'var/cache/pkgs.bin': 'c'.repeat(3000),
  },
  { 'app/': '', 'app/server': 'server v1\n', 'app/data/': '', 'app/data/seed.db': SEED },
  { 'var/cache/pkgs.bin': null },
  { 'etc/app.conf': 'port=8080\n', 'app/server': 'server v1\n' },
];
const IMAGE_BYTES = 3008 + 10_010 + 20;

function story(): { bench: Workbench; c1: Shell; c2: Shell; c3: Shell; image: string } {
  const bench = new Workbench();
  const image = bench.image('story:1', LAYERS);
  return {
    bench,
    image,
    c1: bench.container('c1', image),
    c2: bench.container('c2', image),
    c3: bench.container('c3', image),
  };
}

const usageOf = (bench: Workbench): DiskUsage => foldProjection(diskUsage, bench.log.read(), bench.world);

function namesOf(bench: Workbench, container: string): WhereNames {
  return { container, image: 'story:1', transactionAt: (seq) => bench.time.transactionAt(seq) };
}

describe('ps -s and system df', () => {
  test('count what a copy-up costs, once for each container (SEM-2.2)', () => {
    const { bench, c1, c2, c3 } = story();
    c1.append('/app/data/seed.db', 'x');
    c2.unlink('/app/data/seed.db');
    c3.chmod('/app/data/seed.db', 0o600);
    const lines = [...usageOf(bench).containers.values()].map((usage) => [usage.name, usage.sizeRw, usage.virtual]);
    expect(lines).toEqual([
      ['c1', 10_001, IMAGE_BYTES + 10_001],
      ['c2', 0, IMAGE_BYTES],
      ['c3', 10_000, IMAGE_BYTES + 10_000],
    ]);
  });

  test('count sparse files by their length, hard links once, symlinks by their target', () => {
    const { bench, c1 } = story();
    c1.sparse('/tmp/sparse', 1_000_000).write('/tmp/a', '12345').link('/tmp/a', '/tmp/b').symlink('1234567', '/tmp/l');
    const usage = usageOf(bench).containers.get(c1.container);
    expect(usage).toMatchObject({ sizeRw: 1_000_012, allocated: 4096 });
  });

  test('count layers once, and as shared what several images have', () => {
    const { bench, image } = story();
    const other = bench.image('other:1', LAYERS.slice(0, 2));
    const usage = usageOf(bench);
    expect(usage.images.get(image)).toEqual({
      image,
      references: ['story:1'],
      size: IMAGE_BYTES,
      shared: 13_018,
      unique: 20,
      containers: 3,
    });
    expect(usage.images.get(other)).toMatchObject({ size: 13_018, shared: 13_018, unique: 0, containers: 0 });
    expect(usage.totals.images).toEqual({ count: 2, active: 1, size: IMAGE_BYTES, reclaimable: 0 });
  });

  test('call reclaimable what no running container, no container, no mount holds', () => {
    const { bench, c1, c2 } = story();
    c1.write('/tmp/a', '12345');
    c2.write('/tmp/a', '123');
    bench.commit(['start'], [{ type: 'ContainerStarted', container: c1.container, timeNs: 1n }]);
    const volume = {
      type: 'VolumeCreated',
      kind: 'volume',
      anonymous: false,
      mode: 0o755,
      uid: 0,
      gid: 0,
      timeNs: 0n,
    } as const;
    bench.commit(['volume'], [{ ...volume, volume: 4, name: 'v1' }], 4);
    bench.commit(['volume'], [{ ...volume, volume: 5, name: 'v2' }], 5);
    const mount = { target: '/data', on: c1.container, ino: 2, readOnly: false, noCopy: false };
    bench.commit(['mount'], [{ type: 'VolumeMounted', container: c1.container, volume: 4, ...mount }]);
    const { totals } = usageOf(bench);
    expect(totals.containers).toEqual({ count: 3, active: 1, size: 8, reclaimable: 3 });
    expect(totals.volumes).toEqual({ count: 2, active: 1, size: 0, reclaimable: 0 });
    bench.commit(['rm'], [{ type: 'ContainerRemoved', container: c1.container }]);
    expect(usageOf(bench).totals.volumes.active).toBe(0);
  });
});

describe('du --wasted', () => {
  test('lists what is stored and not seen', () => {
    const { bench, image } = story();
    const trees = bench.world.layersOf(image).map((layer) => bench.world.lowers.layer(layer));
    expect(wastedLines(wastedPaths(trees))).toEqual([
      '3018\ttotal wasted',
      '3000\t/var/cache/pkgs.bin\tdeleted in layer 3, still stored in layer 1',
      '10\t/app/server\tin layers 2, 4',
      '8\t/etc/app.conf\tin layers 1, 4',
    ]);
  });

  test('knows opaque directories, files under directories, and hard links', () => {
    const bench = new Workbench();
    const image = bench.image('w:1', [
      { 'd/': '', 'd/a': '1234', 'd/b/': '', 'd/b/c': '12345', h1: '123456', h2: '=h1', f: '1' },
      { 'd/': 'opaque', 'd/a': 'x', h1: null, 'f/': '', 'f/g': '22' },
      { d: 'file' },
    ]);
    const trees = bench.world.layersOf(image).map((layer) => bench.world.lowers.layer(layer));
    expect(wastedPaths(trees)).toEqual([
      { path: '/d/a', bytes: 5, layers: [0, 1], deletedIn: 2 },
      { path: '/d/b/c', bytes: 5, layers: [0], deletedIn: 1 },
      { path: '/f', bytes: 1, layers: [0], deletedIn: 1 },
    ]);
  });
});

describe('where', () => {
  test('tells a copy-up, its layer and its cause', () => {
    const { bench, c1, c2, c3 } = story();
    c1.append('/app/data/seed.db', 'x');
    const first = placesOf(bench.world, c1.container, '/app/data/seed.db');
    const seq = first[0].seq as number;
    expect(whereLine(first, namesOf(bench, 'c1'))).toBe(
      `upper(c1)\tcopied up at #${seq} from story:1/layer2 by append of 1 byte`,
    );
    expect(whereLines(first, namesOf(bench, 'c1'))[1]).toBe('story:1/layer2\t10000 bytes, hidden');
    c2.unlink('/app/data/seed.db');
    const second = placesOf(bench.world, c2.container, '/app/data/seed.db');
    expect(whereLine(second, namesOf(bench, 'c2'))).toMatch(/^whiteout in upper\(c2\) at #\d+, hides story:1\/layer2$/);
    c3.chmod('/app/data/seed.db', 0o600);
    expect(whereLine(placesOf(bench.world, c3.container, '/app/data/seed.db'), namesOf(bench, 'c3'))).toMatch(
      / by chmod$/,
    );
  });

  test('shows every layer that holds a path, and what hides it', () => {
    const { bench, c1, c2 } = story();
    const names = namesOf(bench, 'c1');
    expect(whereLines(placesOf(bench.world, c1.container, '/app/server'), names)).toEqual([
      'story:1/layer4\t10 bytes',
      'story:1/layer2\t10 bytes, hidden',
    ]);
    expect(whereLines(placesOf(bench.world, c1.container, '/var/cache/pkgs.bin'), names)).toEqual([
      'whiteout in story:1/layer3, hides story:1/layer1',
      'story:1/layer1\t3000 bytes, hidden',
    ]);
    expect(whereLines(placesOf(bench.world, c1.container, '/app'), names)).toEqual([
      'story:1/layer4\tdir',
      'story:1/layer2\tdir',
    ]);
    expect(placesOf(bench.world, c1.container, '/never')).toEqual([]);
    c2.removeAll('/app').mkdir('/app');
    expect(
      placesOf(bench.world, c2.container, '/app/server').map(({ layer, holds, path, isVisible }) => [
        layer,
        holds,
        path,
        isVisible,
      ]),
    ).toEqual([
      [null, 'opaque', '/app', true],
      [3, 'node', '/app/server', false],
      [1, 'node', '/app/server', false],
    ]);
  });

  test('follows a renamed directory into the lower', () => {
    const bench = new Workbench();
    const shell = bench.container('c1', bench.image('story:1', LAYERS), POSIX);
    shell.rename('/app', '/moved').append('/moved/data/seed.db', 'x');
    expect(
      placesOf(bench.world, shell.container, '/moved/data/seed.db').map(({ layer, path }) => [layer, path]),
    ).toEqual([
      [null, '/moved/data/seed.db'],
      [1, '/app/data/seed.db'],
    ]);
  });

  test('a file between two directories cuts off the lower one (SEM-L2)', () => {
    const bench = new Workbench();
    const image = bench.image('l2:1', [{ 'd/': '', 'd/x': '1' }, { d: 'file' }, { 'd/': '', 'd/y': '2' }]);
    const shell = bench.container('c1', image);
    expect(
      placesOf(bench.world, shell.container, '/d/x').map(({ layer, path, isVisible }) => [layer, path, isVisible]),
    ).toEqual([
      [1, '/d', false],
      [0, '/d/x', false],
    ]);
  });
});

describe('the copy-up ledger', () => {
  test('says which operation copied how many bytes of what', () => {
    const { bench, c1, c3 } = story();
    c1.append('/app/data/seed.db', 'x');
    c3.chmod('/app/data/seed.db', 0o600);
    const ledger = foldProjection(copyUpLedger, bench.log.read(), bench.world);
    const files = [...copyUps(ledger)].filter(({ kind }) => kind === 'file');
    expect(files.map(({ container, path, layer, bytes, cause }) => [container, path, layer, bytes, cause[0]])).toEqual([
      [c1.container, '/app/data/seed.db', 1, 10_000, 'append'],
      [c3.container, '/app/data/seed.db', 1, 10_000, 'chmod'],
    ]);
    expect(ledger.byOperation.get('chmod')).toMatchObject({ bytes: 10_000 });
    expect(ledger.byContainer.get(c1.container)).toMatchObject({ count: 3, bytes: 10_000 });
    const fork = bench.fork(c1.container, bench.log.head, 'f');
    const ino = fork.inoOf('/app/data/seed.db');
    expect(copyUpOf(ledger, bench.world, fork.container, ino)).toBe(files[0]);
    expect(copyUpAt(ledger, files[0].seq + 1)).toBeUndefined();
  });
});

describe('the history of a path', () => {
  test('follows renames, replacement, copy-up and forks', () => {
    const { bench, c1 } = story();
    c1.append('/app/server', 'x').rename('/app/server', '/app/s2').mkdir('/new').rename('/app/s2', '/new/s3');
    c1.write('/tmp/next', 'whole').rename('/tmp/next', '/new/s3');
    const fork = bench.fork(c1.container, bench.log.head, 'f').chmod('/new/s3', 0o600);
    c1.write('/new/s3', 'not in the fork');
    const pasts = pastsOf(foldProjection(history, bench.log.read(), bench.world));
    const causes = (subject: number, path: string): string[] =>
      [
        ...historyOf({
          pasts,
          world: bench.world,
          subject,
          path,
          transactionAt: (seq) => bench.time.transactionAt(seq),
        }),
      ].map(({ cause }) => cause[0]);
    expect(causes(fork.container, '/new/s3')).toEqual(['append', 'rename', 'rename', 'write', 'rename', 'chmod']);
    expect(causes(c1.container, '/new/s3')).toEqual(['append', 'rename', 'rename', 'write', 'rename', 'write']);
    expect(causes(c1.container, '/etc/app.conf')).toEqual([]);
    expect(causes(c1.container, '/none')).toEqual([]);
    c1.unlink('/new/s3');
    const later = pastsOf(foldProjection(history, bench.log.read(), bench.world));
    const removed = [
      ...historyOf({ pasts: later, world: bench.world, subject: 2, path: '/x', transactionAt: () => undefined }),
    ];
    expect(removed).toEqual([]);
    const gone = historyOf({
      pasts: later,
      world: bench.world,
      subject: c1.container,
      path: '/new/s3',
      transactionAt: (seq) => bench.time.transactionAt(seq),
    });
    expect([...gone].map(({ cause }) => cause[0]).at(-1)).toBe('unlink');
  });

  test('goes back to the name that a broken hard link had below', () => {
    const bench = new Workbench();
    const shell = bench
      .container('c1', bench.image('h:1', [{ a: '1', b: '=a' }]))
      .append('/a', 'x')
      .append('/a', 'y');
    const pasts = pastsOf(foldProjection(history, bench.log.read(), bench.world));
    const query = { pasts, world: bench.world, subject: shell.container, path: '/a' };
    const found = [...historyOf({ ...query, transactionAt: (seq) => bench.time.transactionAt(seq) })];
    expect(found.map(({ cause }) => cause[0])).toEqual(['append', 'append']);
  });
});
