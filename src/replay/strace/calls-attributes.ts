/** Calls on mode, owner, times and extended attributes. */

import { chmod, chown, fchmod, fchown, futimens, type TimeArgument, utimens } from '../../engine/calls/attributes.ts';
import { fremovexattr, fsetxattr, removexattr, setxattr } from '../../engine/calls/xattrs.ts';
import { decodeName } from '../../events/name.ts';
import { hasFlag, modeBits, xattrFlags } from './flags.ts';
import type { Target } from './places.ts';
import type { Outcome, Player } from './player.ts';
import { listOf, memberOf, numberOf, stringOf, type Token, wordOf } from './token.ts';

/** The node that a call changes: by path, by descriptor, or by a descriptor and an empty path. */
const byPath = (player: Player, follow: boolean): Target => player.target(player.task.fs.cwd, player.args[0], follow);

const byDescriptor = (player: Player): Target => player.targetOf(player.args[0]);

function at(player: Player, flags: Token | undefined): Target {
  const [directory, path] = player.args;
  const text = stringOf(path);
  if (text === null || text.bytes.length === 0) return byDescriptor(player);
  return player.target(player.start(directory), path, !hasFlag(flags, 'AT_SYMLINK_NOFOLLOW'));
}

export const chmodCall = (player: Player): Outcome => changeMode(player, byPath(player, true), player.args[1]);
export const fchmodCall = (player: Player): Outcome => changeMode(player, byDescriptor(player), player.args[1]);
export const fchmodatCall = (player: Player): Outcome => changeMode(player, at(player, player.args[3]), player.args[2]);

export const chownCall = (player: Player): Outcome => changeOwner(player, byPath(player, true), player.args.slice(1));
export const lchownCall = (player: Player): Outcome => changeOwner(player, byPath(player, false), player.args.slice(1));
export const fchownCall = (player: Player): Outcome => changeOwner(player, byDescriptor(player), player.args.slice(1));
export const fchownatCall = (player: Player): Outcome =>
  changeOwner(player, at(player, player.args[4]), player.args.slice(2));

/** utime(path, {actime, modtime}) and utimes(path, [{tv_sec, tv_usec}, …]). */
export const utimeCall = (player: Player): Outcome => changeTimes(player, byPath(player, true), player.args[1]);
/** utimensat(fd, path, times, flags) and futimesat(fd, path, times); without a path the descriptor's own. */
export const utimensatCall = (player: Player): Outcome =>
  changeTimes(player, at(player, player.args[3]), player.args[2]);

function changeMode(player: Player, target: Target, mode: Token | undefined): Outcome {
  const bits = modeBits(mode);
  if (target.kind === 'outside') return 'outside';
  if (target.kind === 'file') return fchmod(player.handle(target.file), bits) || 'applied';
  return chmod(player.caller, target.start, target.name, bits, false) || 'applied';
}

function changeOwner(player: Player, target: Target, [user, group]: readonly Token[]): Outcome {
  const uid = ownerOf(user);
  const gid = ownerOf(group);
  if (target.kind === 'outside') return 'outside';
  if (target.kind === 'file') return fchown(player.handle(target.file), uid, gid) || 'applied';
  return chown(player.caller, target.start, target.name, uid, gid, false) || 'applied';
}

/** -1 leaves an owner as it is; some calls print it as 4294967295. */
function ownerOf(token: Token | undefined): number {
  const id = numberOf(token);
  return id === 0xffff_ffff || Number.isNaN(id) ? -1 : id;
}

function changeTimes(player: Player, target: Target, times: Token | undefined): Outcome {
  const list = listOf(times);
  const isUtime = memberOf(times, 'actime') !== undefined;
  const [atime, mtime]: readonly TimeArgument[] =
    list === null ? ['now', 'now'] : list.items.map((item) => (isUtime ? seconds(item) : timeOf(item)));
  if (target.kind === 'outside') return 'outside';
  const result =
    target.kind === 'file'
      ? futimens(player.handle(target.file), atime, mtime)
      : utimens(player.caller, target.start, target.name, atime, mtime, false);
  return result || 'applied';
}

const seconds = (token: Token): bigint => BigInt(numberOf(token) || 0) * 1_000_000_000n;

function timeOf(token: Token): TimeArgument {
  if (token.kind === 'word') return token.text === 'UTIME_NOW' ? 'now' : 'omit';
  const nanoseconds = wordOf(memberOf(token, 'tv_nsec'));
  if (nanoseconds === 'UTIME_NOW') return 'now';
  if (nanoseconds === 'UTIME_OMIT') return 'omit';
  const microseconds = memberOf(token, 'tv_usec');
  const fraction = microseconds === undefined ? Number(nanoseconds) : numberOf(microseconds) * 1000;
  return BigInt(numberOf(memberOf(token, 'tv_sec')) || 0) * 1_000_000_000n + BigInt(fraction || 0);
}

export const setxattrCall = (player: Player): Outcome => setAttribute(player, byPath(player, true));
export const lsetxattrCall = (player: Player): Outcome => setAttribute(player, byPath(player, false));
export const fsetxattrCall = (player: Player): Outcome => setAttribute(player, byDescriptor(player));
export const removexattrCall = (player: Player): Outcome => removeAttribute(player, byPath(player, true));
export const lremovexattrCall = (player: Player): Outcome => removeAttribute(player, byPath(player, false));
export const fremovexattrCall = (player: Player): Outcome => removeAttribute(player, byDescriptor(player));

function setAttribute(player: Player, target: Target): Outcome {
  const [, nameToken, valueToken, size, flagsToken] = player.args;
  const name = nameOf(nameToken);
  const value = stringOf(valueToken);
  if (target.kind === 'outside') return 'outside';
  if (value?.isCut || stringOf(nameToken)?.isCut) {
    player.exactness.mark(inoOf(target), name, 'cut-string', player.record.line);
    return 'applied';
  }
  const bytes = value?.bytes.subarray(0, numberOf(size)) ?? Buffer.alloc(0);
  const flags = xattrFlags(flagsToken);
  if (target.kind === 'file') return fsetxattr(player.handle(target.file), name, bytes, flags) || 'applied';
  return setxattr(player.caller, target.start, target.name, name, bytes, flags, false) || 'applied';
}

function removeAttribute(player: Player, target: Target): Outcome {
  const name = nameOf(player.args[1]);
  if (target.kind === 'outside') return 'outside';
  if (target.kind === 'file') return fremovexattr(player.handle(target.file), name) || 'applied';
  return removexattr(player.caller, target.start, target.name, name, false) || 'applied';
}

function nameOf(token: Token | undefined): string {
  const text = stringOf(token);
  return text === null ? '' : decodeName(text.bytes);
}

const inoOf = (target: Exclude<Target, { kind: 'outside' }>): number =>
  target.kind === 'file' ? target.file.ino : target.ino;
