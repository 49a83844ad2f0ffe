import { describe, expect, it } from 'vitest';
import { parseScenario, runScenario, ScenarioClock, scenarioHost, type Store } from '../../src/index.ts';
import { BufferOutput } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { memoryStore, runCommand } from './command.ts';

const IMAGE = `
image app:1
  FROM scratch
  ADD fill(1000,"a") /data/seed
  ADD fill(3,"b") /etc/app.conf
end
`;

/** A store in which a scenario has been played. */
async function played(text: string): Promise<Store> {
  const store = await memoryStore();
  const host = scenarioHost(store, () => Promise.reject(new Error('no verbs here')));
  const { failure } = await runScenario(parseScenario('a.scn', Buffer.from(text)), host, new ScenarioClock(null));
  expect(failure).toBeNull();
  return store;
}

describe('where', () => {
  it('names first what is read, and then the opaque directory that it lies in', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ rm -r /data ; mkdir /data ; echo fresh > /data/seed
`);
    const { stdout } = await runCommand(['where', 'c1:/data/seed'], store);
    expect(stdout).toMatch(/^upper\(c1\)\tmade at #\d+ by write of 6 bytes\n$/);
    const all = await runCommand(['where', '--all', 'c1:/data/seed'], store);
    expect(all.stdout.replaceAll(/#\d+/g, '#')).toBe(
      'upper(c1)\tmade at # by write of 6 bytes\n' +
        'opaque directory /data in upper(c1) at #, hides app:1/layer1\n' +
        'app:1/layer1\t1000 bytes, hidden\n',
    );
  });

  it('names the opaque directory where that hides the path', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ rm -r /data ; mkdir /data
`);
    const { stdout } = await runCommand(['where', 'c1:/data/seed'], store);
    expect(stdout).toMatch(/^opaque directory \/data in upper\(c1\) at #\d+, hides app:1\/layer1\n$/);
  });
});

describe('a removed container', () => {
  const removed = async (): Promise<Store> => {
    const store = await played(`${IMAGE}\ncontainer web app:1\n`);
    const web = store.containers.get('web');
    await web.start();
    web.fs.writeFileSync('/note', 'hi\n');
    await web.rename('shop');
    await web.remove({ force: true });
    return store;
  };

  it('is named with the event that removed it, and how to look at it', async () => {
    const store = await removed();
    for (const argv of [
      ['ls', 'shop:/'],
      ['cat', 'shop:/note'],
      ['stat', 'shop:/'],
      ['inspect', 'shop'],
      ['diff', 'shop'],
    ]) {
      const { stdout, stderr, exitCode } = await runCommand(argv, store);
      expect({ argv, stdout, exitCode }).toEqual({ argv, stdout: '', exitCode: 4 });
      const found = /: there is no container "shop": event (\d+) removed it; --at (\d+) shows it as it was\n$/.exec(
        stderr,
      );
      const [, event, before] = found ?? expect.fail(stderr);
      expect((await runCommand(['show', event], store)).stdout).toContain(`${event}  ContainerRemoved`);
      expect((await runCommand(['cat', '--at', before, 'shop:/note'], store)).stdout).toBe('hi\n');
    }
  });

  it('can be brought back, where a verb writes', async () => {
    const { stderr, exitCode } = await runCommand(['start', 'shop'], await removed());
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/: event \d+ removed it; overlog fork shop --at \d+ brings it back\n$/);
  });

  it('is not confused with one that never was, nor by its earlier name', async () => {
    const { stderr } = await runCommand(['ls', 'web:/'], await removed());
    expect(stderr).toBe('overlog ls: there is no container "web"\n');
  });
});

it("a user's attribute of overlay's name is no mark in the upper (SEM-1.4 W12)", async () => {
  const store = await played(`${IMAGE}\ncontainer c1 app:1\n`);
  const { fs } = store.containers.get('c1');
  fs.linux.setxattrSync('/data', 'trusted.overlay.opaque', Buffer.from('y'));
  const printed = async (...argv: string[]): Promise<string> => (await runCommand(argv, store)).stdout;
  expect(await printed('xattr', 'c1:/data')).toBe('trusted.overlay.opaque="y"\n');
  expect(await printed('xattr', 'upper(c1):/data')).toBe('trusted.overlay.overlay.opaque="y"\n');
  expect(await printed('tree', 'c1', '--upper')).toBe('/\n└── data/\n');
  expect(await printed('tree', 'c1', '--upper', '--ndjson')).toContain('"trusted.overlay.overlay.opaque":"eQ=="');
  expect(await printed('ls', 'c1:/data')).toBe('seed\n');
  expect(await printed('where', 'c1:/data/seed')).toBe('app:1/layer1\t1000 bytes\n');
  expect((await runCommand(['verify'], store)).exitCode).toBe(0);
});

