/** Every call that is looked at, and what is done for it. To follow one more call: add a row. */

import * as attributes from './calls-attributes.ts';
import * as copies from './calls-copy.ts';
import * as data from './calls-data.ts';
import * as memory from './calls-memory.ts';
import * as names from './calls-names.ts';
import * as opens from './calls-open.ts';
import * as processes from './calls-process.ts';
import * as space from './calls-space.ts';
import type { Outcome, Player } from './player.ts';

/** Names that 32-bit programs and older kernels have for calls of this table. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  mmap2: 'mmap',
  truncate64: 'truncate',
  ftruncate64: 'ftruncate',
  sendfile64: 'sendfile',
  chown32: 'chown',
  lchown32: 'lchown',
  fchown32: 'fchown',
  utimensat_time64: 'utimensat',
  umount: 'umount2',
  fcntl64: 'fcntl',
  setuid32: 'setuid',
  setgid32: 'setgid',
  setfsuid32: 'setfsuid',
  setfsgid32: 'setfsgid',
  setreuid32: 'setreuid',
  setregid32: 'setregid',
  setresuid32: 'setresuid',
  setresgid32: 'setresgid',
  recvmmsg_time64: 'recvmmsg',
};

function tableOf<Call>(calls: Readonly<Record<string, Call>>): ReadonlyMap<string, Call> {
  const others = Object.entries(OTHER_NAMES).flatMap(([other, name]) =>
    name in calls ? [[other, calls[name]] as const] : [],
  );
  return new Map([...Object.entries(calls), ...others]);
}

/** Calls on files: what succeeded when it was recorded has to succeed now. */
export const FILE_CALLS: ReadonlyMap<string, (player: Player) => Outcome> = tableOf({
  open: opens.openCall,
  openat: opens.openatCall,
  openat2: opens.openat2Call,
  creat: opens.creatCall,
  open_by_handle_at: opens.openByHandleCall,
  read: data.readCall,
  readv: data.readCall,
  preadv2: data.vectorReadAt,
  write: data.writeCall,
  pwrite64: data.writeCall,
  writev: data.vectorWrite,
  pwritev: data.vectorWrite,
  pwritev2: data.vectorWrite,
  vmsplice: data.vectorWrite,
  lseek: data.lseekCall,
  _llseek: data.longSeekCall,
  truncate: space.truncateCall,
  ftruncate: space.ftruncateCall,
  fallocate: space.fallocateCall,
  mmap: memory.mmapCall,
  mprotect: memory.mprotectCall,
  pkey_mprotect: memory.mprotectCall,
  munmap: memory.munmapCall,
  mremap: memory.mremapCall,
  copy_file_range: copies.copyCall,
  splice: copies.copyCall,
  sendfile: copies.sendfileCall,
  tee: copies.teeCall,
  ioctl: copies.ioctlCall,
  mkdir: names.mkdirCalls.plain,
  mkdirat: names.mkdirCalls.at,
  mknod: names.mknodCalls.plain,
  mknodat: names.mknodCalls.at,
  unlink: names.unlinkCalls.plain,
  unlinkat: names.unlinkCalls.at,
  rmdir: names.rmdirCalls.plain,
  symlink: names.symlinkCall,
  symlinkat: names.symlinkatCall,
  link: names.linkCall,
  linkat: names.linkatCall,
  rename: names.renameCall,
  renameat: names.renameatCall,
  renameat2: names.renameatCall,
  bind: names.bindCall,
  chdir: names.chdirCall,
  fchdir: names.fchdirCall,
  chroot: names.chrootCall,
  mount: names.mountCall,
  umount2: names.mountCall,
  pivot_root: names.mountCall,
  move_mount: names.mountCall,
  chmod: attributes.chmodCall,
  fchmod: attributes.fchmodCall,
  fchmodat: attributes.fchmodatCall,
  fchmodat2: attributes.fchmodatCall,
  chown: attributes.chownCall,
  lchown: attributes.lchownCall,
  fchown: attributes.fchownCall,
  fchownat: attributes.fchownatCall,
  utime: attributes.utimeCall,
  utimes: attributes.utimeCall,
  utimensat: attributes.utimensatCall,
  futimesat: attributes.utimensatCall,
  setxattr: attributes.setxattrCall,
  lsetxattr: attributes.lsetxattrCall,
  fsetxattr: attributes.fsetxattrCall,
  removexattr: attributes.removexattrCall,
  lremovexattr: attributes.lremovexattrCall,
  fremovexattr: attributes.fremovexattrCall,
});

/** Calls on processes and descriptors. */
export const PROCESS_CALLS: ReadonlyMap<string, processes.ProcessCall> = tableOf({
  close: processes.closeCall,
  close_range: processes.closeRangeCall,
  dup: processes.dupCall,
  dup2: processes.dupCall,
  dup3: processes.dupCall,
  fcntl: processes.fcntlCall,
  pipe: processes.pipeCall,
  pipe2: processes.pipeCall,
  setns: processes.setnsCall,
  pidfd_open: processes.pidfdOpenCall,
  pidfd_getfd: processes.pidfdGetfdCall,
  umask: processes.umaskCall,
  setuid: processes.setuidCall,
  setgid: processes.setgidCall,
  setfsuid: processes.setuidCall,
  setfsgid: processes.setgidCall,
  setreuid: processes.setreuidCall,
  setregid: processes.setregidCall,
  setresuid: processes.setreuidCall,
  setresgid: processes.setregidCall,
  unshare: processes.unshareCall,
  execve: processes.execveCall,
  execveat: processes.execveCall,
  io_uring_setup: processes.ioUringCall,
  sendmsg: processes.sendmsgCall,
  sendmmsg: processes.sendmsgCall,
  recvmsg: processes.recvmsgCall,
  recvmmsg: processes.recvmsgCall,
});

export const CLONE_CALLS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** Calls whose arguments alone tell what they do. */
export const NAME_CALLS: ReadonlySet<string> = new Set([
  'mkdir',
  'mkdirat',
  'unlink',
  'unlinkat',
  'rmdir',
  'symlink',
  'symlinkat',
  'link',
  'linkat',
  'rename',
  'renameat',
  'renameat2',
]);
