import { expect, test } from 'vitest';
import {
  type DriverBill,
  parseScenario,
  runScenario,
  ScenarioClock,
  scenarioHost,
  type Store,
} from '../../src/index.ts';
import { memoryStore, runCommand } from './command.ts';

/** What things cost, by verb: drivers, du --why, df. */

const STORY = `
image app:1
  FROM scratch
  ADD fill(1000000,"a") /data/seed
  RUN echo port=80 > /etc.conf
  RUN chmod 600 /data/seed
  RUN rm /etc.conf
end
volume v1
container web app:1
container job app:1 -v v1:/vol
web$ echo -n x >> /data/seed
web$ mkdir /made
job$ chmod 644 /data/seed
job$ echo -n hello > /vol/x
`;

async function storyStore(): Promise<Store> {
  const store = await memoryStore();
  const host = scenarioHost(store, () => Promise.reject(new Error('no verbs here')));
  const { failure } = await runScenario(parseScenario('a.scn', Buffer.from(STORY)), host, new ScenarioClock(null));
  expect(failure).toBeNull();
  return store;
}

async function printed(store: Store, ...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCommand(argv, store);
  expect({ argv, stderr, exitCode }).toEqual({ argv, stderr: '', exitCode: 0 });
  return stdout;
}

const DRIVERS =
  'overlay2 overlay2-reflink aufs fuse-overlayfs devicemapper btrfs zfs vfs ' +
  'containerd-native containerd-devmapper containerd-blockfile containerd-erofs qcow2';

/** Rows of a table as lists of its cells. */
const rowsOf = (text: string): string[][] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/ {2,}/));

test('drivers compares them all, with what was copied, taken, and read', async () => {
  const store = await storyStore();
  const rows = rowsOf((await printed(store, 'drivers', '--bytes')).split('\n\n')[0]);
  expect(rows[0]).toEqual(['DRIVER', 'COPIED', 'MAKING', 'LAYERS', 'CONTAINERS', 'METADATA', 'TOTAL', 'READ']);
  expect(rows.slice(1).map(([driver]) => driver)).toEqual(DRIVERS.split(' '));
  const row = (driver: string): string[] => rows.find(([name]) => name === driver) as string[];
  // Two whole files of 245 blocks; one sector; and with vfs a copy of all that is seen, for each layer and each container.
  expect(row('overlay2').slice(1, 5)).toEqual(['2000000', '0', '2011136', '2007040']);
  expect(row('btrfs').slice(1, 5)).toEqual(['576', '0', '2007040', '4096']);
  expect(row('vfs').slice(1, 5)).toEqual(['0', '2000000', '4022272', '2007040']);
});

test('drivers --at prices a moment, and takes parameters', async () => {
  const store = await storyStore();
  const made = store.containers.get('job').record.seq + 2;
  const at = async (...more: string[]): Promise<DriverBill[]> =>
    JSON.parse(await printed(store, 'drivers', '--json', ...more)) as DriverBill[];
  const [then] = await at('--driver', 'overlay2', '--at', String(made));
  expect([then.firstWrites.copiedBytes, then.containers.length]).toEqual([0, 2]);
  const [now, small] = await at('--driver', 'zfs', '--driver', 'zfs:record-size=16K');
  expect([now.parameters, small.parameters]).toMatchObject([{ 'record-size': 131_072 }, { 'record-size': 16_384 }]);
  expect(now.firstWrites.copiedBytes).toBeGreaterThan(small.firstWrites.copiedBytes);
});

test('drivers --formulas gives each figure its formula and source, and each limit', async () => {
  const store = await storyStore();
  const text = await printed(store, 'drivers', '--formulas');
  for (const part of text.split('\n\n')) {
    const lines = part.trimEnd().split('\n');
    const figures = lines.filter((line) => /^ {2}[a-z ]+: /.test(line));
    expect(figures.length).toBeGreaterThanOrEqual(7);
    for (const figure of figures) expect(lines[lines.indexOf(figure) + 1]).toMatch(/^ {6}\(.+\)$/);
  }
  expect(text).toContain('limit: at most 128 layers; here 4');
});

