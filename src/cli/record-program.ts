/** Runs a program over a kernel overlay of a directory, with strace, and keeps what a replay needs. */

import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { listDirectory } from '../index.ts';
import { usageError } from './exit-codes.ts';

export interface RecordOptions {
  /** The tree that the program runs in; it stays as it is. */
  readonly lower: string;
  /** The folder of the recording; made. */
  readonly out: string;
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Calls that a replay follows; `?`: not every strace knows it. */
const CALLS = [
  'open openat openat2 creat close ?close_range dup dup2 dup3 fcntl read readv pread64 preadv ?preadv2',
  'write writev pwrite64 pwritev ?pwritev2 lseek truncate ftruncate fallocate sendfile splice tee vmsplice',
  '?copy_file_range ioctl mmap msync rename renameat ?renameat2 link linkat symlink symlinkat unlink unlinkat rmdir',
  'mkdir mkdirat mknod mknodat chmod fchmod fchmodat ?fchmodat2 chown lchown fchown fchownat utime utimes utimensat',
  'futimesat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr chdir fchdir chroot umask clone',
  '?clone3 fork vfork execve ?execveat exit_group pipe pipe2 socketpair bind sendmsg sendmmsg recvmsg recvmmsg',
  'open_by_handle_at ?io_uring_setup getcwd ?memfd_create unshare setuid setgid setresuid setresgid setreuid',
  'setregid setfsuid setfsgid mount umount2 pivot_root ?move_mount',
].flatMap((line) => line.split(' '));

/** Programs of the system, not of npm. */
const STRACE = 'strace';
const UNSHARE = 'unshare';

const FLAGS = ['-f', '-y', '-ttt', '-s', '1048576', '--seccomp-bpf', '-e', 'raw=read,pread64,readv,preadv,preadv2'];

/**
 * In a mount namespace of its own: the overlay over the directory itself, so that the program sees the paths it knows.
 * It says on 3 that the program has ended, and with which umask, and stays until 4 is closed, so that the merged tree can be read from outside.
 */
const SCRIPT = `
set -e
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$WORK/upper,workdir=$WORK/work,redirect_dir=off,index=off,metacopy=off" "$ROOT"
cd "$CWD"
set +e
(unset ROOT WORK CWD; exec 3>&- 4<&-; exec "$@")
code=$?
cd /
sync -f "$WORK/upper"
echo "$(umask)" >&3
cat <&4 > /dev/null
exit "$code"
`;

/** @returns The exit code of the program. */
export async function recordProgram({ lower, out, argv, env }: RecordOptions): Promise<number> {
  const root = realpathSync(lower);
  const directory = resolve(out);
  const version = missing(root, directory);
  mkdirSync(directory, { recursive: true });
  const work = mkdtempSync(join(directory, '.work-'));
  mkdirSync(join(work, 'upper'));
  mkdirSync(join(work, 'work'));
  try {
    const here = realpathSync(process.cwd());
    const cwd = here === root || here.startsWith(`${root}/`) ? here : root;
    packBefore(root, join(directory, 'before.tar.gz'));
    await writeListing(root, join(directory, 'before.ndjson'));
    const started = Date.now() / 1000;
    const trace = CALLS.join(',');
    const log = join(directory, 'strace.log');
    const child = spawn(
      UNSHARE,
      [
        '--mount',
        '--propagation',
        'private',
        'sh',
        '-c',
        SCRIPT,
        'sh',
        STRACE,
        ...FLAGS,
        '-e',
        `trace=${trace}`,
        '-o',
        log,
        '--',
        ...argv,
      ],
      {
        stdio: ['inherit', 'inherit', 'inherit', 'pipe', 'pipe'],
        env: { ...env, UV_USE_IO_URING: '0', ROOT: root, WORK: work, CWD: cwd },
      },
    );
    const ended = new Promise<number>((done) => child.once('close', (code) => done(code ?? 128)));
    const umask = await firstLine(child.stdio[3] as NodeJS.ReadableStream);
    if (umask !== null) {
      await writeListing(`/proc/${child.pid}/root${root}`, join(directory, 'after.ndjson'));
      await writeListing(join(work, 'upper'), join(directory, 'upper.ndjson'));
    }
    (child.stdio[4] as NodeJS.WritableStream).end();
    const code = await ended;
    if (umask === null) throw new Error(`the overlay could not be mounted over ${root} (exit code ${code})`);
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const flags = FLAGS.join(' ');
    const meta = {
      tool: version,
      flags,
      trace: CALLS.map((call) => call.replace('?', '')),
      root,
      cwd,
      umask,
      uid,
      gid,
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

/** What recording takes. @returns strace's name and version. */
function missing(root: string, out: string): string {
  if (process.platform !== 'linux') throw new Error('recording takes Linux: it is strace that sees the system calls');
  if (process.getuid?.() !== 0) throw new Error('recording takes root, to mount an overlay; run it with sudo');
  const strace = spawnSync(STRACE, ['-V'], { encoding: 'utf8' });
  if (strace.error !== undefined) {
    throw new Error('recording takes strace, which is not there; install it: apt install strace, dnf install strace');
  }
  if (/[,:\\]/.test(root))
    throw usageError(`${root}: a directory with , : or \\ in its path can't be a lower directory`);
  if (/[,:\\]/.test(out)) throw usageError(`${out}: the recording can't lie in a path with , : or \\`);
  if (out === root || out.startsWith(`${root}/`)) {
    throw usageError(`${out} is inside of ${root}: say where the recording shall lie with -o`);
  }
  if (existsSync(join(out, 'meta.json'))) throw usageError(`${out} holds a recording already`);
  if (!existsSync(dirname(out))) throw usageError(`${dirname(out)}: no such directory`);
  return `strace ${/version (\S+)/.exec(strace.stdout)?.[1] ?? ''}`;
}

function packBefore(root: string, file: string): void {
  const args = [
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '--format=pax',
    '--sort=name',
    '-C',
    root,
    '-czf',
    file,
    '.',
  ];
  const tar = spawnSync('tar', args, { encoding: 'utf8' });
  if (tar.status !== 0) throw new Error(`tar could not pack ${root}: ${tar.stderr || String(tar.error)}`);
}

async function writeListing(directory: string, file: string): Promise<void> {
  const stream = createWriteStream(file);
  for await (const entry of listDirectory(directory)) stream.write(`${JSON.stringify(entry)}\n`);
  await new Promise<void>((done, fail) => {
    stream.once('error', fail);
    stream.end(done);
  });
}

/** null when it ends without one. */
async function firstLine(stream: NodeJS.ReadableStream): Promise<string | null> {
  for await (const piece of stream) return String(piece).trim();
  return null;
}
