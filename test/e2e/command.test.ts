import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/index.ts';
import { repositoryFile, runCommand, spawnCommand, startCommand, temporaryDirectory } from './command.ts';

const IMAGE = repositoryFile('examples/images/edge-oci-archive.tar');

const CHANGES = `
web$ echo one > /tmp/one ; mkdir -p /srv/data ; fill 1000 x > /srv/data/big
@label changed
web$ rm /tmp/one ; chmod 700 /srv/data
web! cat /tmp/one
  ENOENT
$ ps -s --bytes
  web*1000*(virtual *) (glob)
check invariants
`;

describe('overlog', () => {
  it('goes from an archive to a copy of the store, and starts anew for each verb', { timeout: 120_000 }, async () => {
    const cwd = temporaryDirectory();
    const [store, copy, text] = ['store', 'copy', 'all.ndjson'].map((name) => join(cwd, name));
    const ok = async (...argv: string[]): Promise<string> => {
      const { stdout, stderr, exitCode } = await runCommand(['--store', store, ...argv]);
      expect({ argv, stdout, stderr, exitCode }).toMatchObject({ exitCode: 0 });
      return stdout;
    };
    expect(await ok('load', IMAGE)).toBe('Loaded image: edge:latest\n');
    expect(existsSync(join(store, 'log'))).toBe(true);
    expect(await ok('create', '--name', 'web', 'edge')).toBe('web\n');
    const scenario = join(cwd, 'changes.scn');
    writeFileSync(scenario, CHANGES);
    expect(await ok('replay', scenario)).toBe(`${scenario}: 6 steps, 2 expectations met\n`);
    expect(await ok('diff', 'web')).toBe('A /srv\nA /srv/data\nA /srv/data/big\n');
    expect(await ok('ls', '--at', 'changed', 'web:/tmp')).toBe('one\n');
    expect(await ok('cat', '--at', 'changed', 'web:/tmp/one')).toBe('one\n');
    expect(await ok('diff', '--stat', 'changed..', 'web')).toBe('M /srv/data/\nD /tmp/one\t-4\n');
    expect(await ok('fork', 'web', '--at', 'changed', '--as', 'then')).toBe('then\n');
    expect(await ok('ls', 'then:/tmp')).toBe('one\n');
    expect(await ok('rewind', 'web', 'changed')).toContain('A /tmp/one\t+4\n');
    expect(await ok('ls', 'web:/tmp')).toBe('one\n');
    expect(await ok('log', '--group', `${scenario}:2`)).toContain('mkdir /srv/data');
    await ok('export', text);
    expect((await runCommand(['import', text, '--store', copy])).exitCode).toBe(0);
    for (const question of [
      ['ps', '-s', '--bytes'],
      ['log', '--ndjson'],
      ['tree', 'web', '--upper', '--ndjson'],
    ]) {
      const { stdout } = await runCommand(['--store', copy, ...question]);
      expect(stdout).toBe(await ok(...question));
    }
    expect((await runCommand(['verify', '--store', copy])).stdout).toContain('layers: 6: unchanged');
    expect(readdirSync(cwd).toSorted()).toEqual(['all.ndjson', 'changes.scn', 'copy', 'store']);
  });

  it('ends with the code that the table says', { timeout: 120_000 }, () => {
    const cwd = temporaryDirectory();
    const code = (...argv: string[]) => spawnCommand(cwd, argv).exitCode;
    expect(code('ps')).toBe(4);
    expect(code('frobnicate')).toBe(2);
    writeFileSync(join(cwd, 'wrong.scn'), 'volume v1\nnonsense here\n');
    const wrong = spawnCommand(cwd, ['replay', 'wrong.scn']);
    expect(wrong).toMatchObject({ exitCode: 3, stdout: '' });
    expect(wrong.stderr).toMatch(/^overlog replay: wrong\.scn:2: expected a statement.*\n$/);
    expect(existsSync(join(cwd, '.overlog'))).toBe(false);
    writeFileSync(join(cwd, 'failing.scn'), 'volume v1\n$ volume ls --quiet\n  other\n');
    const failing = spawnCommand(cwd, ['replay', 'failing.scn']);
    expect(failing.exitCode).toBe(1);
    expect(failing.stdout).toContain('failing.scn:2: failed');
    expect(failing.stdout).toContain('want other');
    expect(failing.stdout).toContain('got  v1');
    writeFileSync(join(cwd, 'cut.tar'), readFileSync(IMAGE).subarray(0, 9000));
    expect(code('load', 'cut.tar')).toBe(3);
    expect(code('load', 'none.tar')).toBe(4);
  });

  it('tells the second writer who is the first', { timeout: 60_000 }, async () => {
    const cwd = temporaryDirectory();
    const first = await openStore(join(cwd, '.overlog'));
    const second = spawnCommand(cwd, ['volume', 'create', 'v1']);
    expect(second).toMatchObject({ exitCode: 1, stdout: '' });
    expect(second.stderr).toContain(String(process.pid));
    expect(spawnCommand(cwd, ['volume', 'ls']).exitCode).toBe(0);
    await first.close();
  });

  it('ends with 130 and a whole store when it is interrupted', { timeout: 60_000 }, async () => {
    const cwd = temporaryDirectory();
    expect(spawnCommand(cwd, ['volume', 'create', 'v1']).exitCode).toBe(0);
    const follower = startCommand(cwd, ['log', '--follow']);
    await once(follower.stdout as NodeJS.ReadableStream, 'data');
    follower.kill('SIGINT');
    expect(await once(follower, 'exit')).toEqual([130, null]);
    expect(spawnCommand(cwd, ['verify']).exitCode).toBe(0);
  });

  it('follows what another process writes', { timeout: 60_000 }, async () => {
    const cwd = temporaryDirectory();
    expect(spawnCommand(cwd, ['init']).exitCode).toBe(0);
    const follower = startCommand(cwd, ['log', '--follow', '--ndjson']);
    let seen = '';
    follower.stdout?.on('data', (bytes: Buffer) => {
      seen += bytes.toString();
    });
    await once(follower.stdout as NodeJS.ReadableStream, 'data');
    expect(spawnCommand(cwd, ['volume', 'create', 'later']).exitCode).toBe(0);
    for (let tries = 0; tries < 100 && !seen.includes('later'); tries++) await sleep(50);
    follower.kill('SIGINT');
    expect(seen).toContain('"cause":["volume create","later"]');
  });

  it('is quiet when its reader has seen enough', { timeout: 60_000 }, async () => {
    const cwd = temporaryDirectory();
    expect(spawnCommand(cwd, ['load', IMAGE]).exitCode).toBe(0);
    const reader = startCommand(cwd, ['log', '--ndjson']);
    let talk = '';
    reader.stderr?.on('data', (bytes: Buffer) => {
      talk += bytes.toString();
    });
    reader.stdout?.destroy();
    const [exitCode] = (await once(reader, 'exit')) as [number];
    expect({ exitCode, talk }).toEqual({ exitCode: 0, talk: '' });
  });
});
