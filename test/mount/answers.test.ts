import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountedContainer, noMount } from './mounted.ts';
import { noOverlay, overlay, overlayDirectories, unmounted } from './overlay-directories.ts';

const script = fileURLToPath(new URL('answers/answers.py', import.meta.url));

/** statfs(2) f_type of ext4. */
const EXT4 = 0xef53;

const missing =
  noMount ??
  noOverlay ??
  (spawnSync('python3', ['-c', '']).status === 0 ? null : 'no python3') ??
  (statfsSync(tmpdir()).type === EXT4 ? null : `${tmpdir()} is no ext4 to compare with`);
const title = missing === null ? 'calls of all sorts' : `calls of all sorts (skipped: ${missing})`;

/** What the calls of every case gave and left, by the name of the case. */
async function answersIn(directory: string): Promise<Record<string, unknown>> {
  const place = join(directory, 'place');
  mkdirSync(place);
  const { stdout } = await promisify(execFile)('python3', ['-B', script, place], { maxBuffer: 64 << 20 });
  const rows = stdout.trim().split('\n');
  return Object.fromEntries(rows.map((row) => JSON.parse(row) as [string, unknown]));
}

describe.skipIf(missing !== null)(title, { timeout: 300_000 }, () => {
  test('are answered by a mounted container and by an overlay as by ext4: results, modes, owners, sizes, times', async () => {
    const local = mkdtempSync(join(tmpdir(), 'overlog-answers-'));
    onTestFinished(() => rmSync(local, { recursive: true, force: true }));
    const { directory } = await mountedContainer();
    const directories = overlayDirectories();
    expect(overlay(directories.options, directories.merged).exitCode).toBe(0);
    const [expected, container, over] = await Promise.all([local, directory, directories.merged].map(answersIn));
    expect(Object.keys(expected).length).toBeGreaterThan(2000);
    expect(container).toEqual(expected);
    expect(over).toEqual(expected);
    await unmounted(directories);
  });
});
