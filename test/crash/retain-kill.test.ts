/** Dropping history of a store with a long history and framed layers: killed at any time, and with bits flipped afterwards. */

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeLongStore } from '../../bench/long-store.ts';
import { BufferOutput } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { openStore, retainHistory, type Store } from '../../src/index.ts';
import { canonicalText } from '../../src/testing/canonical.ts';
import { computeRoots } from '../../src/testing/roots.ts';
import { imageFixture } from '../unit/oci/support/fixtures.ts';
import { randomFrom } from './simulated-disk.ts';

/** How often it is killed; `OVERLOG_KILLS=200` for the long run. */
const KILLS = Number(process.env['OVERLOG_KILLS'] ?? 3);
const EVENTS = 5_000;
const KEPT = 'tenth-6';
const SEGMENT_BYTES = 131_072;
const CHILD = fileURLToPath(new URL('./retain-child.ts', import.meta.url));

let folder: string;
let original: string;
/** What the kept moments are, and what `save` makes of the framed image. */
let expected: { readonly moments: ReadonlyMap<string, string>; readonly image: Buffer };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'overlog-retain-'));
  original = join(folder, 'original');
  const timeMachine = { checkpoints: { every: 1500 } };
  const store = await openStore({ directory: original, segmentBytesMax: SEGMENT_BYTES, timeMachine });
  await store.images.load(imageFixture('edge-oci-archive.tar'), { tag: 'framed:1' });
  await makeLongStore(store, EVENTS);
  expected = { moments: momentsOf(store), image: await savedImage(store) };
  await store.close();
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Roots of all trees at the labels from the oldest kept one on. */
function momentsOf(store: Store): Map<string, string> {
  const labels = [...store.labels.keys()].filter((label) => (store.labels.get(label) ?? 0) >= store.resolve(KEPT));
  return new Map(
    labels.map((label) => [label, canonicalText(computeRoots(store.at(label).world, store.engine.log.chunks))]),
  );
}

async function savedImage(store: Store): Promise<Buffer> {
  const path = join(folder, 'image.tar');
  await store.images.save(['framed:1'], path);
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
}

async function expectKept(directory: string): Promise<number> {
  const store = await openStore({ directory });
  expect(momentsOf(store)).toEqual(expected.moments);
  expect((await savedImage(store)).equals(expected.image)).toBe(true);
  const { oldest } = store;
  await store.close();
  return oldest;
}

async function verified(directory: string): Promise<{ exitCode: number; text: string }> {
  const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
  const argv = ['verify', '--store', directory];
  const exitCode = await runCli({ argv, stdout, stderr, env: { NO_COLOR: '1' } });
  return { exitCode, text: `${stdout.bytes().toString()}${stderr.bytes().toString()}` };
}

/** Kills it so many milliseconds after it began. Tells whether it had ended before. */
function killed(directory: string, afterMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const argv = ['--import', 'tsx', CHILD, directory, KEPT];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
    child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL' || code === 0) resolve(code === 0);
      else reject(new Error(`it ended by itself: ${complaint}`));
    });
  });
}

const logBytes = (directory: string): number =>
  readdirSync(join(directory, 'log')).reduce((sum, name) => sum + statSync(join(directory, 'log', name)).size, 0);

test(
  'killed while it drops history, a store has all that is kept, and drops the rest when it is asked again',
  async () => {
    const random = randomFrom(5);
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const directory = join(folder, `killed-${kill}`);
      cpSync(original, directory, { recursive: true });
      const ended = await killed(directory, kill === 0 ? 20 : Math.floor(random() * 600));
      if (!ended) interrupted++;
      await expectKept(directory);
      await retainHistory(directory, KEPT);
      expect(await expectKept(directory)).toBeGreaterThan(0);
      expect(await verified(directory)).toMatchObject({ exitCode: 0 });
      expect(logBytes(directory)).toBeLessThan(logBytes(original));
      rmSync(directory, { recursive: true });
    }
    expect(interrupted).toBeGreaterThan(0);
  },
  60_000 + KILLS * 60_000,
);

test('a bit that is flipped in a store whose history was dropped is found, in the file that has it', async () => {
  const directory = join(folder, 'flipped');
  cpSync(original, directory, { recursive: true });
  await retainHistory(directory, KEPT);
  const random = randomFrom(6);
  const files = ['log', 'checkpoints'].flatMap((name) =>
    readdirSync(join(directory, name)).map((each) => join(name, each)),
  );
  expect(files.length).toBeGreaterThan(5);
  for (const name of files) {
    const path = join(directory, name);
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes);
    changed[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(random() * 8);
    writeFileSync(path, changed);
    const file = basename(name);
    const found = await verified(directory);
    expect({ file, ...found }).toEqual({ file, exitCode: 3, text: expect.stringContaining(file) });
    writeFileSync(path, bytes);
  }
  await expectKept(directory);
}, 240_000);
