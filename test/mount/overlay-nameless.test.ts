/** Files and directories that somebody has open and that have lost their names: as the kernel's overlay has them. */

import {
  chmodSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../e2e/command.ts';
import { listing, noOverlay, overlay, overlayDirectories, unmounted, withKernel } from './overlay-directories.ts';

/** By what a file loses its name. */
const LOSSES: Readonly<Record<string, (path: string) => void>> = {
  unlinked: unlinkSync,
  replaced: (path) => {
    writeFileSync(`${path}.new`, 'another');
    renameSync(`${path}.new`, path);
  },
};

/** What is done then by a descriptor that was opened for reading. */
const CHANGES: Readonly<Record<string, (open: number) => void>> = {
  attributes: (open) => {
    fchmodSync(open, 0o640);
    fchownSync(open, 5, 6);
    futimesSync(open, 7, 8);
  },
  written: (open) =>
    again(open, 'r+', (writable) => {
      writeSync(writable, 'XYZ', 3);
      fchmodSync(writable, 0o604);
      fsyncSync(writable);
    }),
  cut: (open) => truncateSync(`/proc/self/fd/${open}`, 3),
  'cut and longer': (open) =>
    again(open, 'r+', (writable) => {
      ftruncateSync(writable, 3);
      ftruncateSync(writable, 100_000);
    }),
  'written anew': (open) => again(open, 'w+', (writable) => void writeSync(writable, 'new')),
};

function again(open: number, flags: string, change: (writable: number) => void): void {
  const writable = openSync(`/proc/self/fd/${open}`, flags);
  change(writable);
  closeSync(writable);
}

const CASES = Object.keys(LOSSES).flatMap((loss) => Object.keys(CHANGES).map((change) => [loss, change] as const));
const OPTIONS = 'redirect_dir=on,metacopy=on,index=on';

describe.skipIf(noOverlay !== null)(
  `what is open and has lost its name${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`,
  () => {
    it('takes changes by the descriptor that is left, as in the kernel, and leaves the upper and the log alike', async () => {
      const [theirs, ours, kept] = [filled(), filled(), filled()];
      const kernel = withKernel(theirs, `,${OPTIONS}`, () => changeAll(theirs.merged));

      expect(overlay(`${ours.options},${OPTIONS}`, ours.merged)).toMatchObject({ exitCode: 0 });
      expect(changeAll(ours.merged)).toEqual(kernel);
      const shown = listing(ours.merged);
      await unmounted(ours);
      expect(withKernel(ours, `,${OPTIONS}`, () => listing(ours.merged))).toBe(shown);

      const store = join(kept.root, 'store');
      expect(overlay(`${kept.options},${OPTIONS},store=${store}`, kept.merged)).toMatchObject({ exitCode: 0 });
      expect(changeAll(kept.merged)).toEqual(kernel);
      const listed = listing(kept.merged);
      expect(listed).toBe(shown);
      await unmounted(kept);
      expect(withKernel(kept, `,${OPTIONS}`, () => listing(kept.merged))).toBe(listed);
      expect(await runCommand(['verify', '--store', store])).toMatchObject({ exitCode: 0 });
    });

    it('takes them after a rewind to when it had lost its name already, too', async () => {
      const { root, lower, merged, options } = overlayDirectories();
      const store = join(root, 'store');
      writeFileSync(join(lower, 'file'), 'below');
      expect(overlay(`${options},${OPTIONS},store=${store}`, merged)).toMatchObject({ exitCode: 0 });
      const verb = (...argv: string[]) => runCommand([...argv, '--store', store]);
      const directory = join(merged, 'directory');
      mkdirSync(directory);
      writeFileSync(join(merged, 'own'), 'mine');
      chmodSync(join(merged, 'file'), 0o600);
      const names = ['file', 'own', 'directory'];
      const [file, own, open] = names.map((name) => openSync(join(merged, name), 'r'));
      for (const name of ['file', 'own']) unlinkSync(join(merged, name));
      rmdirSync(directory);
      expect(await verb('label', 'then')).toMatchObject({ exitCode: 0 });
      again(own, 'r+', (writable) => void writeSync(writable, 'ours'));
      writeFileSync(join(merged, 'later'), '');
      expect(await verb('rewind', 'merged', 'then')).toMatchObject({ exitCode: 0 });
      expect([file, own].map((each) => seen(each).at(-1))).toEqual(['below', 'mine']);
      for (const each of [file, own, open]) fchmodSync(each, 0o705);
      for (const each of [file, own]) again(each, 'r+', (writable) => void writeSync(writable, 'B'));
      expect([file, own].map((each) => seen(each).at(-1))).toEqual(['Below', 'Bine']);
      expect([file, own, open].map((each) => fstatSync(each).mode & 0o777)).toEqual([0o705, 0o705, 0o705]);
      for (const each of [file, own, open]) closeSync(each);
      expect(await verb('umount', merged)).toMatchObject({ exitCode: 0 });
      expect(readdirSync(join(root, 'work/work'))).toEqual([]);
      expect(await verb('verify')).toMatchObject({ exitCode: 0 });
    });
  },
);

/** A file for each case, and one with another name that stays. */
function filled(): ReturnType<typeof overlayDirectories> {
  const directories = overlayDirectories();
  mkdirSync(join(directories.lower, 'below'));
  for (const at of CASES.keys()) {
    writeFileSync(join(directories.lower, `f${at}`), `content of ${at}, below`);
    writeFileSync(join(directories.lower, `h${at}`), `content of link ${at}, below`);
    linkSync(join(directories.lower, `h${at}`), join(directories.lower, `other${at}`));
  }
  return directories;
}

/** What programs have seen meanwhile. */
const changeAll = (merged: string): unknown[] => [...changeFiles(merged), ...changeDirectories(merged)];

function changeDirectories(merged: string): unknown[] {
  mkdirSync(join(merged, 'own'));
  return ['below', 'own'].map((name) => {
    chmodSync(join(merged, name), 0o700);
    const open = openSync(join(merged, name), 'r');
    rmdirSync(join(merged, name));
    CHANGES.attributes(open);
    fsyncSync(open);
    const { mode, uid, gid, atimeMs, mtimeMs } = fstatSync(open);
    closeSync(open);
    return [name, mode, uid, gid, atimeMs, mtimeMs];
  });
}

function changeFiles(merged: string): unknown[] {
  return CASES.flatMap(([loss, change], at) =>
    [`f${at}`, `h${at}`].map((name) => {
      const open = openSync(join(merged, name), 'r');
      chmodSync(join(merged, name), 0o600);
      LOSSES[loss](join(merged, name));
      const before = seen(open);
      CHANGES[change](open);
      fsyncSync(open);
      const after = seen(open);
      closeSync(open);
      const other = join(merged, `other${at}`);
      return [loss, change, name, before, after, statSync(other).mode, readFileSync(other, 'latin1').slice(0, 40)];
    }),
  );
}

function seen(open: number): unknown[] {
  const { mode, uid, gid, nlink, size, atimeMs, mtimeMs } = fstatSync(open);
  const bytes = Buffer.alloc(40);
  const length = readSync(open, bytes, 0, bytes.length, 0);
  const set = [atimeMs, mtimeMs].map((time) => (time < 1e6 ? time : 'of the clock'));
  return [mode, uid, gid, nlink, size, set, bytes.toString('latin1', 0, length)];
}
