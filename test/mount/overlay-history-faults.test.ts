/** An upper with a history on a host that refuses half way: nothing is lost, it is said, and the two agree again. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { spawnCommand } from '../e2e/command.ts';
import { type Directories, noOverlay, overlay, overlayDirectories, unmounted } from './overlay-directories.ts';

const title = `a host that refuses${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`;
const KIB = 1024;

/** Stands in the way of the upper. */
interface Obstacle {
  readonly put: (made: Made) => void;
  readonly remove: (made: Made) => void;
  readonly code: RegExp;
}

const OBSTACLES: Readonly<Record<string, Obstacle>> = {
  'a full disk': {
    put: ({ root }) => writeFileSync(join(root, 'filler'), Buffer.alloc(1700 * KIB)),
    remove: ({ root }) => rmSync(join(root, 'filler')),
    code: /ENOSPC/,
  },
  'a directory that may not be changed': {
    put: ({ upper }) => execFileSync('chattr', ['+i', join(upper, 'dir')]),
    remove: ({ upper }) => execFileSync('chattr', ['-i', join(upper, 'dir')]),
    code: /EPERM/,
  },
};

interface Made extends Directories {
  readonly run: (...argv: string[]) => ReturnType<typeof spawnCommand>;
  readonly mount: () => ReturnType<typeof overlay>;
}

/** Directories on a file system of 2 MiB, mounted with a history that is told afterwards: `then`, and what was changed since. */
function made(): Made {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-small-'));
  const store = mkdtempSync(join(tmpdir(), 'overlog-small-store-'));
  onTestFinished(() => {
    spawnSync('umount', ['-l', folder]);
    for (const each of [folder, store]) rmSync(each, { recursive: true, force: true });
  });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]);
  const directories = overlayDirectories(folder);
  const { root, lower, merged, options } = directories;
  writeFileSync(join(lower, 'low'), 'low');
  const run = (...argv: string[]): ReturnType<typeof spawnCommand> =>
    spawnCommand(root, argv, { env: { OVERLOG_STORE: store } });
  const mount = (): ReturnType<typeof overlay> => overlay(`${options},store=${store},name=work`, merged);
  expect(mount()).toMatchObject({ exitCode: 0 });
  const at = (name: string): string => join(merged, name);
  mkdirSync(at('dir'));
  writeFileSync(at('dir/big'), BIG);
  for (const name of ['a', 'dir/in', 'z']) writeFileSync(at(name), 'then');
  expect(run('label', 'then')).toMatchObject({ exitCode: 0 });
  rmSync(at('dir/big'));
  for (const name of ['a', 'dir/in', 'dir/new', 'z']) writeFileSync(at(name), 'now');
  return { ...directories, run, mount };
}

const BIG = Buffer.alloc(600 * KIB, 'overlog ');

/** Content by name, through the mount or in the upper. */
function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(
    names.toSorted().map((path) => [path.slice(directory.length + 1), readFileSync(path, 'utf8')]),
  );
}

const THEN = { a: 'then', 'dir/big': String(BIG), 'dir/in': 'then', z: 'then' };
const NOW = { a: 'now', 'dir/in': 'now', 'dir/new': 'now', z: 'now' };

describe.skipIf(noOverlay !== null)(title, { timeout: 300_000 }, () => {
  describe.each(Object.entries(OBSTACLES))('%s', (_, obstacle) => {
    test('makes a rewind of a mounted upper fail aloud, and can be done again when it is out of the way', async () => {
      const place = made();
      const { merged, upper, run, mount } = place;
      const takenIn = (): number => run('log', '--container', 'work').stdout.split('changed outside').length;
      const before = takenIn();
      obstacle.put(place);
      const refused = run('rewind', 'work', 'then');
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toMatch(obstacle.code);
      expect(refused.stderr).toContain(`${upper} could not be made what the container is now`);
      expect(() => writeFileSync(join(merged, 'more'), '')).toThrow('EIO');
      obstacle.remove(place);
      expect(run('rewind', 'work', 'then')).toMatchObject({ exitCode: 0 });
      expect(contents(upper)).toEqual(THEN);
      expect(contents(merged)).toEqual({ ...THEN, low: 'low' });
      writeFileSync(join(merged, 'more'), 'more');
      await unmounted(place);
      expect(mount()).toMatchObject({ exitCode: 0 });
      expect(contents(merged)).toEqual({ ...THEN, low: 'low', more: 'more' });
      expect(takenIn()).toBe(before);
    });

    test('leaves an upper that the next mount takes as it is, and the log has the rest', async () => {
      const place = made();
      const { merged, upper, run, mount } = place;
      obstacle.put(place);
      expect(run('rewind', 'work', 'then').exitCode).toBe(1);
      await unmounted(place);
      const between = contents(upper);
      obstacle.remove(place);
      expect(mount()).toMatchObject({ exitCode: 0 });
      expect(contents(merged)).toEqual({ ...between, low: 'low' });
      expect(run('rewind', 'work', 'then')).toMatchObject({ exitCode: 0 });
      expect(contents(upper)).toEqual(THEN);
    });

    test('makes an undelete fail aloud, and can be done again', () => {
      const place = made();
      const { upper, run } = place;
      obstacle.put(place);
      expect(run('undelete', 'work:/dir/big')).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(obstacle.code),
      });
      obstacle.remove(place);
      expect(run('rewind', 'work', '--path', '/dir', 'then')).toMatchObject({ exitCode: 0 });
      expect(contents(upper)).toEqual({ ...THEN, a: 'now', z: 'now' });
    });
  });

  test('a full disk refuses a mount after a rewind, and the next one goes on with it', async () => {
    const [place, obstacle] = [made(), OBSTACLES['a full disk']];
    const { merged, upper, run, mount } = place;
    await unmounted(place);
    expect(run('rewind', 'work', 'then')).toMatchObject({ exitCode: 0 });
    obstacle.put(place);
    const refused = mount();
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(obstacle.code);
    obstacle.remove(place);
    expect(mount()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(contents(upper)).toEqual(THEN);
    expect(contents(merged)).toEqual({ ...THEN, low: 'low' });
  });

  test('a file of the upper that cannot be read refuses the mount, and is taken in when it can be', async () => {
    const place = made();
    const { merged, upper, mount } = place;
    await unmounted(place);
    for (const name of ['a', 'z']) writeFileSync(join(upper, name), 'by somebody else');
    // It has a size and can be opened; a read is EINVAL.
    const unreadable = '/sys/class/net/lo/speed';
    execFileSync('mount', ['--bind', unreadable, join(upper, 'dir/in')]);
    onTestFinished(() => void spawnSync('umount', ['-l', join(upper, 'dir/in')]));
    expect(mount()).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('EINVAL') });
    execFileSync('umount', [join(upper, 'dir/in')]);
    expect(mount()).toMatchObject({ exitCode: 0, stderr: '' });
    const seen = { ...NOW, a: 'by somebody else', z: 'by somebody else' };
    expect(contents(upper)).toEqual(seen);
    expect(contents(merged)).toEqual({ ...seen, low: 'low' });
  });
});
