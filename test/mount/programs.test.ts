/**
 * Real programs in a mounted container over an image of several layers: they end as they do on the host's file system, and what
 * they leave is what the kernel's overlayfs makes of the same layers; so is every moment on the way.
 */

import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isServed, mountRecords } from '../../src/entry/mount.ts';
import { type CommandResult, repositoryFile, runCommand } from '../e2e/command.ts';
import { builtCommand, noOverlay } from './overlay-directories.ts';

/** What each needs; its script says what it does. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  git: ['git'],
  npm: ['npm'],
  sqlite: ['python3'],
  dpkg: ['dpkg', 'dpkg-deb'],
  venv: ['python3'],
};
const SLOW = { timeout: 600_000 };
const LAYERS = [1, 2, 3, 4, 5].map((number) => repositoryFile(`test/fixtures/images/upperdirs/l${number}.tar.gz`));

const isThere = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const missing = ['python3', 'bash', 'tar'].filter((program) => !isThere(program));
const reason = noOverlay ?? (missing.length === 0 ? null : `no ${missing.join(', ')}`);
const title = reason === null ? 'real programs in a container' : `real programs in a container (skipped: ${reason})`;

const root = mkdtempSync(join(tmpdir(), 'overlog-programs-'));
const [store, directory, plain, here, then] = ['store', 'mnt', 'plain', 'here', 'then'].map((name) => join(root, name));
const run = (...argv: string[]): Promise<CommandResult> => runCommand([...argv, '--store', store]);
const scriptOf = (name: string): string => fileURLToPath(new URL(`programs/${name}.sh`, import.meta.url));

async function fine(...argv: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(...argv);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  return stdout;
}

function mount(what: string, at: string): void {
  const [node, main] = builtCommand;
  const env = { ...process.env, OVERLOG_STORE: store };
  const { status, stderr } = spawnSync(node, [main, 'mount', what, at], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`mount ${what}: ${stderr}`);
}

async function unmount(at: string): Promise<void> {
  await fine('umount', at);
  // A mount namespace that somebody else makes at that moment holds a mount for as long as it lives.
  while (mountRecords(store).some((each) => each.directory === at && isServed(each)))
    await new Promise<void>((turn) => setTimeout(turn, 20));
}

/** Runs a part of a script in a directory, which has the same path for each of them. */
async function runPart(name: string, part: 'prepare' | 'work', where: string): Promise<string> {
  const script = 'mount --bind "$1" "$2"; cd "$2"; . "$3"; umask 022; "$4"';
  const argv = ['-m', 'bash', '--norc', '-euc', script, 'bash', where, here, scriptOf(name), part];
  const env = { PATH: process.env['PATH'], LC_ALL: 'C', PACKAGES: repositoryFile('node_modules') };
  const { stdout } = await promisify(execFile)('unshare', argv, { env, cwd: '/', maxBuffer: 2 ** 26 });
  return stdout;
}

