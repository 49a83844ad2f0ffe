import { execFile, spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { storeError } from '../events/log-error.ts';
import type { Pieces } from './export-target.ts';

/**
 * Node makes no device nodes, sets no extended attributes and no times in nanoseconds. GNU tar does all of it, for names of any
 * bytes, in one process; so directories are written through it.
 */
const TAR = 'tar';

/**
 * Checks that {@link unpackPieces} can do its work, before anything is made.
 *
 * @throws `ERR_UNSUPPORTED`: not root, or no GNU tar.
 */
export async function expectUnpacker(): Promise<void> {
  const instead = 'write a tar instead, and unpack it where that can be done';
  if (process.getuid?.() !== 0) {
    const message = `only root can make a directory with device nodes, owners and extended attributes; ${instead}`;
    throw storeError('ERR_UNSUPPORTED', message);
  }
  const version = await promisify(execFile)(TAR, ['--version'], { timeout: 10_000 }).catch((error: unknown) => {
    throw storeError('ERR_UNSUPPORTED', `a directory is written through GNU tar, and tar can't be run; ${instead}`, {
      cause: error,
    });
  });
  if (version.stdout.includes('GNU tar')) return;
  throw storeError('ERR_UNSUPPORTED', `a directory is written through GNU tar, and tar is another one; ${instead}`);
}

/**
 * Unpacks a tar into a directory, with owners, device nodes, times and all extended attributes.
 *
 * @returns Bytes of the tar.
 * @throws `ERR_UNSUPPORTED`, with what tar said, when it could not do all of it: the file system has no extended attributes, say.
 */
export async function unpackPieces(pieces: Pieces, directory: string): Promise<number> {
  const child = spawn(TAR, [...OPTIONS, '-C', directory], {
    env: { ...process.env, LC_ALL: 'C', TAR_OPTIONS: '' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(0, SAID_CHARS_MAX)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let bytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      bytes += piece.byteLength;
      yield piece;
    }
  }
  const sent = pipeline(Readable.from(counted()), child.stdin).catch((error: unknown) => {
    // When tar gave up, what it said tells more than the broken pipe.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
    child.kill();
    throw error;
  });
  const [code] = await Promise.all([ended, sent]);
  if (code === 0 && said === '') return bytes;
  const message = `${directory}: not everything could be written: ${said.trim().replaceAll('\n', '; ')}`;
  throw storeError('ERR_UNSUPPORTED', message, { detail: { file: directory } });
}

const OPTIONS = [
  '-xpf',
  '-',
  '--same-owner',
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  '--warning=no-timestamp',
];
const SAID_CHARS_MAX = 2000;
