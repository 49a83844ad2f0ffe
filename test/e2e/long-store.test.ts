/**
 * Every question about the past, asked of a store with a long history: bench/long-store.ts, the same as
 * `npx tsx bench/make-store.ts` makes with a million events, in a shorter form; OVERLOG_LONG_EVENTS for another length.
 */

import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeLongStore } from '../../bench/long-store.ts';
import { BufferOutput } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { openStore, type Store } from '../../src/index.ts';
import { nodeFileSystem } from '../../src/storage/file/log-file-system.ts';
import { randomFrom } from '../crash/simulated-disk.ts';

const EVENTS = Number(process.env['OVERLOG_LONG_EVENTS'] ?? 20_000);

let folder: string;
let directory: string;
let store: Store;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-long-'));
  directory = join(folder, 'store');
  const writer = await openStore({ directory, timeMachine: { checkpoints: { every: Math.ceil(EVENTS / 5) } } });
  await makeLongStore(writer, EVENTS);
  await writer.close();
  store = await openStore({ directory, readOnly: true });
}, 600_000);

afterAll(async () => {
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(argv: readonly string[], session?: Store): Promise<{ out: string; said: string; exitCode: number }> {
  const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
  const env = { NO_COLOR: '1' };
  const exitCode = await runCli({ argv, stdout, stderr, env, ...(session && { session }) });
  return { out: stdout.bytes().toString(), said: stderr.bytes().toString(), exitCode };
}

const ask = async (...argv: string[]): Promise<any> => {
  const { out, said, exitCode } = await run([...argv, '--json'], store);
  expect({ argv, said, exitCode }).toEqual({ argv, said: '', exitCode: 0 });
  return JSON.parse(out);
};
const lines = async (...argv: string[]): Promise<string[]> => {
  const { out, exitCode } = await run(argv, store);
  expect({ argv, exitCode }).toEqual({ argv, exitCode: 0 });
  return out.split('\n').slice(0, -1);
};
const length = async (...argv: string[]): Promise<number> => (await ask(...argv)).length as number;

test('log answers by moment, container, volume, operation, group, actor and path', async () => {
  expect(await length('log', '-n', '5')).toBe(5);
  expect(await length('log', 'tenth-5..tenth-6', '--container', 'web')).toBeGreaterThan(100);
  expect(await length('log', '--op', 'chmod', '--actor', 'agent-1', '--container', 'side')).toBeGreaterThan(10);
  const [bad] = await ask('log', '--group', 'bad-step');
  expect(bad).toMatchObject({ name: 'web', cause: ['appendFile', '/etc/app.conf'] });
  expect(await length('log', '--at', `${bad.seq - 1}`, '--group', 'bad-step')).toBe(0);
  expect(await length('log', '--volume', 'data', '--path', '/journal')).toBeGreaterThan(10);
  expect(await length('log', '--container', 'web', '--path', '/srv/report.txt')).toBeGreaterThan(2);
  const patch = await lines('log', '-p', '--container', 'web', '--path', '/etc/app.conf');
  expect(patch).toContain('+debug=on');
});

test('show tells of one transaction, with what it changed', async () => {
  const [{ seq }] = await ask('log', '--group', 'bad-step');
  const shown = await lines('show', '-p', `${seq}`);
  expect(shown).toEqual(expect.arrayContaining([expect.stringContaining('bad-step'), '+debug=on']));
});

test('blame goes down to the image layer, at any moment, and through forks', async () => {
  const blamed = await ask('blame', 'web:/etc/app.conf');
  expect(blamed).toHaveLength(21);
  expect(blamed.at(-1)).toMatchObject({ group: 'bad-step', cause: ['appendFile', '/etc/app.conf'] });
  expect(blamed[0]).toMatchObject({ layer: 0, group: null });
  expect(await length('blame', '--at', 'tenth-5', 'web:/etc/app.conf')).toBe(20);
  const [report] = await lines('find', '--name', 'report*', 'side:/srv');
  expect(await length('blame', `side:${report}`)).toBeGreaterThan(3);
  expect(await length('blame', 'volume(data):/journal')).toBeGreaterThan(10);
});

test('where tells the stack below a path', async () => {
  expect((await lines('where', '--all', 'base:1:/srv/l0/f1')).join('\n')).toContain('whiteout in base:1/layer2');
  expect(await length('where', 'web:/etc/app.conf')).toBeGreaterThan(1);
  expect(await length('where', '--at', 'tenth-5', 'web:/etc/app.conf')).toBe(1);
});

test('bisect finds the transaction and the group', async () => {
  const expression = ['--expr', 'contains /etc/app.conf debug=on'];
  expect((await ask('bisect', ...expression, '..', 'web')).transaction).toMatchObject({ group: 'bad-step' });
  const lost = await ask('bisect', '--by-group', '--expr', 'missing /srv/lost/one', 'before-loss..', 'web');
  expect(lost.transaction).toMatchObject({ group: 'loss' });
  const { said, exitCode } = await run(['bisect', 'start..tenth-5', ...expression, 'web'], store);
  expect({ said, exitCode }).toEqual({ said: expect.stringContaining('not so'), exitCode: 2 });
});

test('diff tells of two moments as a list, as statistics, by name and as a patch', async () => {
  const changes = await ask('diff', 'tenth-4..tenth-5', 'web');
  expect(changes.length).toBeGreaterThan(20);
  expect(changes.map(({ change }: { change: string }) => change)).toEqual(expect.arrayContaining(['Renamed']));
  expect(await lines('diff', '--name-status', 'tenth-4..tenth-5', 'web')).toContainEqual(expect.stringMatching(/^R\t/));
  expect(await lines('diff', '-p', 'tenth-5..tenth-7', 'web')).toContain('+debug=on');
  expect((await lines('diff', '--stat', 'start..now', 'pack')).length).toBeGreaterThan(20);
});

test('du tells which operations copied up, and what an image hides', async () => {
  const all = await length('du', '--copy-up', 'web');
  const chmod = await length('du', '--copy-up', '--op', 'chmod', 'web');
  expect(all).toBeGreaterThan(chmod);
  expect(chmod).toBeGreaterThan(0);
  expect(await length('du', '--copy-up', '--at', 'tenth-3', 'web')).toBeLessThan(all);
  const { paths } = await ask('du', '--wasted', 'base:1');
  expect(paths.map(({ path }: { path: string }) => path)).toEqual(
    expect.arrayContaining(['/var/log/old.log', '/opt/tool/first-0', '/srv/l0/f0']),
  );
});

test('find, versions and undelete reach what is gone', async () => {
  expect(await lines('find', '--at', 'before-loss', 'web:/srv/lost')).toHaveLength(4);
  expect(await lines('find', '--op', 'chmod', 'web:/srv')).not.toEqual([]);
  expect(await length('versions', 'web:/etc/app.conf')).toBe(2);
  expect((await ask('versions', 'web:/data/lost')).at(-1)).toMatchObject({ kind: null, group: 'loss' });
  const dry = await ask('rewind', '--dry-run', '--group', 'loss', 'web');
  expect(dry.changes).toHaveLength(4);
  expect((await ask('rewind', '--dry-run', '--path', '/etc', 'web', 'tenth-5')).changes).toHaveLength(1);
});

test('moments are what they were when they were new, with posix containers and restored paths', async () => {
  const fresh = await openStore({ directory, readOnly: true, timeMachine: { foldMax: -1 } });
  const random = randomFrom(3);
  for (let count = 0; count < 12; count++) {
    const seq = Math.floor(random() * fresh.seq);
    for (const { name } of fresh.at(seq).containers.list()) {
      const list = (from: Store): unknown => from.at(seq).containers.get(name).changes();
      expect(list(fresh)).toEqual(list(store));
    }
  }
  await fresh.close();
});

test('drivers of a second process reads next to nothing of the log', async () => {
  const first = await bytesReadOfLog(() => run(['drivers', '--json', '--store', directory]));
  const second = await bytesReadOfLog(() => run(['drivers', '--json', '--store', directory]));
  const some = await bytesReadOfLog(() => run(['drivers', '--json', '--store', directory, '--driver', 'btrfs']));
  expect(first.answer.exitCode).toBe(0);
  expect(second.answer).toEqual(first.answer);
  expect(JSON.parse(some.answer.out)).toEqual(
    JSON.parse(first.answer.out).filter((bill: any) => bill.driver === 'btrfs'),
  );
  // All of the log, if only what is beside content; then an opening, and trees that a fork was made from.
  expect(first.bytes).toBeGreaterThan(logBytes() / 4);
  expect(second.bytes).toBeLessThan(first.bytes / 5);
  expect(some.bytes).toBeLessThan(first.bytes / 5);
});

test('verify passes, and names the file in which a bit was changed', async () => {
  expect(await run(['verify', '--store', directory])).toMatchObject({ exitCode: 0 });
  const files = ['log', 'checkpoints'].flatMap((name) =>
    readdirSync(join(directory, name)).map((each) => ({ name: each, path: join(directory, name, each) })),
  );
  expect(files.length).toBeGreaterThan(3);
  const random = randomFrom(EVENTS);
  for (const { name, path } of files) {
    const size = statSync(path).size;
    const places = [Math.floor(random() * size)];
    if (name.endsWith('.seg')) places.push(size - 1 - Math.floor(random() * 60)); // in the mark that closes the log
    for (const at of places) {
      const undo = flip(path, at, 1 << Math.floor(random() * 8));
      const { out, said, exitCode } = await run(['verify', '--store', directory]);
      undo();
      expect({ name, at, exitCode, text: out + said }).toEqual({
        name,
        at,
        exitCode: 3,
        text: expect.stringContaining(name),
      });
    }
  }
  expect(await run(['verify', '--store', directory])).toMatchObject({ exitCode: 0 });
}, 600_000);

const logBytes = (): number =>
  readdirSync(join(directory, 'log')).reduce((sum, name) => sum + statSync(join(directory, 'log', name)).size, 0);

/** Runs something and counts what is read of the segments meanwhile. */
async function bytesReadOfLog<T>(ask: () => Promise<T>): Promise<{ answer: T; bytes: number }> {
  const { openSync: open, readSync: read } = nodeFileSystem;
  const segments = new Set<number>();
  let bytes = 0;
  nodeFileSystem.openSync = (path, flags) => {
    const fd = open(path, flags);
    if (path.endsWith('.seg')) segments.add(fd);
    else segments.delete(fd);
    return fd;
  };
  nodeFileSystem.readSync = (fd, ...rest) => {
    const count = read(fd, ...rest);
    if (segments.has(fd)) bytes += count;
    return count;
  };
  try {
    const answer = await ask();
    return { answer, bytes };
  } finally {
    Object.assign(nodeFileSystem, { openSync: open, readSync: read });
  }
}

/** Changes a bit of a file. The answer changes it back. */
function flip(path: string, at: number, bit: number): () => void {
  const change = (): void => {
    const fd = openSync(path, 'r+');
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte[0] ^= bit;
    writeSync(fd, byte, 0, 1, at);
    closeSync(fd);
  };
  change();
  return change;
}
