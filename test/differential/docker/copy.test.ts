import { chmodSync, copyFileSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListingEntry, listTree, openStore, type Store } from '../../../src/index.ts';
import { runCommand } from '../../e2e/command.ts';
import { listDisk, run } from '../other-tools.ts';
import { BUSYBOX, Daemon, dockerMissing } from './daemon.ts';

/** `cp`, both ways, as a Docker daemon and its command do it: what is there afterwards, and what is refused. */

const missing = dockerMissing();
const title = missing === null ? 'docker cp' : `docker cp (skipped: ${missing})`;

const DOCKERFILE = `FROM scratch
ADD bin /bin
RUN mkdir -p /d/sub /empty && echo one > /d/f && echo two > /d/sub/g && ln -s f /d/l && chmod 700 /d && chmod 640 /d/f
RUN ln -s d /ld && ln -s d/f /lf && ln -s none /dangling && echo x > /x && ln /x /y && mkdir /taken && echo t > /taken/in
`;

/** From and to: `:` in front is in the container. */
const COPIES: readonly (readonly string[])[] = [
  // A file of the host.
  ...[
    ':/new',
    ':/empty',
    ':/empty/',
    ':/x',
    ':/none/',
    ':/none/.',
    ':/none/new',
    ':/lf',
    ':/ld',
    ':/dangling',
    ':/d/l',
  ].map((to) => ['file', to]),
  ['file', ':/y'],
  ['file', ':/x/new'],
  ['file/', ':/new'],
  ['none', ':/new'],
  ['-a', 'file', ':/new'],
  // A directory of the host.
  ...['in', 'in/', 'in/.'].flatMap((from) =>
    [':/new', ':/new/', ':/empty', ':/taken', ':/x', ':/ld'].map((to) => [from, to]),
  ),
  ['in', ':/none/new'],
  ['in/.', ':/'],
  ['.', ':/new'],
  // A link of the host.
  ['link', ':/new'],
  ['link', ':/empty'],
  ['-L', 'link', ':/new'],
  ['-L', 'link', ':/empty'],
  ['linkdir', ':/new'],
  ['-L', 'linkdir', ':/new'],
  ['-L', 'linkdir', ':/empty'],
  // Out of the container.
  ...[':/d', ':/d/', ':/d/.', ':/d/f', ':/lf', ':/ld', ':/none'].flatMap((from) =>
    ['new', 'new/', 'taken', 'file'].map((to) => [from, to]),
  ),
  ['-L', ':/lf', 'new'],
  ['-L', ':/ld', 'new'],
  ['-L', ':/lf', 'taken'],
  ['-L', ':/ld', 'taken'],
  ['-a', ':/d', 'new'],
  [':/d/f', 'none/new'],
  [':/d/f', 'link'],
  [':/d/f', 'linkdir'],
];

function makeHost(folder: string): void {
  mkdirSync(join(folder, 'in/in'), { recursive: true });
  mkdirSync(join(folder, 'taken/d'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'file\n', { mode: 0o604 });
  writeFileSync(join(folder, 'in/a'), 'a\n');
  writeFileSync(join(folder, 'in/in/b'), 'b\n');
  symlinkSync('a', join(folder, 'in/l'));
  symlinkSync('file', join(folder, 'link'));
  symlinkSync('in', join(folder, 'linkdir'));
  chmodSync(join(folder, 'in'), 0o750);
  for (const name of ['file', 'in/a', 'in/in/b', 'in/in', 'in'])
    utimesSync(join(folder, name), 1_600_000_000, 1_600_000_000);
}

/** Without what a copy cannot keep (link counts) and what Docker cuts (parts of seconds); times only where `in` or `file` brought them. */
const comparable = (entries: readonly ListingEntry[]): object[] =>
  entries.map(({ path, type, mode, uid, gid, sha256, linkname, mtime_ns: mtime }) => {
    return { path, type, mode, uid, gid, sha256, linkname, mtime: mtime?.startsWith('1600000000') };
  });

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let archive = '';
  /** A container that is only copied out of. */
  let source = '';

  beforeAll(async () => {
    daemon = await Daemon.start();
    const context = join(daemon.folder, 'context');
    mkdirSync(join(context, 'bin'), { recursive: true });
    copyFileSync(BUSYBOX, join(context, 'bin/busybox'));
    for (const name of ['sh', 'mkdir', 'ln', 'chmod']) symlinkSync('busybox', join(context, 'bin', name));
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    daemon.run('build', '--network', 'none', '--tag', 'copy:1', context);
    archive = join(daemon.folder, 'copy.tar');
    daemon.run('save', '--output', archive, 'copy:1');
    source = daemon.run('create', '--network', 'none', 'copy:1', '/none');
  }, 120_000);

  afterAll(async () => {
    await daemon?.stop();
  }, 60_000);

  test.each(COPIES.map((words) => [words.join(' '), words] as const))('%s', async (_, words) => {
    const [theirs, ours] = [join(daemon.folder, 'theirs'), join(daemon.folder, 'ours')];
    makeHost(theirs);
    makeHost(ours);
    const store = await openStore();
    try {
      await store.images.load(archive);
      const isOut = words.at(-2)?.startsWith(':') === true;
      const container = isOut ? source : daemon.run('create', '--network', 'none', 'copy:1', '/none');
      const own = await store.containers.create({ image: 'copy:1', name: 'own' });
      const spell = (name: string, folder: string): string[] =>
        words.map((word) =>
          word.startsWith('-') ? word : word.startsWith(':') ? `${name}${word}` : `${folder}/${word}`,
        );
      const docker = daemon.try('cp', ...spell(container, theirs));
      const answer = await runCommand(['cp', ...spell('own', ours)], store);
      expect(answer.exitCode === 0, `${docker.stderr}${answer.stderr}`).toBe(docker.exitCode === 0);
      const word = /no such directory|cannot copy directory|cannot overwrite (?:non-)?directory/.exec(
        docker.stderr,
      )?.[0];
      if (word !== undefined) expect(answer.stderr).toContain(word);
      expect(comparable(listDisk(ours))).toEqual(comparable(listDisk(theirs)));
      if (!isOut) expect(shownBy(store, own.overlay.tree)).toEqual(unpacked(daemon, container));
    } finally {
      await store.close();
      for (const folder of [theirs, ours]) rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** What Docker puts into every container. */
const OF_DOCKER = /^\/(?:\.dockerenv|dev|proc|sys|etc)(?:\/|$)/;

const shownBy = (store: Store, tree: Parameters<typeof listTree>[0]): object[] =>
  comparable([...listTree(tree, store.engine.log.chunks)].filter(({ path }) => path !== '/' && !OF_DOCKER.test(path)));

function unpacked(daemon: Daemon, container: string): object[] {
  const [exported, root] = [join(daemon.folder, 'out.tar'), join(daemon.folder, 'out')];
  daemon.run('export', '--output', exported, container);
  mkdirSync(root);
  try {
    run('tar', '-xpf', exported, '--same-owner', '-C', root);
    return comparable(listDisk(root).filter(({ path }) => !OF_DOCKER.test(path)));
  } finally {
    rmSync(root, { recursive: true });
  }
}
