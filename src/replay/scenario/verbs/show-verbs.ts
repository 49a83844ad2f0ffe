/** Verbs that look: cat, head, tail, wc, stat, ls, find, readlink, test, getfattr. */

import { isDirectoryMode, isFileMode, isSymlinkMode, kindOf } from '../../../events/mode.ts';
import { getxattr, listxattr } from '../../../engine/calls/xattrs.ts';
import { formatListing, formatStat } from './stat-format.ts';
import { runFilter } from './filters.ts';
import { parseOptions } from './options.ts';
import { joinPath, type Shell, textOf } from './shell.ts';
import { usage, verbError } from './verb-error.ts';

export function cat(shell: Shell, args: readonly string[]): void {
  if (args.length === 0) throw usage('cat FILE…');
  for (const path of args) shell.printBytes(shell.read(path));
}

/** head, tail and wc with files. */
export function filterFiles(shell: Shell, args: readonly string[]): void {
  shell.printBytes(
    runFilter([shell.verb, ...args], (files) => {
      if (files.length === 0) throw usage(`${shell.verb} [-c BYTES | -n LINES] FILE…`);
      return Buffer.concat(files.map((path) => shell.read(path)));
    }),
  );
}

export function stat(shell: Shell, args: readonly string[]): void {
  const form = 'stat [-L] [-c FORMAT] PATH…';
  const { flags, values, rest } = parseOptions(args, 'Lc:', form);
  if (rest.length === 0) throw usage(form);
  for (const path of rest) {
    const node = shell.stat(path, flags.has('L'));
    const target = isSymlinkMode(node.mode) ? shell.shown(shell.readlink(path)) : null;
    shell.print(`${formatStat(values.get('c') ?? '%n %F %a %u:%g %s', shell.shown(path), node, target)}\n`);
  }
}

export function ls(shell: Shell, args: readonly string[]): void {
  const { flags, rest } = parseOptions(args, 'aAl1dR', 'ls [-aAl1dR] [PATH…]');
  const paths = rest.length === 0 ? ['.'] : rest;
  for (const path of paths) {
    const node = shell.stat(path, !flags.has('l') || path.endsWith('/'));
    if (flags.has('d') || !isDirectoryMode(node.mode)) line(shell, path, path, flags);
    else listDirectory(shell, path, flags, paths.length > 1);
  }
}

function listDirectory(shell: Shell, path: string, flags: ReadonlySet<string>, named: boolean): void {
  if (named || flags.has('R')) shell.print(`${shell.shown(path)}:\n`);
  const entries = shell.list(path).map(({ name }) => name);
  const dots = flags.has('a') ? ['.', '..'] : [];
  const shown = entries.filter((name) => flags.has('a') || flags.has('A') || !name.startsWith('.'));
  for (const name of [...dots, ...shown]) line(shell, joinPath(path, name), name, flags);
  if (!flags.has('R')) return;
  for (const name of shown) {
    const child = joinPath(path, name);
    if (isDirectoryMode(shell.stat(child, false).mode)) listDirectory(shell, child, flags, true);
  }
}

function line(shell: Shell, path: string, name: string, flags: ReadonlySet<string>): void {
  if (!flags.has('l')) return shell.print(`${shell.shown(name)}\n`);
  const node = shell.stat(path, false);
  const target = isSymlinkMode(node.mode) ? shell.shown(shell.readlink(path)) : null;
  shell.print(`${formatListing(shell.shown(name), node, target)}\n`);
}

export function find(shell: Shell, args: readonly string[]): void {
  const form = 'find [PATH…] [-name PATTERN] [-type f|d|l|p|c|b|s]';
  const paths: string[] = [];
  let name: RegExp | null = null;
  let type: string | null = null;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === '-name') name = globPattern(args[++index] ?? '');
    else if (arg === '-type') type = args[++index] ?? '';
    else if (arg.startsWith('-')) throw usage(form);
    else paths.push(arg);
  }
  if (type !== null && !/^[fdlpcbs]$/.test(type)) throw usage(form);
  for (const path of paths.length === 0 ? ['.'] : paths) visit(path);

  function visit(path: string): void {
    const { mode } = shell.stat(path, false);
    const isNamed = name === null || name.test(path.slice(path.lastIndexOf('/') + 1));
    if (isNamed && (type === null || TYPE_LETTERS[kindOf(mode)] === type)) shell.print(`${shell.shown(path)}\n`);
    if (isDirectoryMode(mode)) for (const entry of shell.list(path)) visit(joinPath(path, entry.name));
  }
}

export function readlink(shell: Shell, args: readonly string[]): void {
  if (args.length === 0) throw usage('readlink PATH…');
  for (const path of args) shell.print(`${shell.readlink(path)}\n`);
}

/** Says yes by succeeding and no by the code `1`. */
export function test(shell: Shell, args: readonly string[]): void {
  const [first, ...more] = args;
  const isNegated = first === '!';
  const [flag = '', path] = isNegated ? more : args;
  if (path === undefined || !/^-[edfLhs]$/.test(flag) || args.length > (isNegated ? 3 : 2)) {
    throw usage('test [!] -e|-f|-d|-L|-s PATH');
  }
  const node = shell.tryStat(path, flag !== '-L' && flag !== '-h');
  if (holds(flag, node) === isNegated) throw verbError('1', `test: ${args.join(' ')} does not hold`);
}

function holds(flag: string, node: ReturnType<Shell['tryStat']>): boolean {
  if (typeof node === 'number') return false;
  if (flag === '-f') return isFileMode(node.mode);
  if (flag === '-d') return isDirectoryMode(node.mode);
  if (flag === '-s') return node.size > 0;
  return flag === '-e' || isSymlinkMode(node.mode);
}

/** The value of one attribute, or all of them as `name="value"`. */
export function getfattr(shell: Shell, args: readonly string[]): void {
  const form = 'getfattr [-h] [-n NAME] PATH';
  const { flags, values, rest } = parseOptions(args, 'hdn:', form);
  const [path, extra] = rest;
  if (path === undefined || extra !== undefined) throw usage(form);
  const { caller } = shell;
  const follow = !flags.has('h');
  const value = (name: string): Uint8Array => {
    const bytes = getxattr(caller, caller.cwd, path, name, follow);
    return typeof bytes === 'number' ? (shell.expect(bytes, path) as never) : bytes;
  };
  const name = values.get('n');
  if (name !== undefined) {
    shell.print(`${textOf(value(name))}\n`);
    return;
  }
  const all = listxattr(caller, caller.cwd, path, follow);
  if (typeof all === 'number') shell.expect(all, path);
  else for (const each of all) shell.print(`${each}="${textOf(value(each))}"\n`);
}

const TYPE_LETTERS = { file: 'f', dir: 'd', symlink: 'l', fifo: 'p', chr: 'c', blk: 'b', sock: 's' } as const;

/** `*` and `?` of a file name, by bytes of its printable form. */
function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(/[*?]|[^*?]/gs, (char) => {
    if (char === '*') return '.*';
    return char === '?' ? '.' : char.replaceAll(/[\\^$.+()[\]{}|/]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`, 's');
}
