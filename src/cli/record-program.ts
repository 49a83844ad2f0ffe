/** Runs a program over a kernel overlay of a directory, or in a copy of it, with strace, and keeps what a replay needs. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { usageError } from './exit-codes.ts';
import { packChanged, packTree, writeListing } from './recording-tree.ts';
import { STRACE_FLAGS, TRACED_CALLS } from './strace-flags.ts';

export interface RecordOptions {
  /** The tree that the program runs in; it stays as it is. */
  readonly lower: string;
  /** The folder of the recording; made. */
  readonly out: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Run in a copy even where an overlay can be mounted. */
  readonly copy?: boolean;
  /** Told why a copy is used. */
  readonly say?: (text: string) => void;
}

/** Programs of the system, not of npm. */
const STRACE = 'strace';
const UNSHARE = 'unshare';

/**
 * The overlay goes over the directory itself, in a mount namespace of its own, so that the program sees the paths it
 * knows.
 */
const MOUNT = `mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$WORK/upper,workdir=$WORK/work,redirect_dir=off,index=off,metacopy=off" "$ROOT"`;

/**
 * It says on 3 that the program has ended, and with which umask, and stays until 4 is closed, so that the tree can be
 * read from outside.
 */
const RUN = `
cd "$CWD"
set +e
(unset ROOT WORK CWD; exec 3>&- 4<&-; exec "$@")
code=$?
cd /
sync -f "$WORK"
echo "$(umask)" >&3
cat <&4 > /dev/null
exit "$code"
`;

/** @returns The exit code of the program. */
export async function recordProgram(options: RecordOptions): Promise<number> {
  const { argv, env } = options;
  const lower = realpathSync(options.lower);
  const directory = resolve(options.out);
  const version = missing(lower, directory);
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, '.work-'));
  mkdirSync(join(work, 'upper'));
  mkdirSync(join(work, 'work'));
  try {
    const why = options.copy ? 'a copy was asked for' : whyNoOverlay(lower, work);
    if (why !== null) options.say?.(`${why}: the program runs in a copy, under another path`);
    const root = why === null ? lower : copyTree(lower, join(work, 'tree'));
    const cwd = cwdIn(lower, root);
    // Of the copy where there is one: its files may belong to somebody else than the originals do.
    packTree(root, join(directory, 'before.tar.gz'));
    const before = await writeListing(root, join(directory, 'before.ndjson'));
    const started = Date.now() / 1000;
    const child = start({ root, work, cwd, argv, env, log: join(directory, 'strace.log'), isMounted: why === null });
    const ended = new Promise<number>((done) => child.once('close', (code) => done(code ?? 128)));
    const umask = await firstLine(child.stdio[3] as NodeJS.ReadableStream);
    if (umask !== null) {
      const tree = why === null ? `/proc/${child.pid}/root${root}` : root;
      const after = await writeListing(tree, join(directory, 'after.ndjson'));
      if (why === null) {
        await writeListing(join(work, 'upper'), join(directory, 'upper.ndjson'));
        packTree(join(work, 'upper'), join(directory, 'upper.tar.gz'));
      } else packChanged(root, join(directory, 'changed.tar.gz'), before, after);
    }
    (child.stdio[4] as NodeJS.WritableStream).end();
    const code = await ended;
    if (umask === null) throw new Error(`the program could not be run in ${root} (exit code ${code})`);
    const meta = {
      tool: version,
      flags: STRACE_FLAGS.join(' '),
      trace: TRACED_CALLS.map((call) => call.replace('?', '')),
      root,
      aliases: root === lower ? aliasesOf(options.lower, env, root) : [],
      mount: why === null ? 'overlay' : 'copy',
      cwd,
      umask,
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      kernel: release(),
      started,
      argv,
      exit: code,
    };
    writeFileSync(join(directory, 'meta.json'), `${JSON.stringify(meta)}\n`);
    return code;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

interface Run {
  readonly root: string;
  readonly work: string;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly log: string;
  readonly isMounted: boolean;
}

function start({ root, work, cwd, argv, env, log, isMounted }: Run) {
  const script = `set -e\n${isMounted ? MOUNT : ''}${RUN}`;
  const shell = ['sh', '-c', script, 'sh'];
  const traced = [STRACE, ...STRACE_FLAGS, '-e', `trace=${TRACED_CALLS.join(',')}`, '-o', log, '--', ...argv];
  const command = isMounted ? [UNSHARE, '--mount', '--propagation', 'private', ...shell] : shell;
  return spawn(command[0], [...command.slice(1), ...traced], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'pipe'],
    env: { ...env, UV_USE_IO_URING: '0', ROOT: root, WORK: work, CWD: cwd },
  });
}

/** What recording takes. @returns strace's name and version. */
function missing(root: string, out: string): string {
  if (process.platform !== 'linux') throw new Error('recording takes Linux: it is strace that sees the system calls');
  const strace = spawnSync(STRACE, ['-V'], { encoding: 'utf8' });
  if (strace.error !== undefined) {
    throw new Error('recording takes strace, which is not there; install it: apt install strace, dnf install strace');
  }
  if (out === root || out.startsWith(`${root}/`)) {
    throw usageError(`${out} is inside of ${root}: say where the recording shall lie with -o`);
  }
  if (existsSync(join(out, 'meta.json'))) throw usageError(`${out} holds a recording already`);
  if (!existsSync(dirname(out))) throw usageError(`${dirname(out)}: no such directory`);
  return `strace ${/version (\S+)/.exec(strace.stdout)?.[1] ?? ''}`;
}

/** Why no overlay can be mounted over the directory, in words; null when it can. */
function whyNoOverlay(root: string, work: string): string | null {
  if (process.getuid?.() !== 0) return 'mounting an overlay takes root (run it with sudo)';
  const odd = [root, work].find((path) => /[,:\\]/.test(path));
  if (odd !== undefined) return `no overlay can be mounted with , : or \\ in ${odd}`;
  const args = ['--mount', '--propagation', 'private', 'sh', '-c', MOUNT];
  const env = { ...process.env, ROOT: root, WORK: work };
  const tried = spawnSync(UNSHARE, args, { encoding: 'utf8', env });
  if (tried.status === 0) return null;
  return `no overlay can be mounted here (${(tried.stderr ?? String(tried.error)).trim().split('\n')[0]})`;
}

function copyTree(root: string, copy: string): string {
  const cp = spawnSync('cp', ['-a', '--reflink=auto', '--', root, copy], { encoding: 'utf8' });
  if (cp.status !== 0) throw new Error(`cp could not copy ${root}: ${cp.stderr || String(cp.error)}`);
  return copy;
}

/** The current directory where it is inside of the tree, else its root. */
function cwdIn(lower: string, root: string): string {
  const here = realpathSync(process.cwd());
  return here.startsWith(`${lower}/`) ? `${root}${here.slice(lower.length)}` : root;
}

/** Other paths of the tree, through symbolic links: the one that was given, and the shell's own idea of where it is. */
function aliasesOf(given: string, env: NodeJS.ProcessEnv, root: string): string[] {
  const candidates = [resolve(given), ...parentsOf(env['PWD'] ?? '')];
  const others = candidates.filter((path) => path !== root && existsSync(path) && realpathSync(path) === root);
  return [...new Set(others)];
}

function parentsOf(path: string): string[] {
  if (!path.startsWith('/')) return [];
  const parts = path.split('/').slice(1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

/** null when it ends without one. */
async function firstLine(stream: NodeJS.ReadableStream): Promise<string | null> {
  for await (const piece of stream) return String(piece).trim();
  return null;
}
