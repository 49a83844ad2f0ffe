import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type Directories,
  noOverlay,
  overlay,
  overlayDirectories,
  unmounted,
  withKernel,
} from './overlay-directories.ts';

/** Path, number by stat and number by readdir, of everything; the number of the directory itself first. */
function numbers(directory: string): string {
  const script = `import os, sys
print('.', os.stat('.').st_ino)
for at, _, _ in os.walk('.'):
    for e in os.scandir(at):
        print(e.path, os.lstat(e.path).st_ino, e.inode())`;
  return execFileSync('python3', ['-c', script], { cwd: directory, encoding: 'utf8' })
    .split('\n')
    .toSorted()
    .join('\n');
}

/** What a program sees by stat and by readdir is one number. */
function expectOneNumber(listing: string): void {
  for (const line of listing.split('\n')) {
    const [, stat, listed] = /^\.\/.* (\d+) (\d+)$/.exec(line) ?? [];
    expect(listed).toBe(stat);
  }
}

const reason = noOverlay ?? (spawnSync('python3', ['-c', '']).status === 0 ? null : 'no python3');

describe.skipIf(reason !== null)(`inode numbers of an overlay${reason === null ? '' : ` (skipped: ${reason})`}`, () => {
  it.each(['', ',xino=on', ',xino=off'])(
    'are those of the host, as the kernel shows them, with one file system (%s)',
    async (more) => {
      await compare(filled(), more);
    },
  );

  it('are so with a lower on another file system, which stands in the upper bits', async () => {
    await compare(filled(onTmpfs), ',xino=on');
  });

  it('are the own ones of the mount with xino=off and several file systems', async () => {
    const directories = filled(onTmpfs);
    expect(overlay(`${directories.options},xino=off`, directories.merged).exitCode).toBe(0);
    const shown = numbers(directories.merged);
    expectOneNumber(shown);
    const all = shown.split('\n').flatMap((line) => (line.includes('hard') ? [] : [line.split(' ')[1]]));
    expect(new Set(all).size).toBe(all.length);
    await unmounted(directories);
  });
});

/** The same before and after copy-ups and renames, mounted again, and with the kernel. */
async function compare(directories: Directories, more: string): Promise<void> {
  const { merged } = directories;
  const untouched = withKernel(directories, more, () => numbers(merged));
  expect(overlay(directories.options + more, merged)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(numbers(merged)).toBe(untouched);
  expectOneNumber(untouched);
  appendFileSync(join(merged, 'file'), 'copied up');
  chmodSync(join(merged, 'both'), 0o700);
  appendFileSync(join(merged, 'both/deep'), 'copied up');
  expect(numbers(merged)).toBe(untouched);
  renameSync(join(merged, 'file'), join(merged, 'both/moved'));
  appendFileSync(join(merged, 'hard'), 'broken');
  rmSync(join(merged, 'gone'));
  mkdirSync(join(merged, 'made/deep'), { recursive: true });
  writeFileSync(join(merged, 'made/deep/new'), 'n');
  const changed = numbers(merged);
  expectOneNumber(changed);
  await unmounted(directories);
  expect(withKernel(directories, more, () => numbers(merged))).toBe(changed);
  expect(overlay(directories.options + more, merged).exitCode).toBe(0);
  expect(numbers(merged)).toBe(changed);
  await unmounted(directories);
}

function onTmpfs(lower: string): void {
  execFileSync('mount', ['-t', 'tmpfs', 'none', lower]);
  onTestFinished(() => void spawnSync('umount', ['-l', lower]));
}

/** Two lowers with a directory in both, and something in the upper. */
function filled(prepare: (lower: string) => void = () => {}): Directories {
  const directories = overlayDirectories();
  const { root, lower, upper } = directories;
  prepare(lower);
  const top = join(root, 'top');
  for (const directory of [`${lower}/both`, `${lower}/only`, `${top}/both`]) mkdirSync(directory, { recursive: true });
  for (const file of ['file', 'gone', 'both/deep', 'only/x']) writeFileSync(join(lower, file), file);
  linkSync(join(lower, 'gone'), join(lower, 'hard'));
  symlinkSync('file', join(lower, 'link'));
  writeFileSync(join(top, 'both/upon'), 'upon');
  writeFileSync(join(upper, 'own'), 'own');
  return { ...directories, options: directories.options.replace(`lowerdir=${lower}`, `lowerdir=${top}:${lower}`) };
}
