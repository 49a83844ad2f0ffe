import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CommandResult, runCommand } from '../e2e/command.ts';
import {
  builtCommand,
  type Directories,
  listing,
  noOverlay,
  overlayDirectories,
  serverOf,
  withKernel,
} from './overlay-directories.ts';

describe.skipIf(noOverlay !== null)(
  `an overlay of plain directories with a store${noOverlay === null ? '' : ` (skipped: ${noOverlay})`}`,
  () => {
    it('has every change in the log, for others to ask about while it is mounted', async () => {
      const { merged, run, mount } = withHistory();
      expect(mount()).toMatchObject({
        exitCode: 0,
        stderr: 'the lower directories are read into the store, which is done once\n',
      });
      appendFileSync(join(merged, 'file'), 'more\n');
      await run('label', 'appended');
      rmSync(join(merged, 'sub'), { recursive: true });
      writeFileSync(join(merged, 'new'), 'n');
      expect((await run('log', '--container', 'work')).stdout).toMatch(/write \/file 6 5/);
      expect((await run('diff', 'appended..now', 'work')).stdout).toMatch(/^D \/sub\/$/m);
      expect((await run('blame', 'work:/file')).stdout).toMatch(/layer 1 +lower\n.* write \/file 6 5 +more/);
      expect((await run('versions', 'work:/file')).stdout).toMatch(/write \/file 6 5/);
      expect((await run('tree', 'work', '--at', 'appended')).stdout).toContain('inner');
      expect((await run('mounts')).stdout).toContain('work');
      const then = join(merged, '..', 'then');
      mkdirSync(then);
      expect(
        spawnSync(builtCommand[0], [builtCommand[1], 'mount', '--store', run.store, 'work@appended', then]).status,
      ).toBe(0);
      onTestFinished(() => void spawnSync('umount', ['-l', then]));
      expect(readdirSync(then).toSorted()).toEqual(['file', 'sub']);
      expect((await run('umount', then)).exitCode).toBe(0);
      expect((await run('umount', merged)).exitCode).toBe(0);
      expect((await run('verify')).exitCode).toBe(0);
    });

    it('leaves an upper that the kernel shows as the container is, and takes in what a kernel changes', async () => {
      const { directories, merged, run, mount, mountNow } = withHistory();
      expect(mount().exitCode).toBe(0);
      change(merged);
      const served = listing(merged);
      await run('umount', merged);
      expect(withKernel(directories, '', () => listing(merged))).toBe(served);
      expect(mountNow()).toBe(served);
      const { stdout: before } = await run('log', '--container', 'work', '--json');
      const written = withKernel(directories, '', () => {
        rmSync(join(merged, 'file'));
        mkdirSync(join(merged, 'by-kernel'));
        writeFileSync(join(merged, 'by-kernel/k'), 'kernel\n');
        return listing(merged);
      });
      expect(mount()).toMatchObject({ exitCode: 0, stderr: '' });
      expect(listing(merged)).toBe(written);
      const { stdout: after } = await run('log', '--container', 'work', '--json');
      const taken = (JSON.parse(after) as { seq: number; cause: string[] }[]).slice(
        (JSON.parse(before) as unknown[]).length,
      );
      expect(taken.map(({ cause }) => cause)).toEqual([['mount', 'work', 'changed outside']]);
      await run('umount', merged);
      expect(mountNow()).toBe(written);
    });

    it('tells what the kernel has done with its options, and shows it as the kernel does', async () => {
      const { directories, lower, merged, run, mount, mountNow } = withHistory();
      linkSync(join(lower, 'file'), join(lower, 'other'));
      writeFileSync(join(lower, 'plain'), 'plain\n');
      const options = 'redirect_dir=on,index=on,metacopy=on';
      expect(mount(options).exitCode).toBe(0);
      renameSync(join(merged, 'sub'), join(merged, 'moved'));
      chmodSync(join(merged, 'file'), 0o600);
      expect(statSync(join(merged, 'other')).mode & 0o777).toBe(0o600);
      const served = listing(merged);
      await run('umount', merged);
      expect(withKernel(directories, `,${options}`, () => listing(merged))).toBe(served);
      await run('label', 'mine');
      const written = withKernel(directories, `,${options}`, () => {
        appendFileSync(join(merged, 'other'), 'more\n');
        chmodSync(join(merged, 'moved/inner'), 0o600);
        mkdirSync(join(merged, 'made'));
        renameSync(join(merged, 'moved'), join(merged, 'made/again'));
        renameSync(join(merged, 'plain'), join(merged, 'made/plain'));
        return listing(merged);
      });
      expect(mount(options)).toMatchObject({ exitCode: 0, stderr: '' });
      expect(listing(merged)).toBe(written);
      const { stdout } = await run('diff', 'mine..now', 'work');
      expect(stdout).toMatch(/^R \/moved\/ -> \/made\/again\/$/m);
      expect(stdout).toMatch(/^R \/plain -> \/made\/plain$/m);
      expect(stdout).toMatch(/^M \/file/m);
      expect((await run('log', '--container', 'work')).stdout).toContain('changed outside');
      appendFileSync(join(merged, 'made/again/inner'), 'data\n');
      fsync(join(merged, 'file'));
      const after = listing(merged);
      await run('umount', merged);
      expect((await run('verify')).exitCode).toBe(0);
      expect(mountNow()).toBe(after);
      expect(withKernel(directories, `,${options}`, () => listing(merged))).toBe(after);
    });

    it('is read without a change to it where it is mounted for reading only', async () => {
      const { directories, root, merged, run, mount } = withHistory();
      expect(mount().exitCode).toBe(0);
      await run('label', 'first');
      const takenIn = async (): Promise<number> =>
        (await run('log', '--container', 'work')).stdout.split('changed outside').length;
      const first = await takenIn();
      await run('umount', merged);
      const written = withKernel(directories, '', () => {
        change(merged);
        return listing(merged);
      });
      const upper = (): string => listing(join(root, 'upper'));
      const before = upper();
      expect(mount('ro')).toMatchObject({ exitCode: 0, stderr: '' });
      expect(listing(merged)).toBe(written);
      expect(() => writeFileSync(join(merged, 'new'), '')).toThrow('EROFS');
      // The store is free meanwhile: what verbs change shows when it is mounted again.
      expect((await run('log', '--container', 'work')).stdout).toContain('changed outside');
      expect((await run('rewind', 'work', 'first')).exitCode).toBe(0);
      expect(listing(merged)).toBe(written);
      await run('umount', merged);
      expect(mount('ro').exitCode).toBe(0);
      expect(readFileSync(join(merged, 'file'), 'utf8')).toBe('lower\n');
      expect(upper()).toBe(before);
      await run('umount', merged);
      expect(mount().exitCode).toBe(0);
      expect(readdirSync(join(root, 'upper'))).toEqual([]);
      expect(await takenIn()).toBe(first + 1);
    });

    it('goes back as a whole while it is mounted, the upper too', async () => {
      const { directories, merged, run, mount } = withHistory();
      expect(mount().exitCode).toBe(0);
      writeFileSync(join(merged, 'kept'), 'k');
      await run('label', 'then');
      const then = listing(merged);
      change(merged);
      expect(await run('rewind', 'work', 'then')).toMatchObject({ exitCode: 0 });
      expect(listing(merged)).toBe(then);
      appendFileSync(join(merged, 'file'), 'after\n');
      const served = listing(merged);
      await run('umount', merged);
      expect(withKernel(directories, '', () => listing(merged))).toBe(served);
    });

    it('brings back what was deleted, at once, or in the upper when it is mounted again', async () => {
      const { directories, merged, run, mount } = withHistory();
      expect(mount().exitCode).toBe(0);
      mkdirSync(join(merged, 'made'));
      writeFileSync(join(merged, 'made/x'), 'precious');
      rmSync(join(merged, 'made/x'));
      rmSync(join(merged, 'sub/inner'));
      rmSync(join(merged, 'file'));
      expect(await run('undelete', 'work:/file')).toMatchObject({ exitCode: 0 });
      expect(readFileSync(join(merged, 'file'), 'utf8')).toBe('lower\n');
      await run('umount', merged);
      expect((await run('undelete', 'work:/made/x')).exitCode).toBe(0);
      expect((await run('undelete', 'work:/sub/inner')).exitCode).toBe(0);
      expect(mount().exitCode).toBe(0);
      await run('umount', merged);
      withKernel(directories, '', () => {
        expect(readFileSync(join(merged, 'made/x'), 'utf8')).toBe('precious');
        expect(readFileSync(join(merged, 'sub/inner'), 'utf8')).toBe('inner\n');
        expect(readFileSync(join(merged, 'file'), 'utf8')).toBe('lower\n');
      });
    });

    it('loses nothing of what was done when its server is killed', async () => {
      const { directories, root, merged, run, mount, mountNow } = withHistory();
      expect(mount().exitCode).toBe(0);
      const writer = spawn('sh', ['-c', 'i=0; while echo $i > "$1/f$i" && echo $i; do i=$((i+1)); done', 'sh', merged]);
      let said = '';
      writer.stdout.on('data', (text: Buffer) => (said += text.toString()));
      while (said.split('\n').length < 60) await new Promise<void>((turn) => setTimeout(turn, 5));
      process.kill(serverOf(root), 'SIGKILL');
      await new Promise<void>((done) => writer.once('exit', () => done()));
      const last = Number(said.trim().split('\n').at(-1));
      expect(mount().exitCode).toBe(0);
      for (let at = 0; at <= last; at++) expect(readFileSync(join(merged, `f${at}`), 'utf8')).toBe(`${at}\n`);
      const served = listing(merged);
      await run('umount', merged);
      expect(withKernel(directories, '', () => listing(merged))).toBe(served);
      expect(mountNow()).toBe(served);
      expect((await run('verify')).exitCode).toBe(0);
    });

    it('is refused where the history would not fit, with what to do', async () => {
      const { root, lower, merged, run, mount } = withHistory();
      expect(mount().exitCode).toBe(0);
      expect(mount()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('has something mounted on it') });
      await run('umount', merged);
      const inside = `lowerdir=${lower},upperdir=${root}/upper,workdir=${root}/work,store=${lower}/store`;
      expect(overlayWith(inside, merged)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('lies in') });
      expect(existsSync(join(lower, 'store'))).toBe(false);
      mkdirSync(join(root, 'other'));
      expect(mount('', `${root}/other`)).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining('and not of upperdir'),
      });
      writeFileSync(join(lower, 'later'), 'l');
      expect(mount()).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(
          /the lower directories are not what they were .*: give another name with name=NAME\n$/,
        ),
      });
    });
  },
);

