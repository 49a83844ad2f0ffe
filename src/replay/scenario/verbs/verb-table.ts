/** The file verbs of scenarios by name, and how a command line of them runs. */

import type { Command } from '../scenario.ts';
import type { FileVerbName } from '../verb-names.ts';
import { chmod, chown, setfattr } from './attribute-verbs.ts';
import { cp } from './copy.ts';
import { runFilter } from './filters.ts';
import { ln, mkdir, mkfifo, mknod, mv, rename, rm, rmdir, unlink } from './name-verbs.ts';
import type { Shell } from './shell.ts';
import { sys } from './sys.ts';
import { cat, filterFiles, find, getfattr, ls, readlink, stat, test } from './show-verbs.ts';
import { echo, fallocate, fill, fillPieces, parseFill, sync, touch, truncate, write } from './write-verbs.ts';
import { usage } from './verb-error.ts';

type FileVerb = (shell: Shell, args: readonly string[]) => void;

const VERBS: Readonly<Record<FileVerbName, FileVerb>> = {
  cat,
  chmod,
  chown,
  cp,
  echo,
  fallocate,
  fill,
  find,
  getfattr,
  head: filterFiles,
  ln,
  ls,
  mkdir,
  mkfifo,
  mknod,
  mv,
  readlink,
  rename,
  rm,
  rmdir,
  setfattr,
  stat,
  sync,
  sys,
  tail: filterFiles,
  test,
  touch,
  truncate,
  unlink,
  wc: filterFiles,
  write,
};

const TABLE: ReadonlyMap<string, FileVerb> = new Map(Object.entries(VERBS));

/**
 * Runs commands one after the other.
 *
 * @returns What they printed.
 * @throws VerbError of the first that is refused; what came before it stays done.
 */
export function runCommands(shell: Shell, commands: readonly Command[]): Buffer {
  const output: Buffer[] = [];
  for (const command of commands) output.push(runCommand(shell, command));
  return Buffer.concat(output);
}

function runCommand(shell: Shell, { words, redirect, filter }: Command): Buffer {
  const [name, ...args] = words;
  shell.verb = name;
  const verb = TABLE.get(name);
  if (verb === undefined) throw usage([...TABLE.keys()].join(' | '));
  if (redirect !== null && name === 'fill') {
    shell.write(redirect.path, fillPieces(...parseFill(args)), redirect.append);
    return Buffer.alloc(0);
  }
  verb(shell, args);
  const printed = shell.takeOutput();
  if (redirect !== null) {
    shell.write(redirect.path, [printed], redirect.append);
    return Buffer.alloc(0);
  }
  return filter === null ? printed : pipeInto(filter, printed);
}

/** Runs `tail`, `head` or `wc` on an output. */
export function pipeInto(filter: readonly string[], printed: Uint8Array): Buffer {
  return runFilter(filter, (files) => {
    if (files.length > 0) throw usage(`${filter[0]} after a pipe takes no file`);
    return printed;
  });
}
