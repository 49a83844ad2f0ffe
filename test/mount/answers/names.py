"""Calls that give, move and take names."""

import ctypes
import os
import socket
import stat

from tried import ALICE, AT_FDCWD, AT_SYMLINK_FOLLOW, BOB, KINDS, USERS, answer, by, libc, link_open, make, moved, shown


def rename2(source, target, flags):
    if libc.renameat2(AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(target), flags) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def making(case):
    for kind in KINDS:
        for umask in (0, 0o022, 0o077, 0o151):
            for parent_mode in (0o777, 0o2777):

                def run():
                    os.mkdir("p")
                    os.chmod("p", parent_mode)
                    os.chown("p", 1001, 1005)
                    os.chmod("p", parent_mode)
                    old = os.umask(umask)
                    try:
                        made = moved(lambda: bare(kind, "p/n"), "p")
                    finally:
                        os.umask(old)
                    return [made, shown("p/n")]

                case(f"make {kind} umask {umask:o} in {parent_mode:o}", run)
                case(f"make {kind} umask {umask:o} in {parent_mode:o} as bob", lambda: as_bob(kind, umask, parent_mode))


def as_bob(kind, umask, parent_mode):
    os.mkdir("p")
    os.chown("p", 1001, 1005)
    os.chmod("p", parent_mode)

    def call():
        os.umask(umask)
        return answer(bare, kind, "p/n")

    return [by(BOB, call), shown("p/n")]


def bare(kind, path):
    """Makes one with the mode 0777, and leaves it to the umask."""
    if kind == "file":
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o6777))
    elif kind == "dir":
        os.mkdir(path, 0o1777)
    elif kind == "fifo":
        os.mkfifo(path, 0o777)
    elif kind in ("chr", "blk"):
        os.mknod(path, (stat.S_IFCHR if kind == "chr" else stat.S_IFBLK) | 0o666, os.makedev(1, 5))
    elif kind == "sock":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path)
    else:
        os.symlink("to", path)


def existing(case):
    calls = {
        "mkdir": lambda: os.mkdir("n"),
        "mkfifo": lambda: os.mkfifo("n"),
        "symlink": lambda: os.symlink("x", "n"),
        "link": lambda: os.link("other", "n"),
        "creat excl": lambda: os.close(os.open("n", os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
        "rmdir": lambda: os.rmdir("n"),
        "unlink": lambda: os.unlink("n"),
        "readlink": lambda: os.readlink("n"),
        "listdir": lambda: os.listdir("n"),
        "mkdir below": lambda: os.mkdir("n/x"),
        "open below": lambda: os.open("n/x", os.O_RDONLY),
        "unlink below": lambda: os.unlink("n/x"),
        "with a slash": lambda: shown("n/"),
        "mkdir with a slash": lambda: os.mkdir("n/"),
        "unlink with a slash": lambda: os.unlink("n/"),
        "rmdir with a slash": lambda: os.rmdir("n/"),
        "rename away": lambda: os.rename("n", "m"),
        "rename away with a slash": lambda: os.rename("n/", "m"),
        "link of it": lambda: os.link("n", "m", follow_symlinks=False),
        "truncate": lambda: os.truncate("n", 3),
        "setxattr": lambda: os.setxattr("n", "user.x", b"1", follow_symlinks=False),
        "setxattr trusted": lambda: os.setxattr("n", "trusted.x", b"1", follow_symlinks=False),
        "utime": lambda: os.utime("n", ns=(10**9, 2 * 10**9 + 1), follow_symlinks=False),
        "chmod": lambda: os.chmod("n", 0o4711),
        "chown": lambda: os.chown("n", 1002, 1003, follow_symlinks=False),
        "chown of nothing": lambda: os.chown("n", -1, -1, follow_symlinks=False),
    }
    for kind in KINDS + ["full dir"]:
        for name, call in calls.items():

            def run():
                make("file", "other")
                make(kind.split()[-1], "n", 0o755)
                if kind == "full dir":
                    make("file", "n/inside")
                return [moved(call, ".", "n", "other"), shown("n"), shown("m"), shown("other")]

            case(f"{name} on {kind}", run)


def bad_paths(case):
    paths = {
        "missing": "a/b/c",
        "empty": "",
        "below a file": "file/x",
        "below a loop": "loop/x",
        "the loop": "loop",
        "a dangling link": "dangling",
        "255 bytes": "x" * 255,
        "256 bytes": "x" * 256,
        "255 bytes of two": "é" * 127 + "x",
        "4095 bytes": "dir" + "/./" * 1364,
        "4096 bytes": "./" * 2048,
        "a dot": "dir/.",
        "two dots": "dir/..",
        "a slash": "absent/",
        "byte 0xff": "\udcff",
    }
    calls = {
        "open": lambda path: os.close(os.open(path, os.O_RDONLY)),
        "creat": lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)),
        "creat excl": lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
        "creat nofollow": lambda path: os.close(os.open(path, os.O_CREAT | os.O_NOFOLLOW | os.O_WRONLY)),
        "mkdir": os.mkdir,
        "rmdir": os.rmdir,
        "unlink": os.unlink,
        "mkfifo": os.mkfifo,
        "symlink": lambda path: os.symlink("t", path),
        "symlink to it": lambda path: os.symlink(path, "new"),
        "readlink": os.readlink,
        "link to it": lambda path: os.link("file", path),
        "link of it": lambda path: os.link(path, "new"),
        "rename to it": lambda path: os.rename("file", path),
        "rename of it": lambda path: os.rename(path, "new"),
        "rename dir to it": lambda path: os.rename("dir", path),
        "stat": lambda path: os.stat(path) and None,
        "lstat": lambda path: os.lstat(path) and None,
        "chmod": lambda path: os.chmod(path, 0o700),
        "chown": lambda path: os.chown(path, 1, 1),
        "truncate": lambda path: os.truncate(path, 1),
        "utime": lambda path: os.utime(path),
        "access": lambda path: os.access(path, os.R_OK),
        "getxattr": lambda path: os.getxattr(path, "user.none"),
        "listdir": lambda path: sorted(os.listdir(path)) and None,
    }
    for what, path in paths.items():
        for name, call in calls.items():

            def run():
                make("file", "file")
                make("dir", "dir", 0o755)
                os.symlink("loop", "loop")
                os.symlink("target", "dangling")
                return [answer(call, path), len(os.listdir(".")), shown("target"), shown("new"), shown("file")]

            case(f"{name}: {what}", run)


