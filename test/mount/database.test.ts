import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isServed, mountRecords } from '../../src/entry/mount.ts';
import { type CommandResult, runCommand, spawnCommand } from '../e2e/command.ts';
import { noMount } from './mounted.ts';

/** Debian's package installs each version in a folder of its own. */
const VERSIONS = '/usr/lib/postgresql';
const version = existsSync(VERSIONS)
  ? readdirSync(VERSIONS).find((each) => existsSync(join(VERSIONS, each, 'bin/initdb')))
  : undefined;
const bin = join(VERSIONS, version ?? '', 'bin');
const user = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' });
const reason = noMount ?? (version === undefined || user.status !== 0 ? 'no PostgreSQL server' : null);
const title = reason === null ? 'a database in a container' : `a database in a container (skipped: ${reason})`;

const DATA = 'var/lib/postgresql/data';

interface House {
  readonly directory: string;
  readonly run: (...argv: string[]) => Promise<CommandResult>;
  readonly mount: (what: string) => void;
  readonly unmount: () => Promise<void>;
}

/** A store, and a mount point that the server's user can reach. */
async function house(): Promise<House> {
  const root = mkdtempSync(join(tmpdir(), 'overlog-database-'));
  chmodSync(root, 0o755);
  const [store, directory] = [join(root, 'store'), join(root, 'mnt')];
  mkdirSync(directory);
  const run = (...argv: string[]): Promise<CommandResult> => runCommand([...argv, '--store', store]);
  onTestFinished(async () => {
    spawnSync('umount', ['-f', '-l', directory]);
    while (existsSync(store) && mountRecords(store).some(isServed))
      await new Promise<void>((turn) => setTimeout(turn, 20));
    rmSync(root, { recursive: true, force: true });
  });
  const image = join(root, 'image');
  mkdirSync(image);
  expect((await run('load', image, '--tag', 'base:1')).exitCode).toBe(0);
  return {
    directory,
    run,
    mount: (what) => {
      expect(spawnCommand(root, ['mount', what, directory], { env: { OVERLOG_STORE: store } })).toMatchObject({
        exitCode: 0,
      });
    },
    unmount: async () => {
      expect(await run('umount', directory)).toMatchObject({ exitCode: 0 });
      // A mount namespace that somebody else makes at that moment holds a mount for as long as it lives.
      await expect.poll(() => mountRecords(store).some(isServed), { timeout: 120_000 }).toBe(false);
    },
  };
}

