/** Where nothing can be mounted, a mount is refused in one sentence that says what to do; what is there stays as it is. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/index.ts';
import { builtMain, type CommandResult, runCommand, temporaryDirectory } from '../e2e/command.ts';
import { noMount } from './mounted.ts';

const reason = noMount ?? (existsSync(builtMain) ? null : 'there is no build: npm run build');
const title =
  reason === null ? 'a mount where there can be none' : `a mount where there can be none (skipped: ${reason})`;

/** A /dev with little in it, seen by one program alone. */
const DEV =
  'mkdir "$1/dev" && cp -a /dev/null /dev/urandom "$1/dev" && mount --bind "$1/dev" /dev && shift && exec "$@"';

async function place(): Promise<{ root: string; mount: readonly string[] }> {
  const root = temporaryDirectory();
  const store = join(root, 'store');
  const made = await openStore(store);
  await made.containers.create({ name: 'web' });
  await made.close();
  mkdirSync(join(root, 'mnt'));
  return { root, mount: [process.execPath, builtMain, 'mount', '--store', store, 'web', join(root, 'mnt')] };
}

function inOwnNamespace(...argv: readonly string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', ...argv], { encoding: 'utf8' });
  return { exitCode: status ?? -1, stdout, stderr };
}

describe.skipIf(reason !== null)(title, { timeout: 300_000 }, () => {
  test('says how to get a /dev/fuse that is not there', async () => {
    const { root, mount } = await place();
    expect(inOwnNamespace('sh', '-c', DEV, 'sh', root, ...mount)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr:
        'overlog mount: there is no /dev/fuse: load the kernel module (modprobe fuse), or give the container that device\n',
    });
    expect((await runCommand(['verify', '--store', join(root, 'store')])).exitCode).toBe(0);
  });

  test('says that a user without privilege may not', async () => {
    const { root, mount } = await place();
    chmodSync(root, 0o755);
    expect(spawnSync('chown', ['-R', '1000:1000', root]).status).toBe(0);
    const asUser = ['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups', ...mount];
    // /dev/fuse is closed to others for this program alone.
    const closed =
      'mknod "$1/fuse" c 10 229 && chmod 600 "$1/fuse" && mount --bind "$1/fuse" /dev/fuse && shift && exec "$@"';
    const refused = inOwnNamespace('sh', '-c', closed, 'sh', root, ...asUser);
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /^overlog mount: [^\n]*\/dev\/fuse can't be opened \(EACCES\): mounting takes root[^\n]*\n$/,
    );
    // Where it is open, it is mount(2) that refuses.
    const open = closed.replaceAll('"$1/fuse"', '"$1/open"').replace('600', '666');
    const noMountEither = inOwnNamespace('sh', '-c', open, 'sh', root, ...asUser);
    expect(noMountEither).toMatchObject({ exitCode: 1, stdout: '' });
    expect(noMountEither.stderr).toMatch(/^overlog mount: [^\n]+\n$/);
  });
});
