import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { completionScript, flagsOf, SHELLS } from '../../src/cli/completion-scripts.ts';
import { makeProgram } from '../../src/cli/program.ts';
import { parseScenario, runScenario, ScenarioClock, scenarioHost, type Store } from '../../src/index.ts';
import { memoryStore, repositoryFile, runCommand, temporaryDirectory } from './command.ts';

/** A store in which some things have happened. */
async function storyStore(): Promise<Store> {
  const store = await memoryStore();
  const text = `
image app:1
  FROM scratch
  ADD fill(1000,"a") /data/seed
  RUN echo port=80 > /etc.conf
end
volume v1
container c1 app:1
container c2 app:1 -v v1:/vol
@label begin
c1$ echo -n x >> /data/seed
c2$ rm /data/seed
@label end
`;
  const clock = new ScenarioClock(null);
  const host = scenarioHost(store, () => Promise.reject(new Error('no verbs here')));
  expect((await runScenario(parseScenario('a.scn', Buffer.from(text)), host, clock)).failure).toBeNull();
  return store;
}

const json = async (store: Store, ...argv: string[]): Promise<any> => {
  const { stdout, stderr, exitCode } = await runCommand([...argv, '--json'], store);
  expect({ argv, stderr, exitCode }).toEqual({ argv, stderr: '', exitCode: 0 });
  return JSON.parse(stdout);
};

