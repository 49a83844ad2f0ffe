import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ociLayout, pack } from '../unit/oci/support/images.ts';
import { archive, file } from '../unit/oci/support/raw-tar.ts';
import { memoryStore, pipeCommand, repositoryFile, runCommand, temporaryDirectory } from './command.ts';

const IMAGE = repositoryFile('test/fixtures/images/edge-oci-archive.tar');

/** Runs verbs on one store in memory that holds the edge image and a changed container `web`. */
async function session() {
  const store = await memoryStore();
  await store.images.load(IMAGE);
  const c = await store.containers.create({ image: 'edge', name: 'web' });
  c.fs.rmSync('/tmp', { recursive: true });
  c.fs.writeFileSync('/new', 'x');
  return { store, c, run: (...argv: string[]) => runCommand(argv, store), cwd: temporaryDirectory() };
}

describe('save', () => {
  it('writes a docker-archive to a file and a layout to a directory, of a loaded image with its id', async () => {
    const { run, cwd, store } = await session();
    const [path, layout] = [join(cwd, 'edge.tar'), join(cwd, 'layout/')];
    const saved = await run('save', 'edge', '-o', path);
    expect(saved).toEqual({ exitCode: 0, stdout: 'Saved image: edge:latest\n', stderr: '' });
    const { stdout } = await run('save', 'edge', '-o', layout, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ format: 'oci-layout', images: [{ tags: ['edge:latest'] }] });
    expect(readdirSync(layout).toSorted()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(readdirSync(cwd).toSorted()).toEqual(['edge.tar', 'layout']);
    const again = await memoryStore();
    const loaded = await runCommand(['load', path], again);
    expect(loaded).toMatchObject({ exitCode: 0, stdout: 'Loaded image: edge:latest\n' });
    expect(again.images.get('edge').id).toBe(store.images.get('edge').id);
  });

  it('says what has a new id', async () => {
    const { run, cwd } = await session();
    const [source, output] = [join(cwd, 'twice.tar'), join(cwd, 'out.tar')];
    writeFileSync(source, pack(ociLayout({ layers: [archive(file('f', 'first'), file('f', 'second'))] })));
    await run('load', '--tag', 'twice:1', source);
    const { stderr } = await run('save', 'twice:1', '-o', output);
    expect(stderr).toMatch(/^twice:1: 1 layer written in another form than loaded, so its id is now sha256:/);
  });

  it('saves a commit with the id that it has', async () => {
    const { run, cwd } = await session();
    const path = join(cwd, 'edge.tar');
    await run('save', 'edge', '-o', path);
    const other = await memoryStore();
    await other.images.load(path);
    await other.containers.create({ image: 'edge', name: 'web' });
    await runCommand(['commit', 'web', 'edge:2'], other);
    const saved = await runCommand(['save', 'edge:2', '-o', join(cwd, 'two.tar')], other);
    expect(saved).toEqual({ exitCode: 0, stdout: 'Saved image: edge:2\n', stderr: '' });
  });

  it('refuses what it cannot do', async () => {
    const { run, cwd } = await session();
    expect((await run('save', 'edge', '--json')).exitCode).toBe(2);
    expect((await run('save', 'edge', '--format', 'oci-layout')).exitCode).toBe(2);
    expect((await run('save', 'edge', '-o', join(cwd, 'x'), '--format', 'zip')).exitCode).toBe(2);
    expect((await run('save', 'nope', '-o', join(cwd, 'x'))).exitCode).toBe(4);
    writeFileSync(join(cwd, 'mine'), '');
    expect((await run('save', 'edge', '-o', cwd)).exitCode).toBe(1);
    expect(readdirSync(cwd)).toEqual(['mine']);
  });
});

