/** The head of a recording: `meta.json`. */

import { storeError } from '../../events/log-error.ts';

export interface RecordingMeta {
  /** Where the tree stood on the recorded machine. */
  readonly root: string;
  /** Other paths that led there, through symbolic links. */
  readonly aliases: readonly string[];
  readonly cwd: string;
  readonly umask: number;
  readonly uid: number;
  readonly gid: number;
  readonly argv: readonly string[];
  /** Calls that were traced; null: not told. */
  readonly trace: readonly string[] | null;
  /** `overlay`: it ran over a kernel overlay of the tree. `copy`: in a plain copy. */
  readonly mount: 'overlay' | 'copy';
  /** Exit code of the program. */
  readonly exit: number;
  /** When it was started. */
  readonly startedNs: bigint;
}

/** @throws `ERR_LOG_IMPORT` for anything that is not such a head. */
export function parseMeta(text: string, file: string): RecordingMeta {
  let meta: unknown;
  try {
    meta = JSON.parse(text);
  } catch (error) {
    throw metaError(file, 'it is not JSON', error);
  }
  if (typeof meta !== 'object' || meta === null) throw metaError(file, 'it is not an object');
  const fields = meta as Record<string, unknown>;
  const { root, cwd, umask = '0022', uid = 0, gid = 0, argv = [], exit = 0, started = 0 } = fields;
  const { aliases = [], trace = null, mount = 'overlay' } = fields;
  if (typeof root !== 'string' || !root.startsWith('/')) throw metaError(file, '"root" is not an absolute path');
  if (cwd !== undefined && (typeof cwd !== 'string' || !cwd.startsWith('/'))) {
    throw metaError(file, '"cwd" is not an absolute path');
  }
  const bits = typeof umask === 'string' ? Number.parseInt(umask, 8) : umask;
  if (!Number.isInteger(bits)) throw metaError(file, '"umask" is not an octal number');
  for (const [name, value] of Object.entries({ uid, gid, exit })) {
    if (!Number.isInteger(value)) throw metaError(file, `"${name}" is not a number`);
  }
  if (typeof started !== 'number') throw metaError(file, '"started" is not a number');
  for (const [name, value] of Object.entries({ argv, aliases, trace: trace ?? [] })) {
    if (!Array.isArray(value)) throw metaError(file, `"${name}" is not a list`);
  }
  if (mount !== 'overlay' && mount !== 'copy') throw metaError(file, '"mount" is neither overlay nor copy');
  return {
    root: root.length > 1 ? root.replace(/\/+$/, '') : root,
    cwd: cwd ?? root,
    umask: bits as number,
    uid: uid as number,
    gid: gid as number,
    argv: textsOf(argv),
    aliases: textsOf(aliases),
    trace: trace === null ? null : textsOf(trace),
    mount,
    exit: exit as number,
    startedNs: BigInt(Math.round(started * 1e6)) * 1000n,
  };
}

const textsOf = (list: unknown): string[] => (list as unknown[]).map(String);

const metaError = (file: string, message: string, cause?: unknown): Error =>
  storeError('ERR_LOG_IMPORT', `${file}: ${message}`, { detail: { file }, cause });
