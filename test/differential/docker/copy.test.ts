import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListingEntry, listTree, openStore } from '../../../src/index.ts';
import { pipeCommand } from '../../e2e/command.ts';
import { listDisk, run } from '../other-tools.ts';
import { BUSYBOX, Daemon, dockerMissing } from './daemon.ts';
import { layerLines } from './layer-entries.ts';

/** `cp`, both ways, as a Docker daemon and its command do it: what is there afterwards, and what is refused. */

const missing = dockerMissing();
const title = missing === null ? 'docker cp' : `docker cp (skipped: ${missing})`;

const DOCKERFILE = `FROM scratch
ADD bin /bin
RUN mkdir -p /d/sub /empty && echo one > /d/f && echo two > /d/sub/g && ln -s f /d/l && chmod 700 /d && chmod 640 /d/f
RUN mkdir -p /up/deep && ln -s ../../../etc /up/deep/l && ln -s .. /up/l && ln /d/f /d/again
RUN ln -s d /ld && ln -s d/f /lf && ln -s none /dangling && echo x > /x && ln /x /y && mkdir /taken && echo t > /taken/in
`;

/** From and to: `:` in front is in the container. `-` is a tar; the one that goes in is the last word. */
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
  // Links that lead out of what is copied.
  ['up', ':/new'],
  ['up', ':/empty'],
  ['up/.', ':/d'],
  ['up/deep', ':/new'],
  [':/up', 'new'],
  [':/up/.', 'taken'],
  // As a tar.
  ...['in.tar', 'in.tar.gz', 'special.tar', 'up.tar', 'out.tar', 'abs.tar', 'none.tar', 'cut.tar'].map((tar) => [
    '-',
    ':/empty',
    tar,
  ]),
  ...[':/x', ':/new', ':/none/new', ':/ld', ':/lf', ':/taken/', ':/'].map((to) => ['-', to, 'in.tar']),
  ['-', ':/d', 'over.tar'],
  ['-', ':/', 'under.tar'],
  ...[':/d', ':/d/', ':/d/.', ':/d/f', ':/lf', ':/ld', ':/ld/', ':/none', ':/up'].map((from) => [from, '-']),
  ['-L', ':/ld', '-'],
  ['-L', ':/lf', '-'],
];

