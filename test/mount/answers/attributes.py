"""Calls on what a file is, and on what it holds."""

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import signal
import subprocess

from tried import ALICE, KINDS, USERS, answer, by, make, moved, shown

libc = ctypes.CDLL(None, use_errno=True)


def modes(case):
    for kind in KINDS[:-1]:
        for mode in (0, 0o111, 0o777, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777):

            def run():
                make(kind, "n")
                return [moved(lambda: os.chmod("n", mode), "n", "."), shown("n")]

            case(f"chmod {mode:o} of {kind}", run)
    for user in USERS:
        for group in (1001, 1002, 1009):
            for mode in (0o755, 0o2755, 0o4755, 0o6755, 0o1755, 0o2745):
                for kind in ("file", "dir"):

                    def run():
                        make(kind, "n", 0o700)
                        os.chown("n", 1001, group)
                        return [by(USERS[user], lambda: os.chmod("n", mode)), shown("n")]

                    case(f"{user} chmod {mode:o} of {kind} of alice and group {group}", run)


def owners(case):
    for user in USERS:
        for uid, gid in ((-1, -1), (1001, -1), (-1, 1001), (-1, 1002), (-1, 1003), (1002, -1), (1001, 1001), (0, 0)):
            for mode in (0o755, 0o4755, 0o2755, 0o6755, 0o2745, 0o6644):
                # FUSE does not tell a chown of nothing from what precedes a write.
                if user in ("bob", "member") and (uid, gid) == (-1, -1) and mode & 0o6000:
                    continue
                for kind in ("file", "dir"):

                    def run():
                        make(kind, "n")
                        os.chown("n", 1001, 1001)
                        os.chmod("n", mode)
                        return [by(USERS[user], lambda: moved(lambda: os.chown("n", uid, gid), "n")), shown("n")]

                    case(f"{user} chown {uid}:{gid} of {kind} {mode:o}", run)
    for user in ("alice", "member"):
        for gid in (-1, 1001, 1002, 1009):
            for mode in (0o2745, 0o2755, 0o6744):

                def run():
                    make("file", "n")
                    os.chown("n", USERS[user][0], 1002)
                    os.chmod("n", mode)
                    return [by(USERS[user], lambda: os.chown("n", -1, gid)), shown("n")]

                case(f"{user} chown -1:{gid} of an own file {mode:o} of another group", run)
    for kind in KINDS:

        def run():
            make(kind, "n")
            return [moved(lambda: os.chown("n", 1001, 1002, follow_symlinks=False), "n", "."), shown("n")]

        case(f"chown of {kind}", run)


def suid(case):
    writes = {
        "write": lambda fd: os.write(fd, b"x"),
        "write of nothing": lambda fd: os.write(fd, b""),
        "pwrite": lambda fd: os.pwrite(fd, b"x", 9),
        "ftruncate": lambda fd: os.ftruncate(fd, 1),
        "ftruncate to what it is": lambda fd: os.ftruncate(fd, 5),
        "fallocate": lambda fd: os.posix_fallocate(fd, 0, 100),
        "fchown": lambda fd: os.fchown(fd, -1, -1),
        "open with truncation": lambda fd: os.close(os.open("n", os.O_WRONLY | os.O_TRUNC)),
        "truncate": lambda fd: os.truncate("n", 2),
        "copy_file_range": lambda fd: os.copy_file_range(os.open("other", os.O_RDONLY), fd, 3),
        "sendfile": lambda fd: os.sendfile(fd, os.open("other", os.O_RDONLY), 0, 3),
    }
    for user in ("root", "alice", "bob", "member"):
        for mode in (0o6777, 0o6766, 0o2767, 0o4777):
            for name, call in writes.items():
                if name == "fchown" and user in ("bob", "member"):
                    continue  # as above

                def run():
                    make("file", "other", 0o666)
                    with open("other", "w") as other:
                        other.write("hello")
                    make("file", "n", 0o666)
                    with open("n", "w") as file:
                        file.write("hello")
                    os.chown("n", 1001, 1001)
                    os.chmod("n", mode)

                    def attempt():
                        descriptor = os.open("n", os.O_RDWR)
                        result = call(descriptor)
                        os.close(descriptor)
                        return result

                    return [by(USERS[user], attempt), shown("n")]

                case(f"{user}: {name} on {mode:o}", run)

    def capability():
        make("file", "n", 0o755)
        value = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        os.setxattr("n", "security.capability", value)
        held = os.getxattr("n", "security.capability") == value
        with open("n", "w") as file:
            file.write("x")
        gone = answer(os.getxattr, "n", "security.capability")
        os.setxattr("n", "security.capability", value)
        os.chown("n", 1001, 1001)
        return [held, gone, answer(os.getxattr, "n", "security.capability")]

    def of_a_directory():
        make("dir", "d")
        value = b"\x01\0\0\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        told = [answer(os.setxattr, "d", "security.capability", value), answer(os.chown, "d", 1001, 1001)]
        return told + [answer(os.listxattr, "d"), shown("d")]

    case("a capability goes with a write and a chown", capability)
    case("a directory keeps its capability", of_a_directory)