describe('questions about the past', () => {
  it('go into the volume that is mounted at a path', async () => {
    const store = await storyStore();
    store.volumes.fs('v1').writeFileSync('/file', 'one\ntwo\n');
    expect(await json(store, 'blame', 'c2:/vol/file')).toMatchObject([{ line: 1 }, { line: 2 }]);
    expect(await json(store, 'versions', 'c2:/vol/file')).toMatchObject([{ path: '/file', size: 8 }]);
    expect(await json(store, 'history', 'volume(v1):/file')).toMatchObject([{ cause: ['writeFile', '/file'] }]);
    expect(await json(store, 'log', '--volume', 'v1', '--path', '/file')).toHaveLength(1);
    expect(await json(store, 'log', 'start..end', '--volume', 'v1', '--path', '/file')).toHaveLength(0);
    expect(await json(store, 'log', '--container', 'c2', '--path', '/vol/file')).toMatchObject([{ name: 'v1' }]);
    expect(await json(store, 'log', 'start..end', '--container', 'c2', '--path', '/vol/file')).toHaveLength(0);
  });

  it('bring back what was in a volume', async () => {
    const store = await storyStore();
    const fs = store.volumes.fs('v1');
    fs.writeFileSync('/file', 'one');
    const { seq } = store;
    fs.writeFileSync('/file', 'two');
    fs.rmSync('/file');
    const answer = async (...argv: string[]): Promise<unknown[]> => {
      const { exitCode, stdout, stderr } = await runCommand(argv, store);
      return [exitCode, stdout, stderr];
    };
    expect(await answer('undelete', 'c2:/vol/file')).toEqual([
      0,
      '/file\n',
      expect.stringContaining('of volume v1 is as it was'),
    ]);
    expect(fs.readFileSync('/file', 'utf8')).toBe('two');
    expect(await answer('rewind', '--dry-run', '--path', '/vol/file', 'c2', String(seq))).toEqual([0, 'M /file\n', '']);
    expect(fs.readFileSync('/file', 'utf8')).toBe('two');
    expect((await answer('rewind', '--path', '/vol/file', 'c2', String(seq)))[0]).toBe(0);
    expect(fs.readFileSync('/file', 'utf8')).toBe('one');
    fs.rmSync('/file');
    expect((await answer('undelete', 'volume(v1):/file'))[0]).toBe(0);
    expect(fs.readFileSync('/file', 'utf8')).toBe('one');
  });

  it('compare what an operation, a group or an actor has touched', async () => {
    const store = await storyStore();
    const { fs } = store.containers.get('c1');
    const { seq } = store;
    store.group('g', () => {
      fs.mkdirSync('/made');
      fs.writeFileSync('/made/file', 'x');
    });
    fs.chmodSync('/etc.conf', 0o600);
    fs.writeFileSync('/other', 'y');
    fs.rmSync('/other');
    const lines = async (...argv: string[]): Promise<string[]> =>
      (await runCommand(['diff', ...argv], store)).stdout.trimEnd().split('\n');
    const range = `${seq}..now`;
    expect(await lines('--group', 'g', '--name-status', range, 'c1')).toEqual(['M\t/', 'A\t/made', 'A\t/made/file']);
    expect(await lines('--op', 'chmod', '--name-status', range, 'c1')).toEqual(['M\t/etc.conf']);
    expect(await lines('--op', 'chmod', '--name-status', `now..${seq}`, 'c1')).toEqual(['M\t/etc.conf']);
    expect(await lines('--op', 'chmod', 'c1')).toEqual(['C /etc.conf']);
    expect(await lines('--actor', 'nobody', range, 'c1')).toEqual(['']);
    expect(await lines('--op', 'chmod', '--exact', 'c1')).toEqual(['M /etc.conf\tmode']);
  });

  it('are asked by operation and group', async () => {
    const store = await storyStore();
    store.group('g', () => store.containers.get('c1').fs.chmodSync('/etc.conf', 0o600));
    const paths = async (...argv: string[]): Promise<string> =>
      (await runCommand(['find', 'c1:/', ...argv], store)).stdout;
    expect(await paths('--op', 'chmod')).toBe('/etc.conf\n');
    expect(await paths('--group', 'g')).toBe('/etc.conf\n');
    expect(await paths('--op', 'chmod', '--at', 'end')).toBe('');
    expect(await json(store, 'find', 'c1:/', '--op', 'appendFile', '--type', 'f')).toMatchObject([
      { path: '/data/seed' },
    ]);
    expect(await json(store, 'versions', 'c1:/etc.conf', '--op', 'chmod')).toMatchObject([{ what: ['mode'] }]);
    expect(await json(store, 'blame', 'c1:/data/seed', '--op', 'chmod')).toEqual([]);
  });

  it('count the steps of one container, whatever happens elsewhere', async () => {
    const store = await storyStore();
    const [c1, c2] = ['c1', 'c2'].map((name) => store.containers.get(name).fs);
    c1.writeFileSync('/one', '1');
    c1.writeFileSync('/two', '2');
    for (let count = 0; count < 5000; count++) c2.chmodSync('/etc.conf', 0o600 + (count % 2));
    const changed = async (range: string): Promise<string> =>
      (await runCommand(['diff', '--name-status', range, 'c1'], store)).stdout;
    expect(await changed('c1~1..')).toBe('M\t/\nA\t/two\n');
    expect(await changed('c1~2..c1~1')).toBe('M\t/\nA\t/one\n');
    expect(await changed('c1~3..c1~2')).toBe('M\t/data/seed\n');
    const hint = await runCommand(['diff', '~4..', 'c1'], store);
    expect([hint.stdout, hint.stderr]).toEqual(['', expect.stringContaining('c1~4 those of c1 alone')]);
    const beyond = await runCommand(['diff', 'c1~4..', 'c1'], store);
    expect([beyond.exitCode, beyond.stderr]).toEqual([4, expect.stringContaining('which has 3 steps')]);
  });

  it('of bisect begin with the container, also where the range begins before it', async () => {
    const store = await storyStore();
    const { seq } = store.transactions({ container: 'c2' }).next().value as { seq: number };
    store.containers.get('c2').fs.writeFileSync('/new', '');
    for (const range of ['..', 'start..', `${seq}..`]) {
      expect(await json(store, 'bisect', range, 'c2', '--expr', 'exists /new')).toMatchObject({
        transaction: { cause: ['writeFile', '/new'] },
      });
    }
  });

  it('have the marks among what log prints as JSON', async () => {
    const store = await storyStore();
    await store.marks.add('half way');
    const rows = await json(store, 'log', '--marks');
    expect(rows.filter((row: { mark?: unknown }) => row.mark !== undefined)).toMatchObject([
      { mark: { text: 'half way' } },
    ]);
    expect(await json(store, 'log')).toHaveLength(rows.length - 1);
  });
});

