/** Lowers that were the upper of another overlay, with moved directories and files of attributes only in them. */

import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openOverlay, openOverlayContainer, parseOverlayOptions, takeInOverlay } from '../../src/entry/mount.ts';
import { openStore } from '../../src/index.ts';
import { runCommand } from '../e2e/command.ts';
import {
  type Directories,
  listing,
  noOverlay,
  overlay,
  overlayDirectories,
  unmounted,
  withKernel,
} from './overlay-directories.ts';

const FOLLOWING = ',redirect_dir=on,metacopy=on';

describe.skipIf(noOverlay !== null)(
  `lowers with redirects and files of attributes only${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`,
  () => {
    it('are shown as the kernel shows them, with a history of what is changed over them by turns', async () => {
      const [theirs, ours] = [stacked(), stacked()];
      const { root, merged } = ours;
      const store = join(root, 'store');
      const verb = (...argv: string[]) => runCommand([...argv, '--store', store]);
      const mount = (): unknown => overlay(`${ours.options}${FOLLOWING},store=${store}`, merged);
      const kernel = withKernel(theirs, FOLLOWING, () => stepsOf(theirs.merged));
      expect(mount()).toMatchObject({ exitCode: 0 });
      const first = [listing(merged), changed(merged, changeFirst)];
      await unmounted(ours);
      const second = withKernel(ours, FOLLOWING, () => {
        expect(listing(merged)).toBe(first[1]);
        return changed(merged, changeThen);
      });
      expect([...first, second]).toEqual(kernel);
      expect(mount()).toMatchObject({ exitCode: 0, stderr: '' });
      expect(listing(merged)).toBe(second);
      expect((await verb('log', '--container', 'merged')).stdout).toContain('changed outside');
      await verb('label', 'second');
      rmSync(join(merged, 'dir'), { recursive: true });
      renameSync(join(merged, 'moved/deep'), join(merged, 'again'));
      expect(await verb('rewind', 'merged', 'second')).toMatchObject({ exitCode: 0 });
      await unmounted(ours);
      expect(withKernel(ours, FOLLOWING, () => listing(merged))).toBe(second);
      expect(await verb('verify')).toMatchObject({ exitCode: 0 });
    });

    it.each([
      [
        ',redirect_dir=nofollow',
        'moved',
        /top\/\w+ has (a redirect|its data in a layer below), which this mount does not/,
      ],
      [',redirect_dir=follow', 'b', /top\/\w+ has its data in a layer below, which this mount does not follow/],
    ])('are refused where the kernel refuses names of them: %s', async (options, name, sentence) => {
      const directories = stacked();
      const { merged } = directories;
      withKernel(directories, options, () => expect(() => chmodSync(join(merged, name), 0o700)).toThrow('EPERM'));
      await expectRefused(directories, options, sentence);
    });

    it('are refused with userxattr, as the kernel refuses names of them', async () => {
      const directories = overlayDirectories();
      const { lower, upper, merged } = directories;
      for (const name of [join(lower, 'other'), join(upper, 'dir')]) mkdirSync(name);
      execFileSync('setfattr', ['-n', 'user.overlay.redirect', '-v', '/other', join(upper, 'dir')]);
      withKernel(directories, ',userxattr', () => expect(() => chmodSync(join(merged, 'dir'), 0o700)).toThrow('EPERM'));
      await expectRefused(directories, ',userxattr', /upper\/dir has a redirect, which this mount does not follow/);
    });

    it('are taken for what they are by a store, too: a mark that means nothing here is none', async () => {
      const directories = overlayDirectories();
      const { root, lower, merged, options } = directories;
      mkdirSync(join(lower, 'dir'));
      execFileSync('setfattr', ['-n', 'user.overlay.redirect', '-v', '/other', join(lower, 'dir')]);
      const store = await openStore(join(root, 'store'));
      const about = { overlay: parseOverlayOptions([options]), directory: merged, warn: () => {} };
      await expect(openOverlayContainer(store, about)).rejects.toThrow(
        /lower\/dir has user\.overlay\.redirect, which is no mark for this mount/,
      );
      await store.close();
    });
  },
);

/** By a mount, and with a store by one to write and one to read. */
async function expectRefused({ root, merged, ...more }: Directories, options: string, why: RegExp): Promise<void> {
  const overlay = parseOverlayOptions([more.options + options]);
  expect(() => openOverlay(overlay)).toThrow(why);
  const store = await openStore(join(root, 'store'));
  const about = { directory: merged, warn: () => {} };
  await expect(openOverlayContainer(store, { ...about, overlay })).rejects.toThrow(why);
  const readOnly = { ...overlay, readOnly: true };
  await expect(takeInOverlay(store, { ...about, overlay: readOnly })).rejects.toThrow(why);
  await store.close();
}

/** An upper over a lower that was an upper over another one. Its directory `moved` and files of it come from below. */
function stacked(): Directories {
  const directories = overlayDirectories();
  const { root, lower, merged, options } = directories;
  for (const name of ['top', 'top-work', 'lower/dir/sub', 'lower/other'])
    mkdirSync(join(root, name), { recursive: true });
  for (const name of ['a', 'b', 'c', 'dir/x', 'dir/y', 'dir/sub/z', 'other/q'])
    writeFileSync(join(lower, name), `content of ${name}\n`);
  linkSync(join(lower, 'a'), join(lower, 'link'));
  const at = (name: string): string => join(merged, name);
  const topOptions = `lowerdir=${lower},upperdir=${root}/top,workdir=${root}/top-work`;
  withKernel({ ...directories, options: topOptions }, FOLLOWING, () => {
    renameSync(at('dir'), at('moved'));
    renameSync(at('moved/sub'), at('moved/sub2'));
    renameSync(at('other'), at('moved/other'));
    renameSync(at('c'), at('c2'));
    for (const name of ['a', 'b', 'moved/y']) chmodSync(at(name), 0o600);
    mkdirSync(at('dir'));
    writeFileSync(at('dir/new'), 'new\n');
    linkSync(at('b'), at('b2'));
  });
  return { ...directories, options: options.replace(`lowerdir=${lower}`, `lowerdir=${root}/top:${lower}`) };
}

const stepsOf = (merged: string): string[] => [
  listing(merged),
  changed(merged, changeFirst),
  changed(merged, changeThen),
];

function changed(merged: string, change: (at: (name: string) => string) => void): string {
  change((name) => join(merged, name));
  return listing(merged);
}

function changeFirst(at: (name: string) => string): void {
  appendFileSync(at('moved/x'), 'more\n');
  chmodSync(at('moved/y'), 0o640);
  renameSync(at('moved'), at('deep'));
  renameSync(at('deep/sub2'), at('inner'));
  rmSync(at('a'));
  renameSync(at('c2'), at('dir/c'));
  linkSync(at('b'), at('b3'));
}

function changeThen(at: (name: string) => string): void {
  appendFileSync(at('deep/y'), 'more\n');
  renameSync(at('deep/x'), at('x'));
  chmodSync(at('dir/c'), 0o755);
  renameSync(at('inner'), at('dir/inner'));
  expect(readFileSync(at('dir/inner/z'), 'utf8')).toBe('content of dir/sub/z\n');
  rmSync(at('b2'));
  mkdirSync(at('moved'));
  renameSync(at('deep'), at('moved/deep'));
}
