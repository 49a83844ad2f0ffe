/**
 * Operation names that a cause stores as one byte: the index in this list. Any other name is stored as itself.
 *
 * The list is part of the format: an entry never moves or goes; new ones need a new format.
 */
export const OPERATIONS = [
  'open',
  'close',
  'write',
  'ftruncate',
  'truncate',
  'mkdir',
  'rmdir',
  'unlink',
  'rename',
  'link',
  'symlink',
  'mknod',
  'chmod',
  'fchmod',
  'chown',
  'fchown',
  'lchown',
  'utime',
  'futime',
  'lutime',
  'setxattr',
  'fsetxattr',
  'removexattr',
  'fremovexattr',
  'fallocate',
  'copyfile',
  'mkdtemp',
  'writeFile',
  'appendFile',
  'rm',
  'cp',
  'create',
  'start',
  'stop',
  'kill',
  'pause',
  'unpause',
  'commit',
  'fork',
  'rewind',
  'load',
  'tag',
  'untag',
  'label',
  'mount',
  'unmount',
  'pwrite',
  'renameat2',
  'lsetxattr',
  'lremovexattr',
] as const;

const codes = new Map<string, number>(OPERATIONS.map((operation, code) => [operation, code]));

export const operationCode = (operation: string): number | undefined => codes.get(operation);

export const operationOf = (code: number): string | undefined => OPERATIONS[code];
