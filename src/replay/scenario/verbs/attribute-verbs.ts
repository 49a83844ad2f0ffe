/** Verbs that change attributes: chmod, chown, setfattr. */

import { isDirectoryMode, isSymlinkMode, PERMISSION_BITS } from '../../../events/mode.ts';
import { encodeName } from '../../../events/name.ts';
import { removexattr, setxattr } from '../../../engine/calls/xattrs.ts';
import { parseOptions } from './options.ts';
import { joinPath, type Shell } from './shell.ts';
import { usage } from './verb-error.ts';

export function chmod(shell: Shell, args: readonly string[]): void {
  const form = 'chmod [-R] MODE PATH…';
  // A mode may begin with a minus (`-w`), which is no option.
  const recursive = args[0] === '-R';
  const [mode, ...paths] = recursive ? args.slice(1) : args;
  if (mode === undefined || paths.length === 0) throw usage(form);
  forEachNode(shell, paths, recursive, (path) => {
    const node = shell.stat(path, !recursive);
    if (!isSymlinkMode(node.mode)) shell.chmod(path, newMode(mode, node.mode, form));
  });
}

/** The permission bits that an octal mode or symbolic clauses (`u+x,go-w`) lead to. */
function newMode(text: string, mode: number, form: string): number {
  if (/^[0-7]{1,5}$/.test(text)) return Number.parseInt(text, 8) & PERMISSION_BITS;
  let bits = mode & PERMISSION_BITS;
  for (const clause of text.split(',')) {
    const match = /^([ugoa]*)([+=-])([rwxXst]*)$/.exec(clause);
    if (match === null) throw usage(form);
    const [, who, action, permissions] = match;
    const isAll = who === '' || who.includes('a');
    const scope =
      (isAll || who.includes('u') ? 0o4700 : 0) |
      (isAll || who.includes('g') ? 0o2070 : 0) |
      (isAll || who.includes('o') ? 0o0007 : 0);
    const executes =
      permissions.includes('x') || (permissions.includes('X') && (isDirectoryMode(mode) || (mode & 0o111) !== 0));
    const wanted =
      (permissions.includes('r') ? 0o444 : 0) |
      (permissions.includes('w') ? 0o222 : 0) |
      (executes ? 0o111 : 0) |
      (permissions.includes('s') ? 0o6000 : 0);
    const sticky = permissions.includes('t') && (isAll || who.includes('o')) ? 0o1000 : 0;
    const set = (wanted & scope) | sticky;
    if (action === '+') bits |= set;
    else if (action === '-') bits &= ~set;
    else bits = (bits & ~(scope | (isAll ? 0o1000 : 0))) | set;
  }
  return bits;
}

export function chown(shell: Shell, args: readonly string[]): void {
  const form = 'chown [-h] [-R] UID[:GID] PATH…';
  const { flags, rest } = parseOptions(args, 'hR', form);
  const [owner = '', ...paths] = rest;
  const match = /^(\d{1,10})?(?::(\d{1,10}))?$/.exec(owner);
  if (match === null || owner === '' || paths.length === 0) throw usage(form);
  const uid = Number(match[1] ?? -1);
  const gid = Number(match[2] ?? -1);
  const follow = !flags.has('h') && !flags.has('R');
  forEachNode(shell, paths, flags.has('R'), (path) => shell.chown(path, uid, gid, follow));
}

export function setfattr(shell: Shell, args: readonly string[]): void {
  const form = 'setfattr [-h] (-n NAME [-v VALUE] | -x NAME) PATH…';
  const { flags, values, rest } = parseOptions(args, 'hn:v:x:', form);
  const name = values.get('n');
  const removed = values.get('x');
  if (rest.length === 0 || (name === undefined) === (removed === undefined)) throw usage(form);
  const { caller } = shell;
  const follow = !flags.has('h');
  const value = encodeName(values.get('v') ?? '');
  for (const path of rest) {
    const result =
      name === undefined
        ? removexattr(caller, caller.cwd, path, removed as string, follow)
        : setxattr(caller, caller.cwd, path, name, value, 0, follow);
    shell.expect(result, path);
  }
}

function forEachNode(shell: Shell, paths: readonly string[], recursive: boolean, act: (path: string) => void): void {
  for (const path of paths) {
    act(path);
    if (!recursive || !isDirectoryMode(shell.stat(path, false).mode)) continue;
    const children = shell.list(path).map(({ name }) => joinPath(path, name));
    forEachNode(shell, children, true, act);
  }
}