def renames(case):
    for source in KINDS + ["full dir"]:
        for target in KINDS + ["full dir", "nothing"]:
            for flags in (0, 1, 2):

                def run():
                    for name, kind in (("s", source), ("t", target)):
                        os.mkdir("in-" + name)
                        if kind != "nothing":
                            make(kind.split()[-1], f"in-{name}/{name}", 0o755, ALICE if name == "s" else BOB)
                        if kind == "full dir":
                            make("file", f"in-{name}/{name}/inside")
                    told = moved(lambda: rename2("in-s/s", "in-t/t", flags), "in-s", "in-t", renamed=("in-s/s", "in-t/t"))
                    return [told, shown("in-s/s"), shown("in-t/t")]

                case(f"rename {source} over {target} flags {flags}", run)

    def into_itself():
        os.makedirs("a/b/c")
        return [answer(os.rename, "a", "a/b/c/d"), answer(os.rename, "a", "a/b"), answer(os.rename, "a/b", "a"), answer(rename2, "a", "a/b/c", 2)]

    def same_node():
        make("file", "one")
        os.link("one", "two")
        return [moved(lambda: os.rename("one", "two"), "one", ".") , shown("one"), shown("two"), moved(lambda: os.rename("one", "one"), "one"), answer(rename2, "one", "one", 1), answer(rename2, "one", "two", 2)]

    def flags_of_all_sorts():
        """But RENAME_WHITEOUT (4), which a union makes no use of: overlayfs refuses it, too."""
        make("file", "f")
        return [answer(rename2, "f", "g", flags) for flags in (3, 8, 0x80)] + [shown("f"), shown("g")]

    case("rename into itself", into_itself)
    case("rename of two names of one node", same_node)
    case("rename with flags of all sorts", flags_of_all_sorts)

    def open_across():
        make("file", "f")
        descriptor = os.open("f", os.O_RDWR)
        make("file", "g")
        os.write(descriptor, b"abc")
        os.rename("g", "f")
        told = [os.fstat(descriptor).st_nlink, os.fstat(descriptor).st_size, shown("f")]
        os.close(descriptor)
        return told

    case("rename over an open file", open_across)


def sticky(case):
    for directory_owner in ("root", "alice", "bob"):
        for file_owner in ("root", "alice", "bob"):
            for mode in (0o1777, 0o777, 0o755, 0o1755):
                for kind in ("file", "dir", "link"):

                    def prepare():
                        for name in ("d", "e"):
                            os.mkdir(name)
                            os.chown(name, *USERS[directory_owner][:2])
                            os.chmod(name, mode)
                        make(kind, "d/n", 0o755, USERS[file_owner])
                        make(kind, "e/over", 0o755, USERS[file_owner])

                    def run():
                        prepare()
                        remove = os.rmdir if kind == "dir" else os.unlink
                        return [
                            by(ALICE, lambda: os.rename("d/n", "d/m")),
                            by(ALICE, lambda: os.rename("d/m", "d/n")),
                            by(ALICE, lambda: os.rename("d/n", "e/over")),
                            by(ALICE, lambda: os.link("e/over", "e/another", follow_symlinks=False)),
                            by(ALICE, lambda: remove("e/over")),
                            by(ALICE, lambda: remove("d/n")),
                            sorted(os.listdir("d")),
                            sorted(os.listdir("e")),
                        ]

                    case(f"alice on {kind} of {file_owner} in {mode:o} of {directory_owner}", run)