test('drivers --explain tells what each call did to a file, and what it cost under each', async () => {
  const store = await storyStore();
  const text = await printed(
    store,
    'drivers',
    '--bytes',
    '--explain',
    'web:/data/seed',
    '--driver',
    'overlay2',
    '--driver',
    'vfs',
  );
  expect(text).toMatch(/^#\d+ appendFile \/data\/seed, 1 byte written\n/);
  expect(rowsOf(text.split('\n').slice(1, 3).join('\n'))).toEqual([
    ['DRIVER', 'COPIED', 'TAKEN'],
    ['overlay2', '1000000', '1003520'],
  ]);
  expect(text).toContain('no first write: vfs');
});

test.each([
  [['--driver', 'nope'], 2, 'there is no storage driver "nope"; there are overlay2, '],
  [['--driver', 'qcow2:x=1'], 2, 'qcow2 has no parameter "x"; it has cluster-size, extended-l2, disk-size'],
  [['--driver', 'btrfs:sector-size=5000'], 2, 'btrfs: sector-size is a power of two'],
  [['--driver', 'qcow2:cluster-size=4K,extended-l2=1'], 2, 'qcow2: '],
  [['--driver', 'devicemapper:block-size=65537'], 2, 'block-size is a multiple of 64 KiB'],
  [['--explain', 'web:/nope'], 4, 'there is nothing at /nope'],
  [['--explain', 'web:/made'], 2, '/made is a directory, not a file'],
  [['--explain', 'volume(v1):/x'], 2, 'a volume has no storage driver'],
])('drivers %j is refused', async (argv, code, sentence) => {
  const { stdout, stderr, exitCode } = await runCommand(['drivers', ...argv], await storyStore());
  expect([stdout, exitCode]).toEqual(['', code]);
  expect(stderr).toContain(sentence);
});

test('du --why names a copy-up for nothing but an attribute, the call that did it, and what drivers would have saved', async () => {
  const store = await storyStore();
  const text = await printed(store, 'du', '--why', '--bytes', 'job');
  expect(text).toContain('job has written 1000000 (Docker: sum of file sizes), on app:1 of 2000008');
  expect(text).toMatch(/1000000 +1003520 +1 +chmod +copied up, the same as in the image/);
  expect(text).toMatch(/1000000 +\/data\/seed +#\d+ chmod \/data\/seed 0644 +attributes changed, content not/);
  expect(text).toMatch(/ +0 +btrfs +1003520 less than overlay2/);
  const report = JSON.parse(await printed(store, 'du', '--why', '--json', 'job'));
  expect(report).toMatchObject({ bytes: 1_000_000, avoidableBytes: 1_000_000, avoidable: [{ reason: 'attributes' }] });
});

test('du --why of an image tells layer by layer what is new, stored again, and never seen', async () => {
  const store = await storyStore();
  const report = JSON.parse(await printed(store, 'du', '--why', '--json', 'app:1'));
  expect(report).toMatchObject({
    bytes: 2_000_008,
    hiddenBytes: 1_000_008,
    repeatedBytes: 1_000_000,
    layers: [{ newBytes: 1_000_000 }, { newBytes: 8 }, { repeatedBytes: 1_000_000 }, { bytes: 0 }],
    repeated: [{ path: '/data/seed', layer: 2, isAttributeChange: true }],
    wasted: [
      { path: '/data/seed', deletedIn: null },
      { path: '/etc.conf', deletedIn: 3 },
    ],
  });
  const text = await printed(store, 'du', '--why', 'app:1');
  expect(text).toContain('RUN chmod 600 /data/seed');
  expect(await printed(store, 'du', '--wasted', 'app:1')).toContain('deleted in layer 4, still stored in layer 2');
});

test('df -v shows Docker’s sizes and containerd’s beside each other (SEM-2.2)', async () => {
  const store = await storyStore();
  const usage = JSON.parse(await printed(store, 'df', '--json'));
  const file = 245 * 4096;
  expect(usage).toMatchObject({
    // Layers: / and /data with the file; / with a file; / and /data with the file; / with a whiteout.
    images: [{ size: 2_000_008, allocated: 2 * file + 4096 + 6 * 4096 }],
    containers: [
      { name: 'web', sizeRw: 1_000_001, allocated: file + 3 * 4096 },
      { name: 'job', sizeRw: 1_000_000, allocated: file + 3 * 4096 },
    ],
    volumes: [{ name: 'v1', size: 5, allocated: 8192 }],
    totals: { containers: { size: 2_000_001, allocated: 2 * file + 6 * 4096 } },
  });
  const text = await printed(store, 'df', '-v', '--bytes');
  expect(rowsOf(text)).toContainEqual(['web', 'created', '1000001', '3000009', String(file + 3 * 4096)]);
  expect(rowsOf(text)).toContainEqual(['v1', '1', '5', '8192']);
});

test('du --depth that is no number is a usage error', async () => {
  const { exitCode, stderr } = await runCommand(['du', '-d', 'x', 'web'], await storyStore());
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--depth is a number of levels, not "x"')]);
});
