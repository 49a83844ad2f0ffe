import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  builtCommand,
  type Directories,
  listing,
  noOverlay,
  overlay,
  overlayDirectories,
  serverOf,
  unmounted,
  withKernel,
} from './overlay-directories.ts';

const HELPER = '/sbin/mount.fuse.overlog';
const noHelper = existsSync(HELPER) ? `${HELPER} is there already` : null;

describe.skipIf(noOverlay !== null)(
  `an overlay of plain directories${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`,
  () => {
    it.skipIf(noHelper !== null)(
      `is mounted by mount(8), which finds its helper${noHelper === null ? '' : ` (skipped: ${noHelper})`}`,
      async () => {
        const directories = filled();
        symlinkSync(builtCommand[1], HELPER);
        onTestFinished(() => unlinkSync(HELPER));
        const { options, merged } = directories;
        execFileSync('mount', ['-t', 'fuse.overlog', 'mine', merged, '-o', `${options},noatime,nodev`]);
        expect(readFileSync(join(merged, 'file'), 'utf8')).toBe('lower\n');
        const table = execFileSync('findmnt', ['-n', '-o', 'SOURCE,FSTYPE,OPTIONS', merged], { encoding: 'utf8' });
        expect(table).toMatch(/^mine +fuse\.overlog +rw,nodev,noatime,/);
        await unmounted(directories);
      },
    );

    it('leaves an upper that the kernel mounts, and mounts one that the kernel has written', async () => {
      const directories = filled();
      const { merged, upper } = directories;
      expect(overlay(directories.options, merged)).toMatchObject({ exitCode: 0, stderr: '' });
      change(merged);
      const served = listing(merged);
      await unmounted(directories);
      expect(lstatSync(join(upper, 'gone')).rdev).toBe(0);
      expect(withKernel(directories, '', () => listing(merged))).toBe(served);
      const written = withKernel(directories, '', () => {
        rmSync(join(merged, 'more'), { recursive: true });
        writeFileSync(join(merged, 'by-kernel'), 'k');
        return listing(merged);
      });
      expect(overlay(directories.options, merged).exitCode).toBe(0);
      expect(listing(merged)).toBe(written);
    });

    it('reads data of lower files where it lies, and copies it up with its holes and times (SEM-M1, SEM-M7)', async () => {
      const directories = filled();
      const { merged, lower, upper } = directories;
      truncateSync(join(lower, 'file'), 2 ** 33);
      execFileSync('touch', ['-d', '2001-02-03 04:05:06.123456789', join(lower, 'file')]);
      expect(overlay(directories.options, merged).exitCode).toBe(0);
      expect(statSync(join(merged, 'file')).size).toBe(2 ** 33);
      chmodSync(join(merged, 'file'), 0o600);
      const copy = statSync(join(upper, 'file'), { bigint: true });
      expect(copy).toMatchObject({ size: 2n ** 33n, mtimeNs: statSync(join(lower, 'file'), { bigint: true }).mtimeNs });
      expect(copy.blocks).toBeLessThan(5000n);
    });

    it('with index keeps hard links of the lower together, in an upper that the kernel reads so, and the other way round (SEM-H5)', async () => {
      const directories = filled();
      const { merged, lower, work, root } = directories;
      const options = `${directories.options},index=on`;
      writeFileSync(join(lower, 'a'), 'old\n');
      mkdirSync(join(lower, 'links'));
      for (const name of ['b', 'c', 'links/d']) linkSync(join(lower, 'a'), join(lower, name));
      const shown = (): string =>
        ['b', 'new', 'links/e']
          .map((name) => `${statSync(join(merged, name)).nlink} ${readFileSync(join(merged, name), 'utf8')}`)
          .join('');
      expect(overlay(options, merged)).toMatchObject({ exitCode: 0, stderr: '' });
      appendFileSync(join(merged, 'a'), 'more\n');
      expect(readFileSync(join(merged, 'c'), 'utf8')).toBe('old\nmore\n');
      linkSync(join(merged, 'c'), join(merged, 'new'));
      rmSync(join(merged, 'a'));
      renameSync(join(merged, 'links/d'), join(merged, 'links/e'));
      rmSync(join(merged, 'c'));
      const served = shown();
      expect(served).toBe('3 old\nmore\n'.repeat(3));
      await unmounted(directories);
      expect(readdirSync(join(work, 'index')).filter((name) => name.startsWith('00fb'))).toHaveLength(1);
      withKernel(directories, ',index=on', () => {
        expect(shown()).toBe(served);
        appendFileSync(join(merged, 'b'), 'kernel\n');
      });
      expect(overlay(options, merged).exitCode).toBe(0);
      expect(shown()).toBe('3 old\nmore\nkernel\n'.repeat(3));
      for (const name of ['b', 'new', 'links/e']) rmSync(join(merged, name));
      expect(readdirSync(join(work, 'index')).filter((name) => name.startsWith('00fb'))).toEqual([]);
      await unmounted(directories);
      const other = join(root, 'other');
      mkdirSync(other);
      const moved = overlay(options.replace(lower, other), merged);
      expect(moved).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('was mounted over another lower') as string,
      });
    });

    it('hands a full disk on as ENOSPC, and stays whole', async () => {
      const directories = filled(smallDisk());
      const { merged } = directories;
      writeFileSync(join(directories.lower, 'big'), Buffer.alloc(3 * 2 ** 20, 'b'));
      expect(overlay(directories.options, merged).exitCode).toBe(0);
      expect(() => writeFileSync(join(merged, 'new'), Buffer.alloc(2 ** 23))).toThrow('ENOSPC');
      rmSync(join(merged, 'new'));
      writeFileSync(join(merged, 'half'), Buffer.alloc(4 * 2 ** 20, 'h'));
      expect(() => appendFileSync(join(merged, 'big'), 'x')).toThrow('ENOSPC');
      expect(statSync(join(merged, 'big')).size).toBe(3 * 2 ** 20);
      expect(readFileSync(join(merged, 'big')).equals(Buffer.alloc(3 * 2 ** 20, 'b'))).toBe(true);
      expect(readdirSync(join(directories.work, 'work'))).toEqual([]);
      const served = listing(merged);
      await unmounted(directories);
      expect(withKernel(directories, '', () => listing(merged))).toBe(served);
    });

    it('has an upper that the kernel takes at every moment, also when its server is killed (SEM-R3)', async () => {
      const directories = filled();
      const { merged, lower, root } = directories;
      for (let name = 0; name < 40; name++) writeFileSync(join(lower, `f${name}`), 'old');
      for (let round = 0; round < 6; round++) {
        expect(overlay(directories.options, merged).exitCode).toBe(0);
        setTimeout(() => process.kill(serverOf(root), 'SIGKILL'), 40 + 37 * round);
        const done = await replaceUntilItDies(merged, round);
        execFileSync('umount', ['-l', merged]);
        withKernel(directories, '', () => {
          expect(readdirSync(merged).filter((name) => name.startsWith('#'))).toEqual([]);
          for (const [name, content] of done)
            expect([name, readFileSync(join(merged, name), 'utf8')]).toEqual([name, content]);
          for (const name of readdirSync(merged).filter((each) => each.startsWith('f') && each !== 'file'))
            expect(readFileSync(join(merged, name), 'utf8')).toMatch(/^(old|new \d+ \d+)$/);
        });
      }
    });

    it('works for a user without privilege, in a namespace of its own, with marks that are user.overlay.*', () => {
      const directories = filled();
      const { root, upper, merged, options } = directories;
      execFileSync('chown', ['-R', '1000:1000', root]);
      chmodSync(root, 0o755);
      const script = `
        '${builtCommand.join("' '")}' -o '${options}' '${merged}' || exit 1
        cd '${merged}' && rm gone && rm -r directory && mkdir directory && echo more >> file && cd / && umount '${merged}'`;
      // /dev/fuse is for everybody on most systems; here it is made so for this program alone.
      const asUser = `mknod '${root}/fuse' c 10 229 && chmod 666 '${root}/fuse' && mount --bind '${root}/fuse' /dev/fuse &&
        exec setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urm sh -c "$1"`;
      const run = spawnSync('unshare', ['-m', 'sh', '-c', asUser, 'sh', script], { encoding: 'utf8' });
      expect(run).toMatchObject({ status: 0, stderr: '' });
      expect(lstatSync(join(upper, 'gone'))).toMatchObject({ rdev: 0, uid: 1000 });
      const marks = execFileSync('getfattr', ['-dm', '-', '--only-values', '-n', 'user.overlay.opaque', 'directory'], {
        cwd: upper,
        encoding: 'utf8',
      });
      expect(marks).toBe('y');
      expect(withKernel(directories, ',userxattr', () => readdirSync(merged).toSorted())).toEqual([
        'directory',
        'file',
        'hard',
        'link',
      ]);
    });

    it('syncs the file in the upper when a program does, unless it is volatile', async () => {
      if (spawnSync('strace', ['-V']).status !== 0) return expect(spawnSync('strace', ['-V']).error).toBeDefined();
      for (const [more, wanted] of [
        ['', 1],
        [',volatile', 0],
      ] as const) {
        const directories = filled();
        const { root, merged, options } = directories;
        expect(overlay(options + more, merged).exitCode).toBe(0);
        const trace = join(root, 'trace');
        const strace = spawnSync('sh', [
          '-c',
          `strace -f -y -e trace=fsync,fdatasync -o '${trace}' -p ${serverOf(root)} & tracer=$!; sleep 1;
          python3 -c "import os; f = os.open('${merged}/file', os.O_RDWR); os.write(f, b'x'); os.fsync(f)"; sleep 0.2; kill $tracer; wait`,
        ]);
        expect(strace.status).not.toBeNull();
        const synced = readFileSync(trace, 'utf8').match(/fsync\(\d+<.*upper\/file>\)/g) ?? [];
        expect(synced).toHaveLength(wanted);
        expect(existsSync(join(directories.work, 'work/incompat/volatile'))).toBe(wanted === 0);
        await unmounted(directories);
        if (wanted === 0) expect(overlay(options, merged).stderr).toContain('was mounted with volatile');
      }
    }, 30_000);
  },
);