function listed(where: string, ...options: string[]): string[] {
  const script = fileURLToPath(new URL('list-tree.py', import.meta.url));
  const { status, stdout, stderr } = spawnSync('python3', [script, where, ...options], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${where}: ${stderr}`);
  return stdout.trim().split('\n');
}

/** A tree of two runs, without what differs between two runs anywhere. */
function ofTwoRuns(where: string, name: string): string[] {
  const varying = spawnSync('bash', ['-c', '. "$1"; printf %s "$varying"', 'bash', scriptOf(name)], {
    encoding: 'utf8',
  });
  const differs = new RegExp(varying.stdout);
  return listed(where, '--no-times').map((line) => {
    const entry = JSON.parse(line) as (string | null)[];
    return JSON.stringify(differs.test(entry[0] ?? '') ? entry.slice(0, 3) : entry);
  });
}

/**
 * With times in whole seconds, as a committed layer has them, and without those that no layer of the image says or that the
 * fixture's file system cut: see its README.
 */
function comparable(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const entry = JSON.parse(line) as (string | number | null)[];
    const isSaid = entry[0] !== '.' && entry[0] !== 'opt/y1960';
    return JSON.stringify(entry.with(5, isSaid ? Math.floor(Number(entry[5]) / 1e9) : null));
  });
}

function kernelShows(...lowers: string[]): string[] {
  const merged = join(root, 'merged');
  mkdirSync(merged, { recursive: true });
  const options = `lowerdir=${lowers.join(':')},redirect_dir=follow,index=off,metacopy=on`;
  const { status, stderr } = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  try {
    return listed(merged);
  } finally {
    spawnSync('umount', [merged]);
  }
}

const able = Object.entries(PROGRAMS).filter(([, needs]) => needs.every(isThere));
const unable = Object.entries(PROGRAMS).filter(([, needs]) => !needs.every(isThere));
const shownThen = new Map<string, string[]>();

describe.skipIf(reason !== null)(title, () => {
  beforeAll(async () => {
    for (const place of [directory, plain, here, then]) mkdirSync(place);
    await fine('load', LAYERS.join(':'), '--tag', 'edge:1');
    await fine('create', '--name', 'first', 'edge:1');
    mount('first', directory);
    for (const [name] of able) {
      for (const place of [join(plain, name), join(directory, 'work', name)]) {
        mkdirSync(place, { recursive: true });
        await runPart(name, 'prepare', place);
      }
    }
    await unmount(directory);
    await fine('commit', 'first', 'prepared:1');
    // With the options that let the directories of an image be renamed, as on one file system.
    await fine('create', '--name', 'web', '--profile', 'posix', 'prepared:1');
    mount('web', directory);
  }, SLOW.timeout);

  afterAll(async () => {
    for (const place of [directory, then]) spawnSync('umount', ['-f', '-l', place]);
    while (mountRecords(store).some(isServed)) await new Promise<void>((turn) => setTimeout(turn, 20));
    rmSync(root, { recursive: true, force: true });
  });

  test.each(able)('%s ends as on the host', SLOW, async (name) => {
    const inContainer = join(directory, 'work', name);
    const answers = await runPart(name, 'work', inContainer);
    expect(answers).toBe(await runPart(name, 'work', join(plain, name)));
    expect(answers).not.toBe('');
    expect(ofTwoRuns(inContainer, name)).toEqual(ofTwoRuns(join(plain, name), name));
    await fine('label', `after-${name}`);
    shownThen.set(name, listed(directory));
  });

  test.skip.each(unable)('%s (skipped: needs %s)', () => {});

  test('the moments between them are mounted, and show what was there', SLOW, async () => {
    const [[name, shown], ...others] = shownThen;
    const [last] = others.at(-1) ?? [name];
    mount(`web@after-${name}`, then);
    expect(listed(then)).toEqual(shown);
    await unmount(then);
    mount(`web@after-${last}~100`, then);
    expect(listed(then).length).toBeGreaterThan(shown.length);
    await unmount(then);
  });

  test('the kernel shows the same of the exported layers, and the store is sound', SLOW, async () => {
    const shown = listed(directory);
    await unmount(directory);
    expect(await fine('verify')).not.toBe('');
    const lowers = LAYERS.map((tar, index) => {
      const layer = join(root, `l${index}`);
      mkdirSync(layer);
      const unpacked = spawnSync('tar', ['--xattrs', '--xattrs-include=*', '-C', layer, '-xpzf', tar], {
        encoding: 'utf8',
      });
      expect(unpacked).toMatchObject({ status: 0 });
      return layer;
    });
    for (const container of ['first', 'web']) {
      const layer = join(root, container);
      mkdirSync(layer);
      await fine('export', '--upper', container, '-o', layer);
      lowers.push(layer);
    }
    expect(comparable(kernelShows(...lowers.toReversed()))).toEqual(comparable(shown));
  });
});