function asPostgres(program: string, ...argv: string[]): string {
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    ['--reuid=postgres', '--regid=postgres', '--init-groups', join(bin, program), ...argv],
    {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    },
  );
  if (status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${stderr}${stdout}`);
  return stdout.trim();
}

/** A directory of the server's user; PostgreSQL wants it closed to others. */
function makeData(directory: string): string {
  const data = join(directory, DATA);
  mkdirSync(data, { recursive: true });
  chmodSync(data, 0o700);
  chownSync(data, Number(user.stdout), Number(spawnSync('id', ['-g', 'postgres'], { encoding: 'utf8' }).stdout));
  return data;
}

/** Starts a server on a data directory, on a socket beside it. */
function startServer(data: string): void {
  const options = `-c listen_addresses= -c unix_socket_directories=${dirname(data)}`;
  asPostgres('pg_ctl', '-D', data, '-w', '-t', '120', '-l', join(data, 'log'), '-o', options, 'start');
}

/** Runs a server for as long as the work takes. */
function withServer<T>(data: string, work: (sql: (text: string) => string) => T, stop = 'fast'): T {
  startServer(data);
  try {
    return work((text) => asPostgres('psql', '-h', dirname(data), '-d', 'postgres', '-qAt', '-c', text));
  } finally {
    asPostgres('pg_ctl', '-D', data, '-m', stop, 'stop');
  }
}

/** Kills a server and all its processes at once, as when the machine of a container goes. */
async function killServer(data: string): Promise<void> {
  const group = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(-group, 'SIGKILL');
  const isAlive = (): boolean => spawnSync('pgrep', ['-g', String(group)]).status === 0;
  await expect.poll(isAlive, { timeout: 60_000 }).toBe(false);
}

/** What a bank of pgbench holds: each of its transactions adds one amount to all four. */
const BALANCES = `SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),
  (SELECT sum(bbalance) FROM pgbench_branches), (SELECT coalesce(sum(delta), 0) FROM pgbench_history)`;

const BENCH_SECONDS = Number(process.env['OVERLOG_PGBENCH_SECONDS'] ?? 4);

const FILL = "CREATE TABLE orders AS SELECT n, 'order ' || n AS what FROM generate_series(1, 1000) AS n";
const COUNT = 'SELECT count(*) || $$ $$ || max(what) FROM orders';
const ROWS = '1000 order 999';

describe.skipIf(reason !== null)(title, () => {
  test('without a volume its rows go with rm, and come back from the history', { timeout: 600_000 }, async () => {
    const { directory, run, mount, unmount } = await house();
    expect(await run('create', '--name', 'db', 'base:1')).toMatchObject({ exitCode: 0 });
    mount('db');
    chownSync(join(directory), 0, 0);
    const data = makeData(directory);
    chownSync(dirname(data), Number(user.stdout), 0);
    asPostgres('initdb', '-D', data, '-A', 'trust', '--no-sync');
    withServer(data, (sql) => sql(FILL));
    // Killed in the middle, it recovers from its own log.
    withServer(data, (sql) => sql("INSERT INTO orders VALUES (1001, 'order 0')"), 'immediate');
    withServer(data, (sql) => expect(sql('SELECT count(*) FROM orders')).toBe('1001'));
    withServer(data, (sql) => sql('DELETE FROM orders WHERE n = 1001'));
    await unmount();
    await run('label', 'before-rm');
    expect((await run('rm', 'db')).exitCode).toBe(0);

    expect(await run('create', '--name', 'db2', 'base:1')).toMatchObject({ exitCode: 0 });
    mount('db2');
    expect(readdirSync(directory)).toEqual([]);
    await unmount();

    expect(await run('fork', 'db', '--at', 'before-rm', '--as', 'rescued')).toMatchObject({ exitCode: 0 });
    mount('rescued');
    withServer(join(directory, DATA), (sql) => expect(sql(COUNT)).toBe(ROWS));
    await unmount();
    expect((await run('verify')).exitCode).toBe(0);
  });

  test('killed under pgbench it recovers with all that was told to clients', { timeout: 600_000 }, async () => {
    const { directory, run, mount, unmount } = await house();
    expect(await run('create', '--name', 'db', 'base:1')).toMatchObject({ exitCode: 0 });
    mount('db');
    const data = makeData(directory);
    chownSync(dirname(data), Number(user.stdout), 0);
    asPostgres('initdb', '-D', data, '-A', 'trust', '--no-sync');
    startServer(data);
    const host = ['-h', dirname(data)];
    asPostgres('pgbench', ...host, '-i', '-q', 'postgres');
    const argv = [...host, '-c', '4', '-T', String(BENCH_SECONDS + 60), '-P', '1', 'postgres'];
    const drop = ['--reuid=postgres', '--regid=postgres', '--init-groups', join(bin, 'pgbench'), ...argv];
    const bench = spawn('setpriv', drop, { cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    bench.stderr.on('data', (text: Buffer) => (told += text.toString()));
    const hasEnded = new Promise((resolve) => bench.once('close', resolve));
    await expect.poll(() => told.split('progress:').length > BENCH_SECONDS, { timeout: 120_000 }).toBe(true);
    await run('label', 'in-the-middle');
    await killServer(data);
    await hasEnded;
    const transactions = Array.from(told.matchAll(/progress: .* ([\d.]+) tps/g), ([, tps]) => Number(tps));
    expect(Math.max(...transactions)).toBeGreaterThan(0);

    withServer(data, (sql) => {
      const balances = sql(BALANCES).split('|');
      expect(new Set(balances)).toEqual(new Set([balances[0]]));
      expect(sql('SELECT count(*) FROM pgbench_accounts')).toBe('100000');
      // Each second's figure is of transactions whose commits were answered.
      expect(Number(sql('SELECT count(*) FROM pgbench_history'))).toBeGreaterThanOrEqual(
        Math.floor(transactions.reduce((sum, each) => sum + each, 0) - transactions.length),
      );
    });
    await unmount();
    // A moment under load is what a crash leaves: it recovers, too.
    expect((await run('fork', 'db', '--at', 'in-the-middle', '--as', 'then')).exitCode).toBe(0);
    mount('then');
    rmSync(join(directory, DATA, 'postmaster.pid'));
    withServer(join(directory, DATA), (sql) => expect(new Set(sql(BALANCES).split('|')).size).toBe(1));
    await unmount();
    expect((await run('verify')).exitCode).toBe(0);
  });

  test('with a volume they never were at risk', { timeout: 600_000 }, async () => {
    const { directory, run, mount, unmount } = await house();
    expect(await run('create', '--name', 'db', '-v', 'rows:/var/lib/postgresql', 'base:1')).toMatchObject({
      exitCode: 0,
    });
    mount('db');
    const data = makeData(directory);
    chownSync(dirname(data), Number(user.stdout), 0);
    asPostgres('initdb', '-D', data, '-A', 'trust', '--no-sync');
    withServer(data, (sql) => sql(FILL));
    await unmount();
    expect((await run('rm', 'db')).exitCode).toBe(0);

    expect(await run('create', '--name', 'db2', '-v', 'rows:/var/lib/postgresql', 'base:1')).toMatchObject({
      exitCode: 0,
    });
    mount('db2');
    withServer(join(directory, DATA), (sql) => expect(sql(COUNT)).toBe(ROWS));
    await unmount();
    expect((await run('verify')).exitCode).toBe(0);
  });
});