/** Replaces lower files one after another, and lists what the mount has said is done. */
async function replaceUntilItDies(merged: string, round: number): Promise<Map<string, string>> {
  const done = new Map<string, string>();
  try {
    for (let turn = 0; ; turn++) {
      const name = `f${turn % 40}`;
      const content = `new ${round} ${turn}`;
      done.delete(name);
      if (turn % 3 === 0) unlinkSync(join(merged, name));
      writeFileSync(join(merged, 'made'), content);
      renameSync(join(merged, 'made'), join(merged, name));
      done.set(name, content);
      if (turn % 7 === 0) {
        rmSync(join(merged, 'directory'), { recursive: true, force: true });
        mkdirSync(join(merged, 'directory'));
      }
      await new Promise<void>((then) => setImmediate(then));
    }
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toMatch(/^(ENOTCONN|ECONNABORTED)$/);
  }
  return done;
}

function filled(folder?: string): Directories {
  const directories = overlayDirectories(folder);
  const { lower } = directories;
  writeFileSync(join(lower, 'file'), 'lower\n');
  writeFileSync(join(lower, 'gone'), 'lower\n');
  execFileSync('ln', [join(lower, 'file'), join(lower, 'hard')]);
  symlinkSync('file', join(lower, 'link'));
  mkdirSync(join(lower, 'directory'));
  writeFileSync(join(lower, 'directory/below'), 'below\n');
  return directories;
}

function change(merged: string): void {
  appendFileSync(join(merged, 'file'), 'more\n');
  rmSync(join(merged, 'gone'));
  rmSync(join(merged, 'directory'), { recursive: true });
  mkdirSync(join(merged, 'directory'));
  mkdirSync(join(merged, 'more/deep'), { recursive: true });
  writeFileSync(join(merged, 'more/deep/er'), 'x'.repeat(100_000));
  renameSync(join(merged, 'more/deep'), join(merged, 'directory/deep'));
  mkdirSync(join(merged, 'more/empty'));
  rmdirSync(join(merged, 'more/empty'));
}

/** A file system of 9 MiB. */
function smallDisk(): string {
  const { root } = overlayDirectories();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=9m', 'none', root]);
  onTestFinished(() => void spawnSync('umount', ['-l', root]));
  return root;
}
