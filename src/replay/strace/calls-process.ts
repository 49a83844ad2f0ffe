/** Calls on processes and descriptors: nothing in the tree changes by them, but what later calls mean. */

import { O_APPEND } from '../../engine/open-files.ts';
import { Description } from './descriptors.ts';
import { hasFlag, modeBits } from './flags.ts';
import { Mappings } from './mappings.ts';
import { Pipe } from './pipe.ts';
import type { Player } from './player.ts';
import { decodeName } from '../../events/name.ts';
import { type ListToken, listOf, memberOf, numberOf, stringOf, type Token, wordOf } from './token.ts';

/** What a call answers that is about processes: it is counted neither as applied nor as outside. */
export type ProcessCall = (player: Player) => void;

/** The descriptor goes only if it is still the one that the call was about: another thread may have its number already. */
export const closeCall: ProcessCall = (player) => {
  const number = numberOf(player.args[0]);
  const atStart = player.descriptorAtStart(number);
  const { table } = player.task;
  if (atStart === undefined || table.get(number) === atStart) table.close(number);
};

export const closeRangeCall: ProcessCall = (player) => {
  const [first, last, flags] = player.args;
  if (hasFlag(flags, 'CLOSE_RANGE_UNSHARE')) player.task.ownTable();
  const { table } = player.task;
  if (hasFlag(flags, 'CLOSE_RANGE_CLOEXEC')) table.markRange(numberOf(first), numberOf(last));
  else table.closeRange(numberOf(first), numberOf(last));
};

export const dupCall: ProcessCall = (player) => {
  const [from, , flags] = player.args;
  duplicate(player, from, player.value, player.record.name === 'dup3' && hasFlag(flags, 'O_CLOEXEC'));
};

function duplicate(player: Player, from: Token | undefined, to: number, closesOnExec: boolean): void {
  if (numberOf(from) === to) return;
  const path = player.record.result.path;
  const description =
    player.description(from) ?? new Description({ path: path === null ? '' : decodeName(path.bytes) });
  player.task.table.set(to, description, closesOnExec);
}

export const fcntlCall: ProcessCall = (player) => {
  const [fd, command, argument] = player.args;
  switch (wordOf(command)) {
    case 'F_DUPFD':
    case 'F_DUPFD_CLOEXEC':
      duplicate(player, fd, player.value, wordOf(command) === 'F_DUPFD_CLOEXEC');
      return;
    case 'F_SETFD': {
      const descriptor = player.descriptor(fd);
      if (descriptor !== undefined) descriptor.closesOnExec = hasFlag(argument, 'FD_CLOEXEC');
      return;
    }
    case 'F_SETFL': {
      const file = player.description(fd)?.file;
      if (file) file.flags = (file.flags & ~O_APPEND) | (hasFlag(argument, 'O_APPEND') ? O_APPEND : 0);
      return;
    }
    default:
  }
};

export const pipeCall: ProcessCall = (player) => {
  const [ends, flags] = player.args;
  const pipe = new Pipe();
  for (const end of listOf(ends)?.items ?? []) {
    player.task.table.set(numberOf(end), new Description({ pipe, path: 'pipe' }), hasFlag(flags, 'O_CLOEXEC'));
  }
};

export const umaskCall: ProcessCall = (player) => {
  player.task.fs.umask = modeBits(player.args[0]);
};

/** The file system ids follow the effective ones; -1 leaves an id as it is. */
const setId =
  (which: 'uid' | 'gid', argument: number): ProcessCall =>
  (player) => {
    const id = numberOf(player.args[argument]);
    if (id >= 0 && id !== 0xffff_ffff) player.task[which] = id;
  };

export const setuidCall = setId('uid', 0);
export const setgidCall = setId('gid', 0);
export const setreuidCall = setId('uid', 1);
export const setregidCall = setId('gid', 1);

export const unshareCall: ProcessCall = (player) => {
  const [flags] = player.args;
  const { task } = player;
  if (hasFlag(flags, 'CLONE_FILES')) task.ownTable();
  if (hasFlag(flags, 'CLONE_FS') || hasFlag(flags, 'CLONE_NEWNS')) task.fs = { ...task.fs };
  if (hasFlag(flags, 'CLONE_NEWUSER')) player.uncertain('unshare: owners in a user namespace are not mapped');
};

