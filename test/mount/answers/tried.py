"""What cases are made of: users, kinds of files, and what a call gave and changed."""

import ctypes
import errno
import json
import os
import socket
import stat
import time

libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400

# Seconds; more than a tick of the clock that a file system may take its times from.
TICK = 0.012

ROOT = (0, 0, [])
ALICE = (1001, 1001, [])
BOB = (1002, 1002, [])
MEMBER = (1003, 1003, [1001])
USERS = {"root": ROOT, "alice": ALICE, "bob": BOB, "member": MEMBER}

KINDS = ["file", "dir", "fifo", "chr", "blk", "sock", "link"]


def answer(call, *arguments, **options):
    """What a call returns, or the name of its error."""
    try:
        return call(*arguments, **options)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))


def by(user, call):
    """What a function returns that a user calls, in a process of its own."""
    uid, gid, groups = user
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups(groups)
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            result = answer(call)
        except BaseException as error:
            result = repr(error)
        os.write(send, json.dumps(result, default=repr).encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as stream:
        result = json.load(stream)
    os.waitpid(child, 0)
    return result


def link_open(descriptor, path):
    """Gives a name to what is open; link(2), which os.link calls, would not follow the link in /proc."""
    if libc.linkat(AT_FDCWD, b"/proc/self/fd/%d" % descriptor, AT_FDCWD, os.fsencode(path), AT_SYMLINK_FOLLOW) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def make(kind, path, mode=0o644, owner=None):
    if kind == "file":
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
    elif kind == "dir":
        os.mkdir(path, mode)
    elif kind == "fifo":
        os.mkfifo(path, mode)
    elif kind == "chr":
        os.mknod(path, stat.S_IFCHR | mode, os.makedev(1, 3))
    elif kind == "blk":
        os.mknod(path, stat.S_IFBLK | mode, os.makedev(7, 99))
    elif kind == "sock":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path)
    elif kind == "link":
        os.symlink("nowhere", path)
    if kind != "link":
        os.chmod(path, mode)
    if owner is not None:
        os.chown(path, owner[0], owner[1], follow_symlinks=False)


def shown(path):
    """What stands there."""
    try:
        st = os.lstat(path)
    except OSError as error:
        return errno.errorcode[error.errno]
    row = [stat.filemode(st.st_mode), st.st_uid, st.st_gid, st.st_nlink]
    # What a directory has for a size is its file system's own.
    if not stat.S_ISDIR(st.st_mode):
        row.append(st.st_size)
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        row.append([os.major(st.st_rdev), os.minor(st.st_rdev)])
    return row


def clocks(path):
    """Times of reading are no part of it: a mount without them (noatime) is what most people want."""
    st = os.lstat(path)
    return {"m": st.st_mtime_ns, "c": st.st_ctime_ns}


def moved(call, *paths, renamed=()):
    """What a call gave, and which times it moved: of these paths, and of the nodes that had the renamed ones."""
    nodes = {path: os.lstat(path).st_ino for path in renamed if os.path.lexists(path)}
    before = {path: answer(clocks, path) for path in [*paths, *nodes]}
    time.sleep(TICK)
    result = answer(call)
    after = {path: answer(clocks, path) for path in paths}
    for path, number in nodes.items():
        now = next((other for other in renamed if os.path.lexists(other) and os.lstat(other).st_ino == number), None)
        after[path] = "gone" if now is None else clocks(now)
    times = {}
    for path in before:
        if isinstance(before[path], str) or isinstance(after[path], str):
            times[path] = [type(before[path]).__name__, type(after[path]).__name__]
        else:
            times[path] = "".join(name for name in "mc" if after[path][name] != before[path][name])
    return [result if isinstance(result, (str, int, list, type(None))) else repr(result), times]