interface History {
  readonly directories: Directories;
  readonly root: string;
  readonly lower: string;
  readonly merged: string;
  readonly run: ((...argv: string[]) => Promise<CommandResult>) & { readonly store: string };
  readonly mount: (more?: string, upper?: string) => CommandResult;
  /** What `overlog mount work@now` shows. */
  readonly mountNow: () => string;
}

function withHistory(): History {
  const directories = overlayDirectories();
  const { root, lower, merged, work } = directories;
  writeFileSync(join(lower, 'file'), 'lower\n');
  mkdirSync(join(lower, 'sub'));
  writeFileSync(join(lower, 'sub/inner'), 'inner\n');
  const store = join(root, 'store');
  const mount = (more = '', upper = `${root}/upper`): CommandResult =>
    overlayWith(
      `lowerdir=${lower},upperdir=${upper},workdir=${work},store=${store},name=work${more === '' ? '' : `,${more}`}`,
      merged,
    );
  const mountNow = (): string => {
    const at = join(root, 'now');
    mkdirSync(at, { recursive: true });
    const [node, main] = builtCommand;
    execFileSync(node, [main, 'mount', '--store', store, 'work@now', at]);
    try {
      return listing(at);
    } finally {
      execFileSync(node, [main, 'umount', at]);
    }
  };
  const run = Object.assign((...argv: string[]) => runCommand([...argv, '--store', store]), { store });
  return { directories, root, lower, merged, run, mount, mountNow };
}

function overlayWith(options: string, directory: string): CommandResult {
  const [node, ...first] = builtCommand;
  const { stdout, stderr, status } = spawnSync(node, [...first, 'overlay', '-o', options, directory], {
    encoding: 'utf8',
  });
  return { stdout, stderr, exitCode: status ?? -1 };
}

function fsync(path: string): void {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

function change(merged: string): void {
  appendFileSync(join(merged, 'file'), 'more\n');
  chmodSync(join(merged, 'file'), 0o640);
  rmSync(join(merged, 'sub'), { recursive: true });
  mkdirSync(join(merged, 'sub'));
  writeFileSync(join(merged, 'sub/other'), 'o');
  mkdirSync(join(merged, 'made'));
  writeFileSync(join(merged, 'made/x'), 'x'.repeat(200_000));
  renameSync(join(merged, 'made/x'), join(merged, 'made/y'));
}