function makeHost(folder: string): void {
  mkdirSync(join(folder, 'in/in'), { recursive: true });
  mkdirSync(join(folder, 'taken/d'), { recursive: true });
  mkdirSync(join(folder, 'up/deep'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'file\n', { mode: 0o604 });
  writeFileSync(join(folder, 'in/a'), 'a\n');
  writeFileSync(join(folder, 'in/in/b'), 'b\n');
  symlinkSync('a', join(folder, 'in/l'));
  symlinkSync('/etc', join(folder, 'in/absolute'));
  symlinkSync('../../out', join(folder, 'up/deep/l'));
  symlinkSync('file', join(folder, 'link'));
  symlinkSync('in', join(folder, 'linkdir'));
  chmodSync(join(folder, 'in'), 0o750);
  chownSync(join(folder, 'in/a'), 12, 345);
  for (const name of ['file', 'in/a', 'in/in/b', 'in/in', 'in'])
    utimesSync(join(folder, name), 1_600_000_000, 1_600_000_000);
}

/** Tars of a host's folder, by name. */
function makeTars(folder: string): Map<string, Buffer> {
  const inside = join(folder, 'in');
  run('mkfifo', join(inside, 'pipe'));
  run('mknod', join(inside, 'null'), 'c', '1', '3');
  run('ln', join(inside, 'a'), join(inside, 'z'));
  const tar = (...args: string[]): Buffer =>
    execFileSync('tar', ['-C', folder, '-cPf', '-', '--sort=name', ...args], { stdio: 'pipe' });
  const whole = tar('--exclude=pipe', '--exclude=null', 'in');
  return new Map([
    ['in.tar', whole],
    ['in.tar.gz', gzipSync(whole)],
    ['special.tar', tar('in')],
    ['up.tar', tar('up')],
    ['out.tar', tar('--transform=s,^in,../../out,', 'in/a')],
    ['abs.tar', tar('--transform=s,^in,/absolute,', 'in/a')],
    ['none.tar', Buffer.alloc(0)],
    ['cut.tar', whole.subarray(0, 700)],
    ['over.tar', tar('--transform=s,^in/a,sub,', 'in/a')],
    ['under.tar', tar('--transform=s,^in/in,x,', '--no-recursion', 'in/in')],
  ]);
}

/** What a copy left: on the host, in the container, and as a tar. */
interface Outcome {
  readonly isDone: boolean;
  readonly told: string;
  readonly tar: readonly string[];
  readonly host: object[];
  readonly container: object[];
}

/** Without what a copy cannot keep (link counts) and what Docker cuts (parts of seconds); times only where `in` or `file` brought them. */
const comparable = (entries: readonly ListingEntry[]): object[] =>
  entries.map(({ path, type, mode, uid, gid, sha256, linkname, rdev, mtime_ns: mtime }) => {
    return { path, type, mode, uid, gid, sha256, linkname, rdev, mtime: mtime?.startsWith('1600000000') };
  });

const REFUSALS =
  /no such directory|cannot copy directory|cannot overwrite (?:non-)?directory|invalid symlink|is outside of|must be a directory/;

const DAMAGED: ReadonlySet<string> = new Set(['cut.tar', 'out.tar']);

/** What Docker puts into every container. */
const OF_DOCKER = /^\/(?:\.dockerenv|dev|proc|sys|etc)(?:\/|$)/;

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let theirs: readonly Outcome[] = [];
  let ours: readonly Outcome[] = [];

  // All copies at once: each container is looked at through a mount of its layers, and one walk lists all of them.
  beforeAll(async () => {
    daemon = await Daemon.start();
    const context = join(daemon.folder, 'context');
    mkdirSync(join(context, 'bin'), { recursive: true });
    copyFileSync(BUSYBOX, join(context, 'bin/busybox'));
    for (const name of ['sh', 'mkdir', 'ln', 'chmod']) symlinkSync('busybox', join(context, 'bin', name));
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    daemon.run('build', '--network', 'none', '--tag', 'copy:1', context);
    const archive = join(daemon.folder, 'copy.tar');
    daemon.run('save', '--output', archive, 'copy:1');
    makeHost(join(daemon.folder, 'tars'));
    const tars = makeTars(join(daemon.folder, 'tars'));
    theirs = copyThere(tars);
    ours = await copyHere(archive, tars);
  }, 240_000);

  afterAll(async () => {
    await daemon?.stop();
  }, 60_000);

  /** The words of a copy with both places spelled out, and what goes to stdin. */
  function spell(words: readonly string[], container: string, folder: string): [string[], string | undefined] {
    const tar = words[0] === '-' ? words.at(-1) : undefined;
    const used = tar === undefined ? words : words.slice(0, -1);
    const spelled = used.map((word) =>
      word.startsWith('-') ? word : word.startsWith(':') ? `${container}${word}` : `${folder}/${word}`,
    );
    return [['cp', ...spelled], tar];
  }

  const hostOf = (side: string, at: number): string => join(daemon.folder, `${side}-host`, String(at));

  function copyThere(tars: ReadonlyMap<string, Buffer>): Outcome[] {
    const roots = join(daemon.folder, 'roots');
    const done = COPIES.map((words, at) => {
      makeHost(hostOf('theirs', at));
      const container = daemon.run('create', '--network', 'none', 'copy:1', '/none');
      const [argv, tar] = spell(words, container, hostOf('theirs', at));
      const result = daemon.pipe(argv, tars.get(tar ?? ''));
      const [{ Data: layers }] = JSON.parse(
        daemon.run('inspect', '--format', '[{{json .GraphDriver}}]', container),
      ) as [{ Data: { LowerDir: string; UpperDir: string } }];
      const root = join(roots, String(at));
      mkdirSync(root, { recursive: true });
      run('mount', '-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${layers.UpperDir}:${layers.LowerDir}`, root);
      return result;
    });
    const containers = listedByFolder(roots);
    run('umount', ...COPIES.map((_, at) => join(roots, String(at))));
    const hosts = listedByFolder(join(daemon.folder, 'theirs-host'));
    return done.map((result, at) => outcomeOf(result, hosts.get(String(at)), containers.get(String(at))));
  }

  async function copyHere(archive: string, tars: ReadonlyMap<string, Buffer>): Promise<Outcome[]> {
    const store = await openStore();
    try {
      await store.images.load(archive);
      const done: { result: Awaited<ReturnType<typeof pipeCommand>>; container: ListingEntry[] }[] = [];
      for (const [at, words] of COPIES.entries()) {
        makeHost(hostOf('ours', at));
        const own = await store.containers.create({ image: 'copy:1', name: `own-${at}` });
        const [argv, tar] = spell(words, own.name, hostOf('ours', at));
        const result = await pipeCommand(argv, store, tars.get(tar ?? ''));
        done.push({ result, container: [...listTree(own.overlay.tree, store.engine.log.chunks)] });
      }
      const hosts = listedByFolder(join(daemon.folder, 'ours-host'));
      return done.map(({ result, container }, at) => outcomeOf(result, hosts.get(String(at)), container));
    } finally {
      await store.close();
    }
  }

  function outcomeOf(
    { exitCode, stdout, stderr }: Awaited<ReturnType<typeof pipeCommand>>,
    host: readonly ListingEntry[] = [],
    container: readonly ListingEntry[] = [],
  ): Outcome {
    const isTar = stdout.length >= 1024;
    return {
      isDone: exitCode === 0,
      told: stderr,
      // Docker cuts times to seconds; layerLines leaves them out.
      tar: isTar
        ? layerLines(stdout)
            .map((line) => line.replace(/^\.\//, ''))
            .map((line) => line.replaceAll(' ./', ' '))
        : [],
      host: comparable(host),
      container: comparable(container.filter(({ path }) => path !== '/' && !OF_DOCKER.test(path))),
    };
  }

  /** Two copies may have the same words but for the tar. */
  test.each(COPIES.map((words, at) => [words.join(' '), at] as const))('%s', (_, at) => {
    const [docker, overlog] = [theirs[at], ours[at]];
    expect(overlog.isDone, `${docker.told}${overlog.told}`).toBe(docker.isDone);
    const refusal = REFUSALS.exec(docker.told)?.[0];
    if (refusal !== undefined) expect(overlog.told).toContain(refusal);
    expect(overlog.tar).toEqual(docker.tar);
    expect(overlog.host).toEqual(docker.host);
    // Docker leaves what it did before it came to the damage.
    if (!DAMAGED.has(COPIES[at].at(-1) ?? '')) expect(overlog.container).toEqual(docker.container);
  });
});

/** What lies in each folder of a directory, paths as from that folder. */
function listedByFolder(directory: string): Map<string, ListingEntry[]> {
  const folders = new Map<string, ListingEntry[]>();
  for (const entry of listDisk(directory)) {
    const [, folder, path] = /^\/([^/]+)(\/.*)?$/.exec(entry.path) as unknown as [string, string, string | undefined];
    if (path === undefined) folders.set(folder, []);
    else folders.get(folder)?.push({ ...entry, path });
  }
  return folders;
}
