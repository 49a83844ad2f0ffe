/** What strace is asked for, so that a replay can follow. */

/** Calls that a replay follows; `?`: not every strace or kernel knows it. */
export const TRACED_CALLS: readonly string[] = [
  'open openat openat2 creat close ?close_range dup dup2 dup3 fcntl read readv pread64 preadv ?preadv2',
  'write writev pwrite64 pwritev ?pwritev2 lseek truncate ftruncate fallocate sendfile splice tee vmsplice',
  '?copy_file_range ioctl mmap mprotect ?pkey_mprotect munmap mremap msync',
  'rename renameat ?renameat2 link linkat symlink symlinkat unlink unlinkat rmdir mkdir mkdirat mknod mknodat',
  'chmod fchmod fchmodat ?fchmodat2 chown lchown fchown fchownat utime utimes utimensat futimesat',
  'setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr chdir fchdir chroot umask',
  'clone ?clone3 fork vfork execve ?execveat exit_group pipe pipe2 socketpair bind sendmsg sendmmsg recvmsg recvmmsg',
  'open_by_handle_at ?pidfd_open ?pidfd_getfd ?io_uring_setup getcwd ?memfd_create unshare setns',
  'setuid setgid setresuid setresgid setreuid setregid setfsuid setfsgid mount umount2 pivot_root ?move_mount',
].flatMap((line) => line.split(' '));

/** Strings of 1 MiB: a longer write is cut, and reported. `raw`: what is read is not needed, and would be most of the log. */
export const STRACE_FLAGS: readonly string[] = [
  '-f',
  '-y',
  '-ttt',
  '-s',
  '1048576',
  '--seccomp-bpf',
  '-e',
  'raw=read,pread64,readv,preadv,preadv2',
];