it('ps -s says whose sum it prints', async () => {
  const store = await played(`${IMAGE}\ncontainer c1 app:1\nc1$ chmod 600 /data/seed\ncontainer c2 app:1\n`);
  const { stderr } = await runCommand(['ps', '-s'], store);
  expect(stderr).toContain(
    '2 containers: 1kB of their own + 1kB of 1 image once = 2kB on the disk with overlay2, not the 3.01kB that',
  );
});

it.each([[[]], [['--json']]])('cat %j of a directory names it', async (options) => {
  const store = await played(`${IMAGE}\ncontainer c1 app:1\n`);
  const { stderr, stdout, exitCode } = await runCommand(['cat', ...options, 'c1:/data/seed', 'c1:/etc'], store);
  expect(stderr).toBe("overlog cat: EISDIR: illegal operation on a directory, read 'c1:/etc'\n");
  expect({ exitCode, bytes: stdout.length }).toEqual({ exitCode: 1, bytes: options.length === 0 ? 1000 : 0 });
});

describe('du --copied', () => {
  const copied = async (store: Store, ...argv: string[]): Promise<string> =>
    (await runCommand(['du', '--copied', '--bytes', ...argv], store)).stdout.replaceAll(/#\d+/g, '#');
  const SEED = '1000\t/data/seed\tfrom layer 1 at # by chmod /data/seed 0600\n';
  const CONF = '3\t/etc/app.conf\tfrom layer 2 at # by chmod /etc/app.conf 0600\n';

  it('counts of a fork what its source copied up before, and what it copied up itself', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ chmod 600 /data/seed
`);
    const then = store.seq;
    const c1 = store.containers.get('c1');
    c1.fs.chmodSync('/etc/app.conf', 0o600);
    await store.fork('c1', then, { name: 'c2' });
    await store.fork('c2', 'now', { name: 'c3' });
    expect(await copied(store, 'c1')).toBe(SEED + CONF);
    expect(await copied(store, 'c2')).toBe(SEED);
    store.containers.get('c3').fs.chmodSync('/etc/app.conf', 0o600);
    await c1.remove();
    expect(await copied(store, 'c3')).toBe(SEED + CONF);
    expect(await copied(store, 'c2')).toBe(SEED);
  });

  it('counts after a rewind what stands', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ chmod 600 /data/seed
`);
    const then = store.seq;
    const { fs } = store.containers.get('c1');
    fs.chmodSync('/etc/app.conf', 0o600);
    fs.linkSync('/data/seed', '/data/twin');
    fs.renameSync('/data/seed', '/seed');
    const both = store.seq;
    expect(await copied(store, 'c1')).toBe(SEED + CONF);
    await store.rewind('c1', then);
    expect(await copied(store, 'c1')).toBe(SEED);
    expect(await copied(store, 'c1', '--at', String(both))).toBe(SEED + CONF);
    fs.rmSync('/data/seed');
    expect(await copied(store, 'c1')).toBe('c1 has copied nothing up\n');
    await store.rewind('c1', both);
    expect(await copied(store, 'c1')).toBe(SEED + CONF);
  });
});

