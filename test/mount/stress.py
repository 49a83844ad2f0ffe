"""Random operations on a directory, the same ones for the same seed; prints what each answered, and what stands there at the end.

Run on two file systems, the outputs are equal. usage: stress.py DIRECTORY SEED OPERATIONS
"""

import ctypes
import errno
import hashlib
import mmap
import os
import random
import stat
import sys

ROOT, SEED, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chmod(ROOT, 0o777)
os.chdir(ROOT)
os.mkdir("in", 0o777)  # links lead one step up
os.chdir("in")
os.umask(0o022)
rng = random.Random(SEED)
libc = ctypes.CDLL(None, use_errno=True)
NAMES = ["a", "b", "c", "d", "\udcff\udcfe", "long" + "n" * 251]
files = []  # open descriptors with their flags


def path():
    depth = rng.choice([1, 1, 1, 2, 2, 3])
    return "/".join(rng.choice(NAMES[:4] if rng.random() < 0.9 else NAMES) for _ in range(depth))


def raw(call, *args):
    if call(*args) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def data():
    return bytes([rng.randrange(1, 256)]) * rng.choice([1, 10, 100, 4096, 5000, 20000, 70000])


def offset():
    return rng.choice([0, 0, 1, 4095, 4096, 10000, 16384, 50000, 65536, 200000])


def open_file():
    flags = os.O_NONBLOCK | rng.choice([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR])  # a FIFO has nobody at its other end
    for extra in [os.O_CREAT, os.O_CREAT, os.O_TRUNC, os.O_APPEND, os.O_EXCL, os.O_NOFOLLOW]:
        if rng.random() < 0.25:
            flags |= extra
    fd = os.open(path(), flags, rng.choice([0o644, 0o600, 0o755, 0o4755]))
    if stat.S_ISREG(os.fstat(fd).st_mode):
        files.append(fd)
        if len(files) > 6:
            os.close(files.pop(rng.randrange(len(files))))
    else:
        os.close(fd)


def a_file():
    if not files:
        raise OSError(errno.EBADF, "no file")
    return rng.choice(files)


def open_nameless():
    fd = os.open(rng.choice([".", path()]), os.O_TMPFILE | os.O_RDWR, 0o640)
    files.append(fd)


def publish():
    raw(libc.linkat, -100, b"/proc/self/fd/%d" % a_file(), -100, os.fsencode(path()), 0x400)


def map_write():
    fd = a_file()
    size = os.fstat(fd).st_size
    if size == 0:
        raise OSError(errno.EINVAL, "empty")
    with mmap.mmap(fd, size) as view:
        at = rng.randrange(size)
        piece = data()[: size - at]
        view[at : at + len(piece)] = piece
        view.flush()
        return hashlib.md5(view[:]).hexdigest()


def read_all(fd):
    digest = hashlib.md5()
    at = 0
    while piece := os.pread(fd, 1 << 16, at):
        digest.update(piece)
        at += len(piece)
    return (at, digest.hexdigest())


def describe(status):
    kind = stat.S_IFMT(status.st_mode)
    size = status.st_size if kind in (stat.S_IFREG, stat.S_IFLNK) else 0
    return (oct(status.st_mode), status.st_nlink, size, status.st_uid, status.st_gid, status.st_rdev)


def times_after():
    """Whether a change shows in the times of the node and its directory."""
    name = path()
    parent = os.path.dirname(name) or "."
    before = os.stat(parent)
    fd = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.close(fd)
    after = os.stat(parent)
    return (after.st_mtime_ns > before.st_mtime_ns, after.st_ctime_ns > before.st_ctime_ns)


def copy_range():
    source, target = a_file(), a_file()
    return os.copy_file_range(source, target, len(data()), offset(), offset())


