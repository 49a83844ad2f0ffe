/** Calls that open files, and what becomes of their descriptors. */

import { open } from '../../engine/calls/open.ts';
import { ftruncate } from '../../engine/calls/space.ts';
import {
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  OpenFile,
} from '../../engine/open-files.ts';
import { isDirectoryMode, isFileMode, isSymlinkMode } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import { Description } from './descriptors.ts';
import { expectNames, hasFlag, modeBits, openFlags } from './flags.ts';
import type { Place } from './place.ts';
import type { Target } from './places.ts';
import type { Outcome, Player } from './player.ts';
import { memberOf, stringOf, type Token } from './token.ts';

export function openCall(player: Player): Outcome {
  const [path, flags, mode] = player.args;
  return openAt(player, player.task.fs.cwd, path, flags, modeBits(mode));
}

export function openatCall(player: Player): Outcome {
  const [directory, path, flags, mode] = player.args;
  return openAt(player, player.start(directory), path, flags, modeBits(mode));
}

export function openat2Call(player: Player): Outcome {
  const [directory, path, how] = player.args;
  const start = player.start(directory);
  const root = hasFlag(memberOf(how, 'resolve'), 'RESOLVE_IN_ROOT') ? start : undefined;
  return openAt(player, start, path, memberOf(how, 'flags'), modeBits(memberOf(how, 'mode')), root);
}

export function creatCall(player: Player): Outcome {
  const [path, mode] = player.args;
  return opened(
    player,
    player.target(player.task.fs.cwd, path, true),
    O_WRONLY | O_CREAT | O_TRUNC,
    modeBits(mode),
    false,
  );
}

/** open_by_handle_at: strace tells what it found. */
export function openByHandleCall(player: Player): Outcome {
  const { path, isDeleted } = player.record.result;
  if (path === null || isDeleted) return 'outside';
  const flags = player.args[2];
  player.task.table.set(player.value, player.adopt(path, openFlags(flags)), hasFlag(flags, 'O_CLOEXEC'));
  return 'applied';
}

function openAt(
  player: Player,
  start: Place,
  path: Token | undefined,
  flagsToken: Token | undefined,
  mode: number,
  root?: Place,
): Outcome {
  expectNames(flagsToken, player.record.line);
  const flags = openFlags(flagsToken);
  const isTemporary = (flags & O_TMPFILE) === O_TMPFILE;
  const isExclusive = (flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL) && !isTemporary;
  const follow = !(flags & O_NOFOLLOW) && !isExclusive;
  const text = stringOf(path);
  const target: Target =
    text === null
      ? { kind: 'outside', path: '' }
      : player.places.resolve(player.task, start, decodeName(text.bytes), follow, root);
  return opened(player, target, flags, mode, hasFlag(flagsToken, 'O_CLOEXEC'));
}

function opened(player: Player, target: Target, flags: number, mode: number, closesOnExec: boolean): Outcome {
  const { path: noted, isDeleted } = player.record.result;
  const notedText = noted === null ? null : decodeName(noted.bytes);
  const isNotedInside = notedText !== null && player.places.inTree(notedText) !== null;
  const set = (description: Description): void => {
    player.task.table.set(player.value, description, closesOnExec);
  };
  if (target.kind === 'outside') {
    if (!isNotedInside || isDeleted) {
      set(new Description({ path: notedText ?? target.path }));
      return 'outside';
    }
    // A symbolic link outside the tree led into it: what it led to is what strace saw.
    const resolved = player.places.resolve(player.task, player.task.fs.cwd, notedText, true, { ino: 0, path: '/' });
    if (resolved.kind !== 'outside') return opened(player, resolved, flags, mode, closesOnExec);
  }
  if (target.kind === 'file') {
    set(new Description({ file: reopen(target.file, flags) }));
    return 'applied';
  }
  if (target.kind !== 'inside') return 'outside';
  const node = target.ino === 0 ? undefined : player.namespace.root.overlay.tree.get(target.ino);
  if (node !== undefined && !(flags & O_PATH)) {
    const isPlain = isFileMode(node.mode) || isDirectoryMode(node.mode) || isSymlinkMode(node.mode);
    if (!isPlain) {
      set(new Description({ path: notedText ?? '' }));
      return 'applied';
    }
  }
  const existed = target.ino !== 0;
  const file = open(player.caller, target.start, target.name, flags, mode);
  if (typeof file === 'number') {
    set(new Description({ path: notedText ?? '' }));
    return file;
  }
  set(new Description({ file }));
  const opens = file.canWrite && (flags & (O_CREAT | O_EXCL)) !== (O_CREAT | O_EXCL);
  if (opens && (flags & O_CREAT || existed)) player.used(target, 'find');
  if (flags & O_TRUNC && file.canWrite) {
    const whole = { from: 0, to: Number.POSITIVE_INFINITY };
    player.accessed(file, { ...whole, isWrite: true, isAppend: false, offsetOf: null });
  }
  return 'applied';
}

/** Another description of an open file that has no name, through /proc. */
function reopen(file: OpenFile, flags: number): OpenFile {
  const { namespace, mount, ino, parent, name, path } = file;
  const again = new OpenFile({
    namespace,
    mount,
    ino,
    flags: flags & ~(O_CREAT | O_TRUNC),
    parent,
    name,
    path,
    identity: null,
  });
  namespace.files.add(again);
  if (flags & O_TRUNC && flags & (O_WRONLY | O_RDWR)) ftruncate(again, 0);
  return again;
}