describe('history', () => {
  it('of a file that never changed says which layer it comes from', async () => {
    const store = await played(`${IMAGE}\nvolume v1\ncontainer c1 app:1 -v v1:/vol\nc1$ chmod 600 /data/seed\n`);
    const printed = async (...argv: string[]): Promise<string> =>
      (await runCommand(['history', ...argv], store)).stdout;
    expect(await printed('c1:/etc/app.conf')).toBe('app:1/layer2\t3 bytes; unchanged since c1 was made\n');
    expect(await printed('c1:/data/seed')).toMatch(/chmod \/data\/seed 0600 .*copied up/);
    expect(await printed('c1:/etc/app.conf', '--ndjson')).toBe('');
    expect(await printed('c1:/etc/app.conf', '--json')).toBe('[]\n');
  });

  it('of what never was is refused', async () => {
    const store = await played(`${IMAGE}\ncontainer c1 app:1\n`);
    const { stdout, stderr, exitCode } = await runCommand(['history', 'c1:/none'], store);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 4 });
    expect(stderr).toContain('nothing has ever been at /none of c1');
  });

  it('of a path on a volume is the history of the volume', async () => {
    const store = await played(`${IMAGE}\nvolume v1\ncontainer c1 app:1 -v v1:/vol\nc1$ echo x > /vol/x\n`);
    expect((await runCommand(['history', 'c1:/vol/x'], store)).stdout).toMatch(/writeFile \/vol\/x/);
    const { stdout, stderr, exitCode } = await runCommand(['history', 'c1:/vol/none'], store);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 4 });
    expect(stderr).toContain('nothing has ever been at /none of volume v1');
  });
});

describe('names with odd bytes', () => {
  /** What a terminal would get. */
  class Terminal extends BufferOutput {
    override readonly isTerminal = true;
  }

  const ODD = Buffer.from('/a\n\u001b[1m\xff', 'latin1');

  it.each([
    [['ls', 'c1:/'], 'a\\n\\x1b[1m\\xff\nlink\n'],
    [['find', 'c1:/', '--name', 'a*'], '/a\\n\\x1b[1m\\xff\n'],
    [['stat', '-c', '%N', 'c1:/link'], "'/link' -> 'a\\n\\x1b[1m'\n"],
  ])('%j escapes them on a terminal, and nowhere else', async (argv, shown) => {
    const store = await memoryStore();
    const { fs } = await store.containers.create({ name: 'c1' });
    fs.writeFileSync(ODD, '');
    fs.symlinkSync('a\n\u001b[1m', '/link');
    const onTerminal = new Terminal();
    const plain = new BufferOutput();
    const rest = { stderr: new BufferOutput(), env: { NO_COLOR: '1' }, session: store };
    expect(await runCli({ argv, stdout: onTerminal, ...rest })).toBe(0);
    expect(await runCli({ argv, stdout: plain, ...rest })).toBe(0);
    expect(onTerminal.bytes().toString('latin1')).toBe(shown);
    expect(plain.bytes().toString('latin1')).toBe(
      shown.replaceAll('\\n', '\n').replaceAll('\\x1b', '\u001b').replaceAll('\\xff', '\xff'),
    );
  });
});

describe('rewinding a fork to before it was made', () => {
  it('says which container to fork instead, and when', async () => {
    const store = await played(`${IMAGE}
container c1 app:1
c1$ echo 1 > /note
@label first
c1$ echo 2 > /note
`);
    const first = store.resolve('first');
    await store.fork('c1', 'now', { name: 'c2' });
    await store.fork('c2', 'now', { name: 'c3' });
    await store.containers.get('c1').rename('old');
    for (const argv of [
      ['rewind', 'c3', 'first'],
      ['rewind', '--dry-run', 'c3', 'first'],
    ]) {
      const { stderr, exitCode } = await runCommand(argv, store);
      expect(exitCode).toBe(4);
      expect(stderr).toMatch(
        new RegExp(
          `"c3" was not there yet after event ${first}: it was forked later, from "c1"; fork c1 --at ${first} makes one as that was then`,
        ),
      );
    }
    const forked = await runCommand(['fork', 'c1', '--at', String(first), '--as', 'again'], store);
    expect(forked).toMatchObject({ exitCode: 0, stdout: 'again\n' });
    expect(store.containers.get('again').fs.readFileSync('/note', 'utf8')).toBe('1\n');
    await expect(store.rewind('c3', first)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(`fork c1 --at ${first}`),
    });
  });

  it('says only that it was not there, where nothing of it was', async () => {
    const store = await played(`${IMAGE}\ncontainer c1 app:1\n`);
    await store.fork('c1', 'now', { name: 'c2' });
    const { stderr } = await runCommand(['rewind', 'c2', '1'], store);
    expect(stderr).toBe('overlog rewind: container "c2" was not there yet after event 1\n');
  });
});