def as_user(call):
    """Without privileges: permissions and the clearing of setuid are the kernel's."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgid(1000)
            os.setuid(1000)
            call()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        except BaseException:
            os._exit(255)
    return os.waitpid(pid, 0)[1]


def append_as_user():
    name = path()

    def append():
        fd = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
        os.write(fd, b"user")

    return as_user(append)


def truncate_as_user():
    name = path()
    return as_user(lambda: os.truncate(name, 3))


OPERATIONS = {
    "open": (open_file, 12),
    "tmpfile": (open_nameless, 1),
    "publish": (publish, 1),
    "close": (lambda: os.close(files.pop(rng.randrange(len(files)))) if files else None, 2),
    "pwrite": (lambda: os.pwrite(a_file(), data(), offset()), 12),
    "write": (lambda: os.write(a_file(), data()), 6),
    "pread": (lambda: hashlib.md5(os.pread(a_file(), 70000, offset())).hexdigest(), 6),
    "readall": (lambda: read_all(a_file()), 3),
    "ftruncate": (lambda: os.ftruncate(a_file(), offset()), 4),
    "truncate": (lambda: os.truncate(path(), offset()), 3),
    "fallocate": (lambda: raw(libc.fallocate, a_file(), rng.choice([0, 1, 3, 16, 17]), ctypes.c_long(offset()), ctypes.c_long(rng.choice([1, 4096, 10000, 65536]))), 5),
    "mmap": (map_write, 4),
    "copyrange": (copy_range, 3),
    "fstat": (lambda: describe(os.fstat(a_file())), 4),
    "mkdir": (lambda: os.mkdir(path(), rng.choice([0o755, 0o700, 0o1777, 0o2755])), 8),
    "rmdir": (lambda: os.rmdir(path()), 4),
    "unlink": (lambda: os.unlink(path()), 6),
    "rename": (lambda: os.rename(path(), path()), 8),
    "renameat2": (lambda: raw(libc.renameat2, -100, os.fsencode(path()), -100, os.fsencode(path()), rng.choice([1, 2, 3])), 4),
    "link": (lambda: os.link(path(), path(), follow_symlinks=False), 5),
    "symlink": (lambda: os.symlink(rng.choice(["a", "../a", "b/c", "loop", "d"]), path()), 3),
    "readlink": (lambda: os.readlink(path()), 1),
    "mkfifo": (lambda: os.mkfifo(path()), 1),
    "mknod": (lambda: os.mknod(path(), 0o60600, os.makedev(7, 300)), 1),
    "chmod": (lambda: os.chmod(path(), rng.choice([0o644, 0o755, 0o4755, 0o6755, 0o000, 0o1777])), 4),
    "chown": (lambda: os.chown(path(), rng.choice([-1, 0, 1000]), rng.choice([-1, 0, 1000]), follow_symlinks=False), 3),
    "utime": (lambda: os.utime(path(), ns=(rng.choice([0, 10**18, -5]), 10**18 + 7)), 2),
    "stat": (lambda: describe(os.lstat(path())), 6),
    "times": (times_after, 2),
    "list": (lambda: sorted(map(os.fsencode, os.listdir(rng.choice([".", path()])))), 4),
    "setxattr": (lambda: os.setxattr(path(), rng.choice(["user.a", "user.b", "trusted.t", "nonsense.x"]), data()[:200], rng.choice([0, 0, 1, 2])), 3),
    "getxattr": (lambda: hashlib.md5(os.getxattr(path(), "user.a")).hexdigest(), 1),
    "removexattr": (lambda: os.removexattr(path(), "user.a"), 1),
    "fsync": (lambda: os.fsync(a_file()), 1),
    "appenduser": (append_as_user, 1),
    "truncuser": (truncate_as_user, 1),
}
WORDS = list(OPERATIONS)
WEIGHTS = [OPERATIONS[word][1] for word in WORDS]

for step in range(COUNT):
    word = rng.choices(WORDS, WEIGHTS)[0]
    try:
        answer = OPERATIONS[word][0]()
    except OSError as error:
        answer = errno.errorcode[error.errno]
    except ValueError as error:
        answer = str(error)
    print(step, word, answer)

for fd in files:
    os.close(fd)
for directory, names, others in sorted(os.walk(os.fsencode("."))):
    for name in sorted(names + others):
        full = os.path.join(directory, name)
        status = os.lstat(full)
        row = [full, describe(status), status.st_mtime_ns if status.st_mtime_ns == 10**18 + 7 else None]
        if stat.S_ISREG(status.st_mode):
            with open(full, "rb") as file:
                row.append(hashlib.md5(file.read()).hexdigest())
        if not stat.S_ISLNK(status.st_mode):
            row.append(sorted((key, hashlib.md5(os.getxattr(full, key)).hexdigest()) for key in os.listxattr(full) if key != "security.selinux"))
        print(*row)