def links(case):
    def times():
        make("file", "f")
        os.mkdir("d")
        return [moved(lambda: os.link("f", "d/l"), "f", "d", "."), shown("f"), moved(lambda: os.unlink("d/l"), "f", "d", "."), shown("f")]

    def of_a_link():
        os.symlink("f", "s")
        make("file", "f")
        return [answer(os.link, "s", "one", follow_symlinks=False), answer(libc.linkat, AT_FDCWD, b"s", AT_FDCWD, b"two", AT_SYMLINK_FOLLOW), shown("one"), shown("two"), shown("f")]

    def many():
        make("file", "f")
        for index in range(300):
            os.link("f", f"l{index}")
        return [os.lstat("l7").st_nlink, os.lstat("f").st_ino == os.lstat("l299").st_ino]

    def unlinked():
        make("file", "f")
        descriptor = os.open("f", os.O_RDWR)
        told = [moved(lambda: os.unlink("f"), "."), os.fstat(descriptor).st_nlink]
        told += [os.write(descriptor, b"data"), os.pread(descriptor, 9, 0).decode(), answer(link_open, descriptor, "again"), shown("again")]
        os.close(descriptor)
        return told

    def unnamed():
        descriptor = os.open(".", os.O_TMPFILE | os.O_RDWR, 0o640)
        told = [os.fstat(descriptor).st_nlink, oct(os.fstat(descriptor).st_mode), os.write(descriptor, b"four"), os.listdir(".")]
        told += [answer(link_open, descriptor, "named"), shown("named"), answer(os.open, ".", os.O_TMPFILE)]
        os.close(descriptor)
        exclusive = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_EXCL, 0o640)
        told += [answer(link_open, exclusive, "never")]
        os.close(exclusive)
        return told

    def removed_directory():
        os.mkdir("d")
        descriptor = os.open("d", os.O_RDONLY | os.O_DIRECTORY)
        os.rmdir("d")
        told = [answer(os.mkdir, "x", dir_fd=descriptor), answer(os.open, "x", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor), answer(os.listdir, descriptor), answer(os.stat, "..", dir_fd=descriptor) is not None]
        os.close(descriptor)
        return told

    def lengths():
        return [[length, answer(os.symlink, "t" * length, f"s{length}"), shown(f"s{length}"), len(answer(os.readlink, f"s{length}"))] for length in (0, 1, 59, 60, 61, 255, 256, 1023, 4095, 4096)]

    for each in (times, of_a_link, many, unlinked, unnamed, removed_directory, lengths):
        case(f"links: {each.__name__}", each)

    for user in ("alice", "bob", "member"):
        for mode in (0o777, 0o755, 0o555, 0o444, 0o711, 0o700, 0o733):

            def run():
                os.mkdir("p")
                make("file", "p/f", 0o666)
                make("file", "outside", 0o666)
                os.chmod("p", mode)
                calls = [
                    lambda: os.stat("p/f") and None,
                    lambda: sorted(os.listdir("p")),
                    lambda: os.mkdir("p/d"),
                    lambda: os.symlink("t", "p/s"),
                    lambda: os.link("outside", "p/l"),
                    lambda: os.mkfifo("p/q"),
                    lambda: os.mknod("p/c", 0o20666, os.makedev(1, 3)),
                    lambda: os.close(os.open("p/n", os.O_CREAT | os.O_WRONLY)),
                    lambda: os.close(os.open("p/f", os.O_CREAT | os.O_WRONLY)),
                    lambda: os.rename("p/f", "p/g"),
                    lambda: os.unlink("p/g"),
                    lambda: os.rmdir("p/d"),
                    lambda: os.chdir("p"),
                    lambda: os.access("p/f", os.W_OK),
                ]
                return [by(USERS[user], call) for call in calls]

            case(f"{user} in a directory of root with {mode:o}", run)

    def moving_directories():
        told = []
        for writable in (0o755, 0o555):
            os.makedirs("from/d")
            os.makedirs("to")
            for path in ("from", "to", "from/d"):
                os.chown(path, 1001, 1001)
            os.chmod("from/d", writable)
            told.append(by(ALICE, lambda: os.rename("from/d", "from/e")))
            told.append(by(ALICE, lambda: os.rename("from/e", "to/d")))
            told.append([sorted(os.listdir("from")), sorted(os.listdir("to"))])
            os.system("rm -rf from to")
        return told

    case("a directory that its owner may not write moves", moving_directories)


ALL = [making, existing, bad_paths, renames, sticky, links]