describe('--json', () => {
  it('prints one document of a known shape, for every verb that reads', async () => {
    const store = await storyStore();
    expect(await json(store, 'ps', '-s')).toMatchObject([
      { name: 'c1', image: 'app:1', state: 'created', size_rw: 1001, size_root_fs: 2009 },
      { name: 'c2', mounts: ['/vol'], size_rw: 0 },
    ]);
    expect(await json(store, 'images')).toMatchObject([{ repository: 'app', tag: '1', layers: 2, size: 1008 }]);
    expect(await json(store, 'history', 'app:1')).toMatchObject([{ size: 8 }, { size: 1000, empty_layer: false }]);
    expect(await json(store, 'history', 'c1:/data/seed')).toMatchObject([{ cause: ['appendFile', '/data/seed'] }]);
    expect(await json(store, 'volume', 'ls')).toMatchObject([{ name: 'v1', used_by: ['c2'], size: 0 }]);
    expect(await json(store, 'volume', 'inspect', 'v1')).toMatchObject([{ name: 'v1' }]);
    expect(await json(store, 'inspect', 'c1', 'app:1', 'v1')).toMatchObject([
      { kind: 'container', sizes: { sizeRwBytes: 1001 } },
      { kind: 'image', tags: ['app:1'] },
      { kind: 'volume', name: 'v1' },
    ]);
    expect(await json(store, 'df')).toMatchObject({ totals: { images: { count: 1, size: 1008 } } });
    expect(await json(store, 'diff', 'c2')).toEqual([
      { kind: 'C', path: '/data' },
      { kind: 'D', path: '/data/seed' },
      { kind: 'A', path: '/vol' },
    ]);
    expect(await json(store, 'diff', 'begin..end', 'c1')).toMatchObject([
      { change: 'Modified', path: '/data/seed', sizeDelta: 1 },
    ]);
    expect(await json(store, 'label')).toMatchObject([{ label: 'begin' }, { label: 'end' }]);
    expect(await json(store, 'log', '--container', 'c1')).toMatchObject([{ name: 'c1' }, { group: 'a.scn:11' }]);
    expect(await json(store, 'show', 'begin')).toMatchObject({ name: 'c2' });
    expect(await json(store, 'ls', 'c1:/data')).toMatchObject([{ path: '/data/seed', type: 'file', size: 1001 }]);
    expect(await json(store, 'stat', 'c1:/')).toMatchObject([{ path: '/', type: 'dir', mode: '0755' }]);
    expect(await json(store, 'cat', 'c1:/etc.conf')).toEqual([{ path: '/etc.conf', content: 'cG9ydD04MAo=' }]);
    expect(await json(store, 'find', 'c1:/data')).toMatchObject([{ path: '/data' }, { path: '/data/seed' }]);
    expect(await json(store, 'tree', 'c2', '--upper')).toMatchObject([
      { path: '/' },
      { path: '/data' },
      { path: '/data/seed', type: 'chr', rdev: '0:0' },
      { path: '/vol', type: 'dir' },
    ]);
    expect(await json(store, 'where', 'c1:/data/seed')).toMatchObject([
      { copiedUpFrom: 0 },
      { layer: 0, sizeBytes: 1000 },
    ]);
    expect(await json(store, 'du', 'c1')).toContainEqual({ path: '/data', bytes: 1001, upperBytes: 1001 });
    expect(await json(store, 'du', '--wasted', 'app:1')).toEqual({ bytes: 0, paths: [] });
    expect(await json(store, 'du', '--copied', 'c1')).toMatchObject([{ path: '/data/seed', bytes: 1000 }]);
    expect(await json(store, 'xattr', 'c1:/data')).toEqual({});
    expect(await json(store, 'verify')).toMatchObject({ ok: true, problems: [], layers: 2 });
    expect(await json(store, 'rewind', '--dry-run', 'c1', 'begin')).toMatchObject({ done: false, changes: [{}] });
  });

  it('prints one object a line with --ndjson', async () => {
    const store = await storyStore();
    for (const argv of [
      ['ps'],
      ['images'],
      ['log'],
      ['tree', 'c1'],
      ['diff', 'c2'],
      ['ls', 'c1:/'],
      ['label'],
      ['find', 'c1:/'],
    ]) {
      const { stdout } = await runCommand([...argv, '--ndjson'], store);
      const lines = stdout.trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(typeof JSON.parse(line)).toBe('object');
    }
  });
});

