/** The image that containers are made of: a static shell, and files of every kind in several layers, built by Docker. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { BUSYBOX, type Daemon } from './daemon.ts';

export const BASE = 'overlog-test/base:1';

/** The programs that scripts use. `fill` and `write` are verbs of scenarios, as scripts. */
const PROGRAMS =
  'cat chmod chown cp dd echo false fallocate find head ln ls mkdir mkfifo mknod mv printf rm rmdir sh sleep touch tr true ' +
  'truncate unlink';

const FILL = '#!/bin/sh\nhead -c "$1" /dev/zero | tr "\\0" "$2"\n';
const WRITE = '#!/bin/sh\nprintf %s "$2" | dd of="$3" bs=1 seek="$1" conv=notrunc 2>/dev/null\n';

const DOCKERFILE = `FROM scratch
ADD base.tar /
ENV MODE=test
ADD data.tar /
RUN rm /opt/gone && rm -r /opt/tree/sub && mkdir /opt/tree/sub && echo new > /opt/tree/sub/new
RUN chmod 640 /etc/app.conf && mkdir -p /srv/deep && fill 70000 s > /srv/deep/site
RUN mkdir /made && echo x > /made/x && mv /made /moved && ln /srv/deep/site /srv/link
LABEL team=layers
RUN echo port=81 >> /etc/app.conf && rm -r /moved
CMD ["/bin/sh"]
`;

/** Builds the image, and saves it; gives the archive's path. */
export function buildBaseImage(daemon: Daemon): string {
  const context = mkdtempSync(join(daemon.folder, 'context-'));
  makeSystem(join(context, 'base'));
  makeData(join(context, 'data'));
  for (const name of ['base', 'data']) {
    const fixed = ['--mtime=@1700000000', '--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
    execFileSync('tar', ['-C', join(context, name), ...fixed, '-cf', join(context, `${name}.tar`), '.']);
  }
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  writeFileSync(join(context, '.dockerignore'), 'base\ndata\n');
  daemon.run('build', '--network', 'none', '--tag', BASE, context);
  const archive = join(daemon.folder, 'base-image.tar');
  daemon.run('save', '--output', archive, BASE);
  return archive;
}

function makeSystem(root: string): void {
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'run', 'opt/tree/sub', 'srv']) {
    mkdirSync(join(root, name), { recursive: true });
  }
  chmodSync(join(root, 'tmp'), 0o1777);
  copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
  chmodSync(join(root, 'bin/busybox'), 0o755);
  for (const name of PROGRAMS.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
  writeFileSync(join(root, 'bin/fill'), FILL, { mode: 0o755 });
  writeFileSync(join(root, 'bin/write'), WRITE, { mode: 0o755 });
  writeFileSync(join(root, 'etc/app.conf'), 'port=80\n');
  writeFileSync(join(root, 'etc/suid'), 'suid', { mode: 0o755 });
  chmodSync(join(root, 'etc/suid'), 0o4755);
  writeFileSync(join(root, 'opt/gone'), 'g'.repeat(30_000));
  for (const name of ['a', 'b', 'sub/old']) writeFileSync(join(root, 'opt/tree', name), name);
}

function makeData(root: string): void {
  for (const name of ['data', 'links', 'full/sub', 'hollow']) mkdirSync(join(root, name), { recursive: true });
  const megabyte = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (at * 7919) % 251));
  writeFileSync(join(root, 'data/seed.bin'), Buffer.concat(Array.from({ length: 50 }, () => megabyte)));
  writeFileSync(join(root, 'data/small'), 'small');
  writeFileSync(join(root, 'data/with blank'), 'blank');
  writeFileSync(join(root, 'data/sparse'), 'start');
  truncateSync(join(root, 'data/sparse'), 1_000_000);
  writeFileSync(join(root, 'links/one'), 'l'.repeat(1000));
  linkSync(join(root, 'links/one'), join(root, 'links/two'));
  symlinkSync('../data/small', join(root, 'links/sym'));
  symlinkSync('full', join(root, 'dirlink'));
  writeFileSync(join(root, 'full/file'), 'in the image');
  writeFileSync(join(root, 'full/sub/deep'), 'deep');
  symlinkSync('file', join(root, 'full/link'));
  chmodSync(join(root, 'full'), 0o2775);
}
