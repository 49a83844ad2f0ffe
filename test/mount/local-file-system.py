"""What programs expect of a local file system, tried in a directory; prints one line for each expectation, `ok` or what went wrong.

usage: local-file-system.py DIRECTORY NAMES
"""

import ctypes
import errno
import fcntl
import mmap
import os
import sys

ROOT, NAMES = sys.argv[1], int(sys.argv[2])
os.chdir(ROOT)
libc = ctypes.CDLL(None, use_errno=True)


def many_names():
    os.mkdir("many")
    for index in range(NAMES):
        os.close(os.open(f"many/name-{index}", os.O_CREAT | os.O_WRONLY))
    found = {entry.name: entry.inode() for entry in os.scandir("many")}
    assert len(found) == NAMES, len(found)
    for index in range(0, NAMES, max(1, NAMES // 100)):
        assert found[f"name-{index}"] == os.stat(f"many/name-{index}").st_ino


def appending():
    """What several processes append lies there whole, in some order."""
    children = []
    for letter in b"abcd":
        pid = os.fork()
        if pid == 0:
            file = os.open("appended", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            for _ in range(200):
                os.write(file, bytes([letter]) * 99 + b"\n")
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    lines = open("appended", "rb").read().split(b"\n")[:-1]
    assert len(lines) == 800 and all(len(line) == 99 and len(set(line)) == 1 for line in lines), len(lines)


def refused(call):
    """Whether a call fails in another process."""
    pid = os.fork()
    if pid == 0:
        try:
            call()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def locks():
    file = os.open("locked", os.O_CREAT | os.O_RDWR)
    os.write(file, b"0" * 100)
    fcntl.flock(file, fcntl.LOCK_EX)
    again = lambda: fcntl.flock(os.open("locked", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert refused(again) == errno.EAGAIN
    fcntl.flock(file, fcntl.LOCK_UN)
    assert refused(again) == 0
    fcntl.lockf(file, fcntl.LOCK_EX, 10, 20)
    part = lambda start: fcntl.lockf(os.open("locked", os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, 10, start)
    assert refused(lambda: part(25)) == errno.EAGAIN
    assert refused(lambda: part(40)) == 0


def shared_memory():
    file = os.open("mapped", os.O_CREAT | os.O_RDWR)
    os.ftruncate(file, 100_000)
    with mmap.mmap(file, 100_000) as view:
        pid = os.fork()
        if pid == 0:
            with mmap.mmap(os.open("mapped", os.O_RDWR), 100_000) as other:
                other[70_000:70_005] = b"other"
                other.flush()
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        assert view[70_000:70_005] == b"other"
        view[5:9] = b"mine"
        view.flush()
    assert os.pread(file, 4, 5) == b"mine"


def telling_and_seeking():
    """telldir(3) and seekdir(3), with names that go and come meanwhile."""
    os.mkdir("seek")
    for index in range(500):
        open(f"seek/n{index:03}", "w").close()
    libc.opendir.restype = libc.readdir.restype = ctypes.c_void_p
    libc.telldir.restype = ctypes.c_long
    libc.readdir.argtypes = libc.telldir.argtypes = libc.closedir.argtypes = [ctypes.c_void_p]
    libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
    directory = libc.opendir(b"seek")

    def next_name():
        entry = libc.readdir(directory)
        return None if entry is None else ctypes.string_at(entry + 19)

    for _ in range(200):
        next_name()
    place = libc.telldir(directory)
    rest = []
    while (name := next_name()) is not None:
        rest.append(name)
    os.unlink("seek/n001")
    open("seek/new", "w").close()
    libc.seekdir(directory, place)
    assert next_name() == rest[0] and next_name() == rest[1]
    libc.closedir(directory)


def names_as_bytes():
    for name in [b"\xff\xfe", b"caf\xe9", "é".encode(), b"new\nline", b"x" * 255]:
        open(name, "w").close()
        assert name in os.listdir(b".")
        os.rename(name, name[:250] + b"-2")
        assert os.stat(name[:250] + b"-2").st_size == 0
    for name in [b"x" * 256]:
        try:
            open(name, "w")
            raise AssertionError("a name of 256 bytes")
        except OSError as error:
            assert error.errno == errno.ENAMETOOLONG


def large_and_sparse():
    gib = 1 << 30
    file = os.open("large", os.O_CREAT | os.O_RDWR)
    for index in range(12):
        os.pwrite(file, b"piece %d" % index, index * gib + 5)
    assert os.fstat(file).st_size == 11 * gib + 13
    assert os.fstat(file).st_blocks * 512 < gib
    for index in range(12):
        assert os.pread(file, 8, index * gib + 5).startswith(b"piece %d" % index)
    assert os.lseek(file, 4096, os.SEEK_DATA) == gib
    assert os.pread(file, 10, gib // 2) == bytes(10)


def acl():
    """user::rw-, user:1000:r--, group::---, mask::r--, other::---"""
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 0, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    value = b"\x02\0\0\0" + b"".join(t.to_bytes(2, "little") + p.to_bytes(2, "little") + i.to_bytes(4, "little") for t, p, i in entries)
    os.close(os.open("guarded", os.O_CREAT | os.O_RDWR, 0o600))
    os.setxattr("guarded", "system.posix_acl_access", value)
    assert os.getxattr("guarded", "system.posix_acl_access") == value
    os.chmod(".", 0o755)

    def as_user(number, flags):
        def call():
            os.setgid(number)
            os.setuid(number)
            os.open("guarded", flags)

        return refused(call)

    assert as_user(1000, os.O_RDONLY) == 0
    assert as_user(1000, os.O_RDWR) == errno.EACCES
    assert as_user(1001, os.O_RDONLY) == errno.EACCES


for expectation in [many_names, appending, locks, shared_memory, telling_and_seeking, names_as_bytes, large_and_sparse, acl]:
    try:
        expectation()
        print(expectation.__name__, "ok")
    except BaseException as error:
        print(expectation.__name__, repr(error))
