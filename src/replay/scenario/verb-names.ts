/** The built-in file verbs of scenarios; verbs/verb-table.ts holds what they do. */
export const FILE_VERB_NAMES = [
  'cat',
  'chmod',
  'chown',
  'cp',
  'echo',
  'fallocate',
  'fill',
  'find',
  'getfattr',
  'head',
  'ln',
  'ls',
  'mkdir',
  'mkfifo',
  'mknod',
  'mv',
  'readlink',
  'rename',
  'rm',
  'rmdir',
  'setfattr',
  'stat',
  'sync',
  'sys',
  'tail',
  'test',
  'touch',
  'truncate',
  'unlink',
  'wc',
  'write',
] as const;

export type FileVerbName = (typeof FILE_VERB_NAMES)[number];

export const FILE_VERBS: ReadonlySet<string> = new Set(FILE_VERB_NAMES);
