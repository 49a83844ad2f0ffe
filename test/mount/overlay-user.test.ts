/** An overlay in a user namespace, with the marks that may be set there: as the kernel's. */

import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtCommand, noOverlay, overlayDirectories, serverOf } from './overlay-directories.ts';

const noNamespace =
  noOverlay ?? (spawnSync('unshare', ['-Urm', 'true']).status === 0 ? null : 'no user namespaces are allowed here');

const KERNEL = 'mount -t overlay overlay -o';
const OVERLOG = `${builtCommand.map((word) => `'${word}'`).join(' ')} overlay -o`;

/** What a program does, and whether it may; the tree then. */
const CALLS = String.raw`
  say() { if "$@" >/dev/null 2>&1; then echo "$*"; else echo "$*: refused"; fi; }
  say cat f dir/x
  say sh -c 'echo more >>f'
  say rm dir/x
  say rm -r dir2
  say mkdir dir2
  say mv dir3 dir4
  say ln g gl
  say chmod 600 g
  say setfattr -n user.own -v 1 g
  say setfattr -n trusted.own -v 1 g
  say mknod device c 1 3
  say mkfifo fifo
  find . -type d -printf '%P %M %U:%G\n' -o -printf '%P %M %n %U:%G %s\n' | sort
  cat f`;

/** What stays, with the marks that say something. */
const UPPER = String.raw`
  find . -type d -printf '%P %M %U:%G\n' -o -printf '%P %M %t %U:%G\n' | cut -d ' ' -f 1,2,8- | sort
  find . | sort | xargs -n 1 getfattr -h -d -m '^user.(own|overlay.(opaque|redirect|metacopy|whiteout))'`;

describe.skipIf(noNamespace !== null)(
  `an overlay in a user namespace${noNamespace === null ? '' : ` (skipped: ${noNamespace})`}`,
  () => {
    it.each(['userxattr', 'userxattr,ro'])('is as the kernel mounts it, and leaves the same upper: %s', (options) => {
      const kernel = inNamespace(KERNEL, options);
      expect(kernel.said).toMatch(/^cat f dir\/x\n/);
      expect(inNamespace(OVERLOG, options)).toEqual(kernel);
      if (!options.includes('ro')) expect(inNamespace(OVERLOG, `${options},store=STORE`)).toEqual(kernel);
    });

    it('with a store is refused with the name of a file that may not be read there', () => {
      const { root, lower, options, merged } = overlayDirectories();
      const secret = join(lower, 'secret');
      writeFileSync(secret, 'secret', { mode: 0o600 });
      chownSync(secret, 1000, 1000);
      const command = [...builtCommand, 'overlay', '-o', `${options},userxattr,store=${root}/store`, merged];
      const { status, stderr } = spawnSync('unshare', ['-Urm', ...command], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(
          /^overlog overlay: \S+\/secret may not be read by this user, and .*: mount them without store=\n$/,
        ),
      });
    });
  },
);

function inNamespace(command: string, options: string): { readonly said: string; readonly upper: string } {
  const { root, lower, upper, work, merged } = overlayDirectories();
  for (const name of ['dir', 'dir2', 'dir3']) {
    mkdirSync(join(lower, name));
    writeFileSync(join(lower, name, 'x'), name);
  }
  for (const name of ['f', 'g']) writeFileSync(join(lower, name), name);
  const directories = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  const store = options.replace('STORE', join(root, 'store'));
  const script = `${command} '${directories},${store}' '${merged}' && cd '${merged}' && ${CALLS}; cd /; umount '${merged}'`;
  const { stdout } = spawnSync('unshare', ['-Urm', 'sh', '-c', script], { encoding: 'utf8' });
  while (serverOf(root) !== 0) spawnSync('sleep', ['0.02']);
  return { said: stdout, upper: execFileSync('sh', ['-c', UPPER], { cwd: upper, encoding: 'utf8' }) };
}