describe('export', () => {
  it('writes a container to a file or to stdout, and its upper in each dialect', async () => {
    const { run, cwd, c } = await session();
    const path = join(cwd, 'web.tar');
    expect(await run('export', 'web', '-o', path)).toMatchObject({ exitCode: 0, stdout: '' });
    expect((await run('export', 'web')).stdout).toBe(readFileSync(path).toString());
    expect(readFileSync(path).toString('latin1')).not.toContain('.wh.');
    for (const dialect of ['overlay', 'user-overlay', 'aufs'] as const) {
      const [byVerb, byCall] = [join(cwd, dialect), join(cwd, `${dialect}-call`)];
      expect((await run('export', '--upper', '--dialect', dialect, 'web', '-o', byVerb)).exitCode).toBe(0);
      await c.exportUpper(byCall, { dialect });
      expect(readFileSync(byVerb).equals(readFileSync(byCall))).toBe(true);
    }
    expect(readFileSync(join(cwd, 'aufs')).toString('latin1')).toContain('.wh.tmp');
  });

  it('writes the log with --ndjson, or to a file that ends so', async () => {
    const { run, cwd } = await session();
    const [one, two] = [join(cwd, 'log'), join(cwd, 'log.ndjson')];
    expect((await run('export', '--ndjson', one)).exitCode).toBe(0);
    expect((await run('export', two)).exitCode).toBe(0);
    expect((await run('export')).stdout).toBe(readFileSync(one, 'utf8'));
    expect(readFileSync(two, 'utf8')).toBe(readFileSync(one, 'utf8'));
  });

  it('refuses what it cannot do', async () => {
    const { run, cwd } = await session();
    expect((await run('export', 'nope')).exitCode).toBe(4);
    for (const argv of [
      ['export', 'web', '--dialect', 'aufs'],
      ['export', 'web', '--form', 'directory', '-o', join(cwd, 'x')],
      ['export', 'web', '--upper', '--form', 'directory'],
      ['export', '--upper', '--ndjson', join(cwd, 'x')],
      ['export', '--ndjson', join(cwd, 'x'), '-o', join(cwd, 'y')],
    ]) {
      expect({ argv, exitCode: (await run(...argv)).exitCode }).toEqual({ argv, exitCode: 2 });
    }
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('a pipe from save to load', () => {
  it('carries images, compressed or not, and leaves no file behind', async () => {
    const { store } = await session();
    const temporary = temporaryDirectory();
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { stdout, exitCode } = await pipeCommand(['save', 'edge'], store);
    expect(exitCode).toBe(0);
    for (const [argv, bytes] of [
      [['load'], stdout],
      [['load', '-'], gzipSync(stdout)],
      [['load', '-i', '-'], stdout],
    ] as const) {
      const other = await memoryStore();
      const loaded = await pipeCommand(argv, other, bytes);
      expect(loaded.stdout.toString()).toBe('Loaded image: edge:latest\n');
      expect(other.images.get('edge').id).toBe(store.images.get('edge').id);
    }
    const cut = await pipeCommand(['load'], await memoryStore(), stdout.subarray(0, 5000));
    expect({ exitCode: cut.exitCode, stderr: cut.stderr }).toEqual({
      exitCode: 3,
      stderr: expect.stringMatching(/^overlog load: <stdin>/),
    });
    const told = await pipeCommand(['load', '--json'], await memoryStore(), stdout);
    expect(JSON.parse(told.stdout.toString())).toMatchObject([{ file: '<stdin>' }]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('is refused where there is no stdin', async () => {
    expect((await runCommand(['load'], await memoryStore())).exitCode).toBe(2);
  });
});

describe('load', () => {
  it('puts lower:lower:upper on top of each other, and makes no store when one is missing', async () => {
    const { run, cwd } = await session();
    const upper = join(cwd, 'upper.tar');
    await run('export', '--upper', 'web', '-o', upper);
    expect((await run('load', '--tag', 'both:1', `${IMAGE}:${upper}`)).stdout).toBe('Loaded image: both:1\n');
    await run('create', '--name', 'next', 'both:1');
    expect((await run('cat', 'next:/new')).stdout).toBe('x');
    expect((await run('stat', 'next:/tmp')).exitCode).toBe(4);
    const store = join(cwd, 'store');
    expect((await runCommand(['load', `${upper}:${join(cwd, 'none')}`, '--store', store])).exitCode).toBe(4);
    expect(existsSync(store)).toBe(false);
  });
});
