/**
 * A mounted container, its log on the disk, against fuse-overlayfs and the kernel's overlayfs, all over the same image and
 * all in the same run. As root, with /dev/fuse; a peer that is not installed is left out.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/index.ts';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group, Progress } from '../group.ts';
import { makeNpmProject, type NpmProject, npmInstall } from '../npm-project.ts';
import { counted, type MountSizes } from '../sizes.ts';
import { FILE_BYTES } from '../workload.ts';

const MIB = 1 << 20;
const OURS = 'overlog';
const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A merged directory, with large files that lie in the lower. */
interface Target {
  readonly name: string;
  readonly directory: string;
  close(): void;
}

/** What is measured, in operations or MB a second; each leaves the directory as it was. */
type Rates = Readonly<Record<string, number>>;

export const mountGroup: Group = {
  name: 'mount',
  async run({ mount: sizes }, progress): Promise<Figure[]> {
    if (process.getuid?.() !== 0 || !existsSync('/dev/fuse')) {
      progress('skipped: it takes root and /dev/fuse');
      return [];
    }
    const root = mkdtempSync(join(tmpdir(), 'overlog-bench-mount-'));
    const targets: Target[] = [];
    try {
      const lower = join(root, 'lower');
      mkdirSync(lower);
      for (let index = 0; index < 2 * firstWriteRounds(sizes); index++) writeLower(lower, index, sizes.lowerMib);
      const sources = makeSources(root, sizes.sourceFiles);
      const project = await makeNpmProject(root, sizes.packages);
      targets.push(await mountOverlog(root, lower));
      for (const peer of PEERS) {
        const target = mountPeer(root, lower, peer);
        if (target === null) progress(`${peer.name} can't be mounted here`);
        else targets.push(target);
      }
      return figuresOf(measure(targets, sizes, { sources, project }, progress), targets, sizes);
    } finally {
      for (const target of targets) target.close();
      // On a busy machine `overlog umount` gives up waiting before the store is closed.
      rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    }
  },
};

const PEERS = [
  { name: 'fuse-overlayfs', argv: (options: string) => ['fuse-overlayfs', '-o', options] },
  { name: 'kernel overlayfs', argv: (options: string) => ['mount', '-t', 'overlay', 'overlay', '-o', options] },
];

async function mountOverlog(root: string, lower: string): Promise<Target> {
  const [store, directory] = [join(root, 'store'), join(root, 'overlog')];
  mkdirSync(directory);
  const opened = await openStore(store);
  await opened.images.load(lower, { tag: 'bench:1' });
  await opened.containers.create({ image: 'bench:1', name: 'bench' });
  await opened.close();
  const run = (...argv: string[]): void => {
    execFileSync(process.execPath, [COMMAND, ...argv, '--store', store], { stdio: 'ignore' });
  };
  run('mount', 'bench', directory);
  return { name: OURS, directory, close: () => run('umount', directory) };
}

function mountPeer(root: string, lower: string, peer: (typeof PEERS)[number]): Target | null {
  const place = (part: string): string => join(root, `${peer.name.replace(' ', '-')}-${part}`);
  const directory = place('merged');
  for (const part of ['merged', 'upper', 'work']) mkdirSync(place(part));
  const options = `lowerdir=${lower},upperdir=${place('upper')},workdir=${place('work')}`;
  const [program, ...rest] = peer.argv(options);
  if (spawnSync(program, [...rest, directory], { stdio: 'ignore' }).status !== 0) return null;
  return { name: peer.name, directory, close: () => void spawnSync('umount', ['-l', directory]) };
}

interface Inputs {
  readonly sources: Sources;
  /** null: npm is not installed. */
  readonly project: NpmProject | null;
}

/** Rounds take turns, so that what else the machine does falls on all alike. */
function measure(
  targets: readonly Target[],
  sizes: MountSizes,
  { sources, project }: Inputs,
  progress: Progress,
): Map<string, Rates[]> {
  const { files, treeFiles, largeMib, rounds, installs } = sizes;
  const rates = new Map(targets.map(({ name }): [string, Rates[]] => [name, []]));
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const { name, directory } of targets) {
      rates.get(name)?.push({
        ...(round < firstWriteRounds(sizes) && firstWritesOf(directory, round)),
        ...filesOf(directory, files),
        ...treesOf(directory, sources),
        ...removalOf(directory, treeFiles),
        ...(project !== null && round < installs && installationOf(directory, project)),
        ...largeOf(directory, largeMib),
      });
    }
  }
  return rates;
}

