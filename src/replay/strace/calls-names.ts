/** Calls that make, move and remove names. */

import {
  link,
  linkFile,
  mkdir,
  mknod,
  rename,
  RENAME_EXCHANGE,
  rmdir,
  symlink,
  unlink,
} from '../../engine/calls/names.ts';
import { EXDEV } from '../../engine/errno.ts';
import { S_IFSOCK } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import { deviceOf, hasFlag, modeBits, renameFlags } from './flags.ts';
import type { NameUse } from './name-races.ts';
import type { Place } from './place.ts';
import type { Target } from './places.ts';
import type { Outcome, Player } from './player.ts';
import { memberOf, stringOf, type Token, wordOf } from './token.ts';

type Inside = Extract<Target, { kind: 'inside' }>;

/** Makes a handler of a call on one name, in the form without and the one with a directory's descriptor. */
function onName(make: (player: Player, at: Inside, rest: readonly Token[]) => number, use: NameUse | null = null) {
  const apply = (player: Player, start: Place, path: Token | undefined, rest: readonly Token[]): Outcome => {
    const target = player.target(start, path, false);
    if (target.kind !== 'inside') return 'outside';
    const error = make(player, target, rest);
    if (error !== 0) return error;
    if (use !== null) player.used(target, use);
    return 'applied';
  };
  return {
    plain: (player: Player): Outcome => apply(player, player.task.fs.cwd, player.args[0], player.args.slice(1)),
    at: (player: Player): Outcome => apply(player, player.start(player.args[0]), player.args[1], player.args.slice(2)),
  };
}

export const mkdirCalls = onName((player, { start, name }, [mode]) =>
  mkdir(player.caller, start, name, modeBits(mode)),
);

export const mknodCalls = onName((player, { start, name }, [mode, device]) =>
  mknod(player.caller, start, name, modeBits(mode), deviceOf(device)),
);

export const unlinkCalls = onName(
  (player, { start, name }, [flags]) =>
    hasFlag(flags, 'AT_REMOVEDIR') ? rmdir(player.caller, start, name) : unlink(player.caller, start, name),
  'take',
);

export const rmdirCalls = onName((player, { start, name }) => rmdir(player.caller, start, name));

export function symlinkCall(player: Player): Outcome {
  const [target, path] = player.args;
  return makeSymlink(player, target, player.task.fs.cwd, path);
}

export function symlinkatCall(player: Player): Outcome {
  const [target, directory, path] = player.args;
  return makeSymlink(player, target, player.start(directory), path);
}

function makeSymlink(player: Player, text: Token | undefined, start: Place, path: Token | undefined): Outcome {
  const at = player.target(start, path, false);
  if (at.kind !== 'inside') return 'outside';
  const target = stringOf(text);
  return symlink(player.caller, target === null ? '' : decodeName(target.bytes), at.start, at.name) || 'applied';
}

/** bind(2) of a socket with a path makes a node. */
export function bindCall(player: Player): Outcome {
  const path = memberOf(player.args[1], 'sun_path');
  const target = player.target(player.task.fs.cwd, path, false);
  if (target.kind !== 'inside') return 'outside';
  return mknod(player.caller, target.start, target.name, S_IFSOCK | 0o777, 0) || 'applied';
}

export function linkCall(player: Player): Outcome {
  const [from, to] = player.args;
  const { cwd } = player.task.fs;
  return makeLink(player, player.target(cwd, from, false), player.target(cwd, to, false));
}

export function linkatCall(player: Player): Outcome {
  const [fromDirectory, from, toDirectory, to, flags] = player.args;
  const isEmpty = stringOf(from)?.bytes.length === 0;
  const follow = hasFlag(flags, 'AT_SYMLINK_FOLLOW');
  const source = isEmpty ? player.targetOf(fromDirectory) : player.target(player.start(fromDirectory), from, follow);
  return makeLink(player, source, player.target(player.start(toDirectory), to, false));
}

function makeLink(player: Player, from: Target, to: Target): Outcome {
  if (from.kind === 'outside' && to.kind === 'outside') return 'outside';
  if (from.kind === 'outside' || to.kind !== 'inside') return EXDEV;
  const { caller } = player;
  if (from.kind === 'file') return linkFile(caller, from.file, to.start, to.name) || 'applied';
  return link(caller, from.start, from.name, to.start, to.name, false) || 'applied';
}

export function renameCall(player: Player): Outcome {
  const [from, to] = player.args;
  const { cwd } = player.task.fs;
  return move(player, player.target(cwd, from, false), player.target(cwd, to, false), 0);
}

/** renameat and renameat2. */
export function renameatCall(player: Player): Outcome {
  const [fromDirectory, from, toDirectory, to, flags] = player.args;
  const source = player.target(player.start(fromDirectory), from, false);
  const target = player.target(player.start(toDirectory), to, false);
  return move(player, source, target, renameFlags(flags));
}

function move(player: Player, from: Target, to: Target, flags: number): Outcome {
  if (from.kind === 'outside' && to.kind === 'outside') return 'outside';
  if (from.kind !== 'inside' || to.kind !== 'inside') return EXDEV;
  const error = rename(player.caller, from.start, from.name, to.start, to.name, flags);
  if (error !== 0) return error;
  player.used(from, flags & RENAME_EXCHANGE ? 'put' : 'take');
  player.used(to, 'put');
  return 'applied';
}

export function chdirCall(player: Player): Outcome {
  const place = player.directory(player.target(player.task.fs.cwd, player.args[0], true));
  player.task.fs.cwd = place;
  return place.ino === 0 ? 'outside' : 'applied';
}

export function fchdirCall(player: Player): Outcome {
  player.task.fs.cwd = player.start(player.args[0]);
  return player.task.fs.cwd.ino === 0 ? 'outside' : 'applied';
}

export function chrootCall(player: Player): Outcome {
  const place = player.directory(player.target(player.task.fs.cwd, player.args[0], true));
  player.task.fs.root = place;
  return place.ino === 0 ? 'outside' : 'applied';
}

/** mount, umount2, pivot_root and the like move what paths mean; that is not followed. */
export function mountCall(player: Player): Outcome {
  const { name, args } = player.record;
  if (hasFlag(args[3], 'MS_REC') && wordOf(args[2]) === 'NULL' && stringOf(args[1])?.text === '/') return 'outside';
  player.uncertain(`${name}: what paths lead to afterwards is not followed`);
  return 'applied';
}