describe('verbs', () => {
  it('look at an earlier moment with --at', async () => {
    const store = await storyStore();
    const at = async (...argv: string[]) => (await runCommand([...argv, '--at', 'begin'], store)).stdout;
    expect(await at('ps', '-s', '--bytes')).toBe('c1\t0\t(virtual 1008)\nc2\t0\t(virtual 1008)\n');
    expect(await at('diff', 'c2')).toBe('A /vol\n');
    expect(await at('where', 'c1:/data/seed')).toBe('app:1/layer1\t1000 bytes\n');
    expect(await at('ls', 'c2:/data')).toBe('seed\n');
    expect(await at('stat', '-c', '%s', 'c1:/data/seed')).toBe('1000\n');
    expect(await at('du', '--copied', 'c1')).toBe('c1 has copied nothing up\n');
  });

  it('show what a whiteout hides and what was copied up', async () => {
    const store = await storyStore();
    const { stdout } = await runCommand(['where', 'c1:/data/seed'], store);
    expect(stdout).toMatch(/^upper\(c1\)\tcopied up at #\d+ from app:1\/layer1 by append of 1 byte\n$/);
    const all = await runCommand(['where', '--all', 'c2:/data/seed'], store);
    expect(all.stdout).toMatch(
      /^whiteout in upper\(c2\) at #\d+, hides app:1\/layer1\napp:1\/layer1\t1000 bytes, hidden\n$/,
    );
  });

  it.each<[string[], number, RegExp]>([
    [['ps', '--at', 'nonsense'], 4, /there is no label 'nonsense'/],
    [['ls', 'none:/'], 4, /there is no container "none"/],
    [['cat', 'c1:/none'], 4, /ENOENT/],
    [['inspect', 'none'], 4, /there is no container "none"/],
    [['create', 'none:1'], 4, /there is no image "none:1"/],
    [['create', '--name', 'c1', 'app:1'], 1, /in use/],
    [['create', '-v', 'x:y:z:w', 'app:1'], 2, /-v/],
    [['create', '--name', '!', 'app:1'], 2, /is not a name for a container/],
    [['create'], 2, /missing required argument 'image'/],
    [['pause', 'c1'], 1, /not running/],
    [['diff', 'begin..end'], 2, /usage: overlog diff/],
    [['stop', '--exit-code', 'x', 'c1'], 2, /--exit-code/],
    [['cp', 'c1:/a', 'c2:/b'], 2, /one of the two/],
    [['ps', '--format', '{nope}'], 2, /there is no \{nope\}/],
    [['where', 'c1:/none'], 4, /nothing has ever been/],
    [['where', 'c2:/vol/x'], 4, /is in volume v1, not in a layer/],
    [['xattr', 'upper(c2):/data', 'user.none'], 4, /no attribute/],
    [['rewind', 'c1', '1'], 4, /was not there yet/],
    [['completion', 'tcsh'], 2, /bash, zsh, fish/],
    [['volume', 'rm', 'v1'], 1, /in use/],
  ])('%j ends with %i and one sentence', async (argv, code, message) => {
    const { exitCode, stderr, stdout } = await runCommand(argv, await storyStore());
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    expect(stderr).toMatch(message);
    const sentences = stderr.split('\n').filter((line) => line !== '' && !/^(usage:| {7})/.test(line));
    expect(sentences).toHaveLength(1);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  it('copy between the host and a container with modes and times', async () => {
    const store = await storyStore();
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'in'), 'from the host', { mode: 0o640 });
    await runCommand(['cp', join(directory, 'in'), 'c1:/data/'], store);
    expect((await runCommand(['stat', '-c', '%a %s', 'c1:/data/in'], store)).stdout).toBe('640 13\n');
    await runCommand(['cp', 'c1:/data', join(directory, 'out')], store);
    const listed = spawnSync('find', [join(directory, 'out'), '-printf', '%P %m %s\n'], { encoding: 'utf8' });
    expect(listed.stdout.split('\n').toSorted()).toContain('in 640 13');
    expect(listed.stdout).toContain('seed 644 1001');
  });

  it('fork all containers of a moment into a branch', async () => {
    const store = await storyStore();
    await runCommand(['rm', 'c1'], store);
    const { stdout } = await runCommand(['fork', 'end', '--as', 'rescue'], store);
    expect(stdout).toBe('rescue-c1\nrescue-c2\n');
    expect((await runCommand(['stat', '-c', '%s', 'rescue/c1:/data/seed'], store)).stdout).toBe('1001\n');
  });
});

describe('help', () => {
  it.each(VERBS.map((verb) => [verb.name, verb] as const))('of %s has examples that parse', async (name, verb) => {
    const { stdout, exitCode } = await runCommand(['help', name]);
    expect(exitCode).toBe(0);
    expect(verb.examples.length).toBeGreaterThan(0);
    for (const { command } of verb.examples) {
      expect(stdout).toContain(`$ overlog ${command}`);
      let parsed = '';
      const program = makeProgram(VERBS, '0', { out: () => {}, error: () => {} }, (found) => {
        parsed = found.verb.name;
      });
      program.parse(['node', 'overlog', ...words(command)]);
      expect(VERBS.some((each) => each.name === parsed)).toBe(true);
    }
  });

  it('lists every verb', async () => {
    const { stdout } = await runCommand(['--help']);
    for (const verb of VERBS) expect(stdout).toMatch(new RegExp(`^  ${verb.name} `, 'm'));
  });
});

/** The words of a shell line with single quotes, up to a pipe or a redirection. */
function words(line: string): string[] {
  const matches = [...line.matchAll(/'([^']*)'|(\S+)/g)];
  const end = matches.findIndex(([, , bare]) => bare !== undefined && /^[|<>]$/.test(bare));
  return (end < 0 ? matches : matches.slice(0, end)).map(([, quoted, bare]) => quoted ?? bare);
}

describe('completion', () => {
  it.each(SHELLS)('for %s knows every verb and option', (shell) => {
    const script = completionScript(shell, VERBS);
    for (const verb of VERBS) {
      expect(script).toContain(verb.name);
      for (const { flag } of flagsOf(verb)) {
        expect(script).toContain(shell === 'fish' ? flag.replace(/^-+/, '') : flag);
      }
    }
  });

  it('for bash is a script that bash reads', (context) => {
    const { status, error, stderr } = spawnSync('bash', ['-n'], {
      input: completionScript('bash', VERBS),
      encoding: 'utf8',
    });
    if (error !== undefined) context.skip('bash is not there');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

it('the image of examples/ loads in a session', async () => {
  const store = await memoryStore();
  const { stdout, exitCode } = await runCommand(
    ['load', repositoryFile('examples/images/edge-oci-archive.tar')],
    store,
  );
  expect({ stdout, exitCode }).toEqual({ stdout: 'Loaded image: edge:latest\n', exitCode: 0 });
});

it('every verb takes --json, also those whose answer is a file or a script', async () => {
  const { stdout: help } = await runCommand(['--help']);
  const verbs = [...help.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, verb]) => verb);
  expect(verbs.length).toBeGreaterThan(40);
  const without: string[] = [];
  for (const verb of verbs.filter((each) => each !== 'help')) {
    const { stdout } = await runCommand(['help', verb]);
    if (!stdout.includes('--json')) without.push(verb);
  }
  expect(without).toEqual([]);
  const store = join(temporaryDirectory(), 'store');
  const file = join(temporaryDirectory(), 'log.ndjson');
  await runCommand(['--store', store, 'init']);
  const exported = await runCommand(['--store', store, 'export', '--json', file]);
  expect(JSON.parse(exported.stdout)).toEqual({ file, events: 1 });
  const script = await runCommand(['completion', 'bash', '--json']);
  expect(JSON.parse(script.stdout)).toMatchObject({ shell: 'bash' });
});