/** What programs unpack and clone: as many files in an archive, and in a repository. */
interface Sources {
  readonly files: number;
  readonly archive: string;
  /** null: git is not installed. */
  readonly repository: string | null;
}

const FILES_PER_DIRECTORY = 50;

function makeSources(root: string, files: number): Sources {
  const tree = join(root, 'tree');
  for (let index = 0; index < files; index++) {
    const folder = join(tree, `d${Math.floor(index / FILES_PER_DIRECTORY)}`);
    if (index % FILES_PER_DIRECTORY === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}`), `${index}\n`.repeat(1 + (index % 300)));
  }
  const archive = join(root, 'tree.tar');
  execFileSync('tar', ['cf', archive, '-C', tree, '.']);
  const git = (...argv: string[]): boolean => spawnSync('git', ['-C', tree, ...argv], { stdio: 'ignore' }).status === 0;
  const isCommitted =
    git('init', '-q') &&
    git('add', '.') &&
    git('-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qm', 'all');
  return { files, archive, repository: isCommitted ? tree : null };
}

/** No two pieces are equal, of one file or of several, as in real ones. */
function writeLower(lower: string, file: number, mib: number): void {
  const large = openSync(join(lower, largeName(file)), 'w');
  const piece = Buffer.alloc(MIB, file);
  for (let index = 0; index < mib; index++) {
    piece.writeUInt32LE(index);
    writeSync(large, piece);
  }
  fsyncSync(large);
  closeSync(large);
}

/** By the programs that people use for it, their start included. */
function treesOf(directory: string, { files, archive, repository }: Sources): Rates {
  const unpacked = join(directory, 'unpacked');
  const clone = join(directory, 'clone');
  mkdirSync(unpacked);
  const run = (program: string, ...argv: string[]): void => void execFileSync(program, argv, { stdio: 'ignore' });
  const rates: Record<string, number> = {
    'files unpacked by tar': perSecond(files, () => run('tar', 'xf', archive, '-C', unpacked)),
  };
  run('rm', '-rf', unpacked);
  if (repository === null) return rates;
  rates['git clone'] = perSecond(1, () => run('git', 'clone', '-q', '--no-hardlinks', repository, clone));
  // Files of the second in which the index was written are read again (git's racy entries): more of them the quicker the
  // clone was, and by chance none or thousands.
  const later = Date.now() / 1000 + 2;
  utimesSync(join(clone, '.git/index'), later, later);
  rates['git status'] = perSecond(1, () => run('git', '-C', clone, 'status', '--porcelain'));
  run('rm', '-rf', clone);
  return rates;
}

function removalOf(directory: string, files: number): Rates {
  const tree = join(directory, 'tree');
  for (let index = 0; index < files; index++) {
    const folder = join(tree, `d${Math.floor(index / FILES_PER_DIRECTORY)}`);
    if (index % FILES_PER_DIRECTORY === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}`), '');
  }
  return { 'files removed by rm -rf': perSecond(files, () => void execFileSync('rm', ['-rf', tree])) };
}

function installationOf(directory: string, project: NpmProject): Rates {
  const folder = join(directory, 'project');
  mkdirSync(folder);
  const rates = { 'files installed by npm': perSecond(project.files, () => npmInstall(project, folder)) };
  execFileSync('rm', ['-rf', folder]);
  return rates;
}

function perSecond(count: number, work: () => void): number {
  const start = performance.now();
  work();
  return (count * 1000) / (performance.now() - start);
}

/** A file is written to for the first time only once, and takes its room on every target. */
const firstWriteRounds = ({ rounds }: MountSizes): number => Math.min(rounds, 2);
const largeName = (index: number): string => `large${index}`;

/** Copies up: all of it with a file system of files, nothing with a log of chunks. */
function firstWritesOf(directory: string, round: number): Rates {
  const [untouched, wasRead] = [2 * round, 2 * round + 1].map((index) => join(directory, largeName(index)));
  dropCaches();
  const first = firstWrite(untouched);
  readAll(wasRead);
  return { 'first write to a large lower file': first, 'first write to one that was read': firstWrite(wasRead) };
}

function firstWrite(path: string): number {
  const rate = perSecond(1, () => {
    const file = openSync(path, 'r+');
    writeSync(file, 'x', 4096);
    closeSync(file);
  });
  // What was copied is not to be written to the disk while something else is measured.
  execFileSync('sync');
  return rate;
}