/** Into a namespace that others made. Of a mount namespace nothing is known; others do not change what paths mean. */
export const setnsCall: ProcessCall = (player) => {
  const [fd, type] = player.args;
  const path = fd?.kind === 'word' && fd.path !== null ? fd.path.text : '';
  const kinds = `${wordOf(type)} ${path}`;
  if (/CLONE_NEWNS|\bmnt:/.test(kinds))
    player.uncertain('setns: what paths lead to in another mount namespace is not followed');
  if (/CLONE_NEWUSER|\buser:/.test(kinds)) player.uncertain('setns: owners in a user namespace are not mapped');
};

/** pidfd_open: so that pidfd_getfd knows whose descriptors it takes. */
export const pidfdOpenCall: ProcessCall = (player) => {
  const pid = numberOf(player.args[0]);
  player.task.table.set(player.value, new Description({ pid, path: 'pidfd' }), true);
};

/** A descriptor of another process: the same open file, with the same offset. */
export const pidfdGetfdCall: ProcessCall = (player) => {
  const [pidfd, number] = player.args;
  const { path } = player.record.result;
  const pid = player.description(pidfd)?.pid ?? null;
  const owner = pid === null ? undefined : player.tasks.get(pid);
  const found =
    owner?.table.get(numberOf(number))?.description ?? (path === null ? undefined : player.adopt(path, 0o2));
  player.task.table.set(player.value, found ?? new Description({ path: 'pidfd_getfd' }), true);
};

export const execveCall: ProcessCall = (player) => {
  const { task, args, record } = player;
  task.ownTable();
  task.memory = new Mappings();
  task.table.closeOnExec();
  const path = stringOf(args[record.name === 'execveat' ? 1 : 0]);
  if (path !== null) task.program.name = decodeName(path.bytes).replace(/^.*\//s, '');
};

/** The log has no trace of what goes through the ring. */
export const ioUringCall: ProcessCall = (player) => {
  player.uncertain(`io_uring: what process ${player.record.pid} did through it is not in the log`);
};

/** sendmsg and sendmmsg: descriptors in SCM_RIGHTS are on their way until somebody receives them. */
export const sendmsgCall: ProcessCall = (player) => {
  for (const token of passed(player.args[1])) {
    const description = player.description(token);
    if (description === undefined) continue;
    description.hold();
    player.passing.push({ description, path: notedText(token) });
  }
};

const SENDING: ReadonlySet<string> = new Set(['sendmsg', 'sendmmsg']);

/** The first descriptor on its way that strace saw under the same path. */
export const recvmsgCall: ProcessCall = (player) => {
  const closesOnExec = /MSG_CMSG_CLOEXEC/.test(wordOf(player.args[2]) + wordOf(player.args[3]));
  for (const token of passed(player.args[1])) {
    const path = notedText(token);
    const find = (): number => player.passing.findIndex((each) => each.path === path);
    let index = find();
    // It can arrive before the call that sends it has returned.
    while (index < 0 && player.applyEarly(SENDING)) index = find();
    if (index < 0) {
      const known = token.kind === 'word' ? token.path : null;
      if (known !== null) player.task.table.set(numberOf(token), player.adopt(known, 0o2), closesOnExec);
      continue;
    }
    const [{ description }] = player.passing.splice(index, 1);
    player.task.table.set(numberOf(token), description, closesOnExec);
    description.release();
  }
};

/** Descriptors in the control data of a message, or of several. */
function passed(message: Token | undefined): Token[] {
  const list = listOf(message);
  if (list === null) return [];
  const control = listOf(memberOf(list, 'msg_control'));
  if (control !== null) return control.items.filter(isRights).flatMap((item) => dataOf(item)?.items ?? []);
  return list.items.flatMap((item) => passed(memberOf(item, 'msg_hdr')));
}

const isRights = (item: Token): boolean => wordOf(memberOf(item, 'cmsg_type')) === 'SCM_RIGHTS';

const dataOf = (item: Token): ListToken | null => listOf(memberOf(item, 'cmsg_data'));

const notedText = (token: Token): string => (token.kind === 'word' && token.path !== null ? token.path.text : '');