def permissions(case):
    for user in ("alice", "member", "bob"):
        for bits in range(8):
            for kind in ("file", "dir"):

                def run():
                    make(kind, "n")
                    if kind == "file":
                        with open("n", "w") as file:
                            file.write("text")
                    os.chown("n", 1001, 1001)
                    os.chmod("n", bits << {"alice": 6, "member": 3, "bob": 0}[user])
                    calls = [lambda each=each: os.close(os.open("n", each)) for each in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_WRONLY | os.O_APPEND, os.O_PATH)]
                    calls += [lambda each=each: os.access("n", each) for each in (os.F_OK, os.R_OK, os.W_OK, os.X_OK, os.R_OK | os.X_OK)]
                    calls += [
                        lambda: os.truncate("n", 4),
                        lambda: os.utime("n"),
                        lambda: os.utime("n", ns=(5, 5)),
                        lambda: os.setxattr("n", "user.a", b"1"),
                        lambda: os.getxattr("n", "user.none"),
                        lambda: os.listxattr("n"),
                        lambda: os.setxattr("n", "trusted.a", b"1"),
                        lambda: os.setxattr("n", "security.a", b"1"),
                        lambda: os.chmod("n", 0o700),
                    ]
                    return [by(USERS[user], call) for call in calls]

                case(f"{user} with {bits} of {kind}", run)


def opening(case):
    flags = {
        "rdonly": os.O_RDONLY,
        "wronly": os.O_WRONLY,
        "rdwr": os.O_RDWR,
        "trunc": os.O_WRONLY | os.O_TRUNC,
        "creat": os.O_RDWR | os.O_CREAT,
        "excl": os.O_RDWR | os.O_CREAT | os.O_EXCL,
        "directory": os.O_RDONLY | os.O_DIRECTORY,
        "directory write": os.O_RDWR | os.O_DIRECTORY,
        "creat directory": os.O_RDONLY | os.O_CREAT | os.O_DIRECTORY,
        "nofollow": os.O_RDONLY | os.O_NOFOLLOW,
        "path": os.O_PATH,
        "path nofollow": os.O_PATH | os.O_NOFOLLOW,
        "append trunc": os.O_WRONLY | os.O_APPEND | os.O_TRUNC,
        "noatime": os.O_RDONLY | os.O_NOATIME,
        "sync": os.O_RDWR | os.O_SYNC,
    }
    for kind in KINDS + ["link to file", "link to dir"]:
        for name, flag in flags.items():

            def run():
                make(kind.split()[-1], "n" if " " not in kind else "real", 0o755)
                if " " in kind:
                    os.symlink("real", "n")
                return [moved(lambda: os.close(os.open("n", flag | os.O_NONBLOCK, 0o640)), "n", "."), shown("n"), shown("nowhere"), shown("real")]

            if kind != "blk":  # what opening a device does is the device's
                case(f"open {name} {kind}", run)