function readAll(path: string): void {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(MIB);
  while (readSync(file, piece) > 0);
  closeSync(file);
}

/** What is on the disk is read from there again; what is not yet stays where it is. */
const dropCaches = (): void => writeFileSync('/proc/sys/vm/drop_caches', '1');

function filesOf(directory: string, count: number): Rates {
  const folder = join(directory, 'files');
  mkdirSync(folder);
  const paths = Array.from({ length: count }, (_, index) => join(folder, `f${index}`));
  const content = Buffer.alloc(FILE_BYTES, 1);
  const into = Buffer.alloc(FILE_BYTES);
  const each = (work: (path: string) => void): number =>
    perSecond(count, () => {
      for (const path of paths) work(path);
    });
  const rates = {
    create: each((path) => writeFileSync(path, content)),
    stat: each((path) => void statSync(path)),
    read: each((path) => {
      const file = openSync(path, 'r');
      readSync(file, into);
      closeSync(file);
    }),
    unlink: each((path) => unlinkSync(path)),
  };
  rmSync(folder, { recursive: true });
  return rates;
}

function largeOf(directory: string, mib: number): Rates {
  const path = join(directory, 'written');
  const piece = Buffer.alloc(MIB, 3);
  const megabytes = (mib * MIB) / 1e6;
  // As dd writes: with the close, behind which a file system that gathers writes has to hand over the last of them.
  const write = perSecond(megabytes, () => {
    const file = openSync(path, 'w');
    for (let index = 0; index < mib; index++) {
      piece.writeUInt32LE(index); // no two pieces are equal
      writeSync(file, piece);
    }
    closeSync(file);
  });
  const file = openSync(path, 'r+');
  // So that it comes from the file system, also from one that has synced nothing.
  fsyncSync(file);
  dropCaches();
  const read = perSecond(megabytes, () => {
    for (let index = 0; index < mib; index++) readSync(file, piece, 0, MIB, index * MIB);
  });
  closeSync(file);
  unlinkSync(path);
  return { 'write of a large file': write, 'read of a large file': read };
}

function figuresOf(rates: Map<string, Rates[]>, targets: readonly Target[], sizes: MountSizes): Figure[] {
  const sample = (name: string, row: string) =>
    sampleOf((rates.get(name) ?? []).flatMap((round) => (row in round ? [round[row]] : [])));
  const rows = Object.keys(rates.get(OURS)?.[0] ?? {});
  return rows.flatMap((row): Figure[] =>
    targets.slice(1).map((peer) => {
      const [ours, theirs] = [sample(OURS, row), sample(peer.name, row)];
      const reach = REACH[row]?.[peer.name];
      return {
        row: `mount: ${row}`,
        subject: `mounted, ${sizeOf(row, sizes)}`,
        unit: row.includes('of a large') ? 'MB/s' : '1/s',
        sample: ours,
        against: { name: peer.name, sample: theirs },
        ratio: ours.median / theirs.median,
        ...(reach !== undefined && { reach: { atLeast: reach } }),
      };
    }),
  );
}

function sizeOf(row: string, { files, sourceFiles, treeFiles, packages, largeMib, lowerMib }: MountSizes): string {
  if (row.startsWith('first write')) return `${counted(lowerMib)} MiB`;
  if (row.endsWith('of a large file')) return `${counted(largeMib)} MiB`;
  if (row === 'files installed by npm') return `${counted(packages)} packages`;
  if (row === 'files removed by rm -rf') return `${counted(treeFiles)} files`;
  const isOfSources = row === 'files unpacked by tar' || row.startsWith('git');
  return `${counted(isOfSources ? sourceFiles : files)} files`;
}

const REACH: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  create: { 'fuse-overlayfs': 1 },
  stat: { 'fuse-overlayfs': 1 },
  read: { 'fuse-overlayfs': 1 },
  unlink: { 'fuse-overlayfs': 2 },
  'files unpacked by tar': { 'fuse-overlayfs': 1 },
  'files removed by rm -rf': { 'fuse-overlayfs': 1 },
  'files installed by npm': { 'fuse-overlayfs': 1 },
  'git clone': { 'fuse-overlayfs': 1 },
  'git status': { 'fuse-overlayfs': 2 },
  'write of a large file': { 'fuse-overlayfs': 1 },
  'read of a large file': { 'fuse-overlayfs': 1 },
  'first write to a large lower file': { 'fuse-overlayfs': 100 },
  'first write to one that was read': { 'fuse-overlayfs': 100 },
};