def contents(case):
    def file(size=10):
        with open("f", "wb") as made:
            made.write(bytes(range(48, 58)) * (size // 10 + 1))
        os.truncate("f", size)
        return os.open("f", os.O_RDWR)

    for size in (0, 1, 10, 4095, 4096, 4097, 1 << 20, (1 << 40) + 1, -1, 1 << 62):

        def by_descriptor():
            descriptor = file()
            return [moved(lambda: os.ftruncate(descriptor, size), "f", "."), shown("f"), os.pread(descriptor, 20, 0).hex(), answer(os.lseek, descriptor, 0, os.SEEK_DATA), answer(os.lseek, descriptor, 5, os.SEEK_HOLE)]

        def by_path():
            file()
            return [moved(lambda: os.truncate("f", size), "f", "."), shown("f")]

        case(f"ftruncate {size}", by_descriptor)
        case(f"truncate {size}", by_path)

    def errors_of_descriptors():
        file()
        reading, writing, path, folder = (os.open("f", os.O_RDONLY), os.open("f", os.O_WRONLY), os.open("f", os.O_PATH), os.open(".", os.O_RDONLY))
        told = []
        for descriptor in (reading, writing, path, folder):
            told.append([answer(os.read, descriptor, 1) in (b"0",), answer(os.write, descriptor, b"x"), answer(os.ftruncate, descriptor, 1), answer(os.pread, descriptor, 1, -1), answer(os.lseek, descriptor, -1, 0), answer(os.lseek, descriptor, 0, 9), answer(os.fchmod, descriptor, 0o600), answer(os.fsync, descriptor), answer(libc.fallocate, descriptor, 0, ctypes.c_long(0), ctypes.c_long(10)), answer(os.listxattr, descriptor)])
            told[-1][0] = answer(os.read, descriptor, 1) if isinstance(answer(os.read, descriptor, 1), str) else "bytes"
        return told

    def fallocate():
        """But collapsing and inserting (8, 0x20), which FUSE does not hand on."""
        told = []
        for mode, offset, length in ((0, 0, 100), (1, 0, 100000), (3, 0, 4096), (0x10, 5, 3), (0x11, 0, 9), (2, 0, 10), (0, -1, 10), (0, 0, 0), (0, 0, -5), (0x40, 0, 10)):
            descriptor = file(8192)
            if libc.fallocate(descriptor, mode, ctypes.c_long(offset), ctypes.c_long(length)) < 0:
                told.append([mode, errno.errorcode[ctypes.get_errno()]])
            else:
                told.append([mode, shown("f"), os.pread(descriptor, 12, 0).hex()])
            os.close(descriptor)
        return told

    def appends():
        descriptor = os.open("f", os.O_CREAT | os.O_RDWR | os.O_APPEND)
        os.write(descriptor, b"abc")
        told = [os.pwrite(descriptor, b"xyz", 0), os.lseek(descriptor, 0, 1), os.pread(descriptor, 9, 0).decode()]
        fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
        return told + [os.pwrite(descriptor, b"XYZ", 0), os.pread(descriptor, 9, 0).decode()]

    def limited():
        descriptor = file(0)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        try:
            return [os.pwrite(descriptor, bytes(6000), 0), answer(os.pwrite, descriptor, b"x", 5000), answer(os.ftruncate, descriptor, 5001), shown("f")]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def at_the_end_of_all():
        descriptor = file(0)
        return [answer(os.pwrite, descriptor, b"x", (1 << 63) - 1), answer(os.pwrite, descriptor, b"", (1 << 62)), answer(os.pread, descriptor, 1, (1 << 62)), shown("f")]

    def times_of_reading_and_writing():
        descriptor = file()
        os.utime("f", ns=(10**18, 10**18))
        return [moved(lambda: os.write(descriptor, b"x"), "f"), moved(lambda: os.write(descriptor, b""), "f"), moved(lambda: os.ftruncate(descriptor, os.fstat(descriptor).st_size), "f"), moved(lambda: os.truncate("f", os.fstat(descriptor).st_size), "f"), moved(lambda: len(os.pread(descriptor, 3, 0)), "f")]

    def running():
        with open("f", "wb") as made, open("/bin/sleep", "rb") as program:
            made.write(program.read())
        os.chmod("f", 0o755)
        running = subprocess.Popen(["./f", "60"])
        told = [answer(os.open, "f", os.O_WRONLY), answer(os.truncate, "f", 0), answer(os.open, "f", os.O_RDONLY | os.O_TRUNC)]
        told = [each if isinstance(each, (str, type(None))) else "done" for each in told] + [answer(os.rename, "f", "g"), answer(os.unlink, "g")]
        running.kill()
        running.wait()
        return told

    def copying():
        descriptor = file(9000)
        target = os.open("t", os.O_CREAT | os.O_RDWR)
        return [os.copy_file_range(descriptor, target, 5000, 10, 100), shown("t"), answer(os.copy_file_range, descriptor, descriptor, 100, 0, 50), answer(os.copy_file_range, descriptor, descriptor, 100, 0, 4000), answer(os.copy_file_range, descriptor, target, 10, 9000, 0), os.pread(target, 5, 100).decode()]

    def direct():
        """O_DIRECT, with memory that is aligned."""
        buffer = mmap.mmap(-1, 8192)
        buffer.write(b"d" * 8192)
        descriptor = os.open("f", os.O_CREAT | os.O_RDWR | os.O_DIRECT)
        told = [os.pwritev(descriptor, [buffer], 4096), shown("f"), os.preadv(descriptor, [buffer], 0), buffer[:1].hex(), buffer[4096:4097].decode()]
        with open("f", "rb") as file:
            return told + [file.read(4097)[-2:].hex()]

    for each in (direct, errors_of_descriptors, fallocate, appends, limited, at_the_end_of_all, times_of_reading_and_writing, running, copying):
        case(f"contents: {each.__name__}", each)


def times(case):
    def given():
        make("file", "f")
        told = []
        for a, m in ((0, 0), (1, 999_999_999), (10**18 + 123456789, 5), (2**31 * 10**9, 2**32 * 10**9 + 7), (-(10**9), -1)):
            os.utime("f", ns=(a, m))
            st = os.stat("f")
            told.append([st.st_atime_ns, st.st_mtime_ns])
        return told

    def now_and_omit():
        make("file", "f")
        os.utime("f", ns=(1, 2))
        told = []
        for a, m in (((1 << 30) - 1, (1 << 30) - 2), ((1 << 30) - 2, (1 << 30) - 1), ((1 << 30) - 2, (1 << 30) - 2), (10**9, 0), (-1, 0)):
            spec = (ctypes.c_long * 4)(0, a, 0, m)
            result = libc.utimensat(-100, b"f", spec, 0)
            st = os.stat("f")
            told.append([result, st.st_atime_ns == 1, st.st_mtime_ns == 2])
        return told

    case("times as given", given)
    case("times now and omitted", now_and_omit)


def xattrs(case):
    def flags():
        make("file", "f")
        told = []
        for name, value, flag in (("user.a", b"1", 0), ("user.a", b"2", 1), ("user.b", b"2", 2), ("user.b", b"", 1), ("user.a", b"3", 2), ("user.", b"x", 0), ("nonsense.a", b"x", 0), ("user." + "n" * 250, b"x", 0), ("user." + "n" * 251, b"x", 0), ("user.big", b"x" * 3000, 0), ("user.huge", b"x" * 65537, 0), ("a", b"x", 0), ("user.é", b"x", 0), ("trusted.t", b"x", 0), ("security.s", b"x", 0), ("system.s", b"x", 0)):
            told.append([name[:12], moved(lambda: os.setxattr("f", name, value, flag), "f")])
        told.append([len(name) for name in sorted(os.listxattr("f"))])
        told.append([answer(os.removexattr, "f", "user.a"), answer(os.removexattr, "f", "user.a"), answer(os.getxattr, "f", "user.a"), os.getxattr("f", "user.b").decode()])
        return told

    def sizes():
        make("file", "f")
        os.setxattr("f", "user.a", b"12345")
        buffer = ctypes.create_string_buffer(10)
        return [libc.getxattr(b"f", b"user.a", buffer, size) for size in (0, 4, 5, 10)] + [ctypes.get_errno(), libc.listxattr(b"f", buffer, 3), libc.listxattr(b"f", buffer, 0)]

    def hidden_from_users():
        make("file", "f", 0o666)
        os.setxattr("f", "trusted.t", b"1")
        os.setxattr("f", "user.u", b"1")
        return [by(ALICE, lambda: os.listxattr("f")), by(ALICE, lambda: os.getxattr("f", "trusted.t").decode())]

    for each in (flags, sizes, hidden_from_users):
        case(f"xattrs: {each.__name__}", each)


def whole(case):
    def listing():
        os.makedirs("d/e")
        make("file", "d/f")
        rows = sorted((entry.name, entry.is_dir(follow_symlinks=False), entry.inode() == os.lstat(entry.path).st_ino) for entry in os.scandir("d"))
        return [rows, os.stat("d/e/..").st_ino == os.stat("d").st_ino, os.stat("d/.").st_ino == os.stat("d").st_ino]

    def limits():
        st = os.statvfs(".")
        return [st.f_namemax, st.f_bsize > 0, st.f_blocks >= st.f_bfree >= st.f_bavail, os.pathconf(".", "PC_NAME_MAX"), os.pathconf(".", "PC_PATH_MAX"), os.pathconf(".", "PC_CHOWN_RESTRICTED"), os.pathconf(".", "PC_NO_TRUNC")]

    case("listing", listing)
    case("limits", limits)


ALL = [modes, owners, suid, permissions, opening, contents, times, xattrs, whole]
