"""Access control lists, as the bytes of their attributes."""

import os

from tried import ALICE, BOB, KINDS, MEMBER, USERS, answer, by, link_open, make, moved, shown

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY = 0xFFFFFFFF


def acl(*entries, version=2):
    """Entries are a tag, permissions, and of a user or group its number."""
    value = version.to_bytes(4, "little")
    for tag, permissions, *number in entries:
        value += tag.to_bytes(2, "little") + permissions.to_bytes(2, "little")
        value += (number[0] if number else NOBODY).to_bytes(4, "little")
    return value


BARE = acl((USER_OBJ, 6), (GROUP_OBJ, 4), (OTHER, 0))
NAMED = acl((USER_OBJ, 7), (USER, 6, 1001), (GROUP_OBJ, 5), (GROUP, 7, 1003), (MASK, 6), (OTHER, 1))
MASKED = acl((USER_OBJ, 7), (USER, 7, 1002), (GROUP_OBJ, 7), (MASK, 1), (OTHER, 0))
LISTS = {
    "bare": BARE,
    "named": NAMED,
    "masked": MASKED,
    "empty": acl(),
    "of no bytes": b"",
    "without a mask": acl((USER_OBJ, 6), (USER, 4, 5), (GROUP_OBJ, 4), (OTHER, 0)),
    "without others": acl((USER_OBJ, 6), (GROUP_OBJ, 4)),
    "out of order": acl((OTHER, 0), (USER_OBJ, 6), (GROUP_OBJ, 4)),
    "a user twice": acl((USER_OBJ, 6), (USER, 4, 5), (USER, 5, 5), (GROUP_OBJ, 4), (MASK, 7), (OTHER, 0)),
    "of another version": acl((USER_OBJ, 6), (GROUP_OBJ, 4), (OTHER, 0), version=1),
    "cut short": NAMED[:-3],
    "too many permissions": acl((USER_OBJ, 15), (GROUP_OBJ, 4), (OTHER, 0)),
    "an unknown tag": acl((USER_OBJ, 6), (GROUP_OBJ, 4), (OTHER, 0), (64, 0)),
}


def held(path):
    """Mode, and both lists."""
    lists = [answer(os.getxattr, path, name, follow_symlinks=False) for name in (ACCESS, DEFAULT)]
    return [shown(path), *(value if isinstance(value, str) else value.hex() for value in lists), answer(lambda: sorted(os.listxattr(path, follow_symlinks=False)))]


def setting(case):
    for name, value in LISTS.items():
        for kind in KINDS:
            for which in (ACCESS, DEFAULT):

                def run():
                    make(kind, "n", 0o640)
                    told = moved(lambda: os.setxattr("n", which, value, follow_symlinks=False), "n", ".")
                    return [told, held("n"), moved(lambda: os.removexattr("n", which, follow_symlinks=False), "n"), held("n")]

                case(f"acl {name} as {which[17:]} of {kind}", run)
    for user in USERS:
        for mode in (0o2775, 0o2745):

            def run():
                make("file", "n")
                os.chown("n", 1001, 1001)
                os.chmod("n", mode)
                return [by(USERS[user], lambda: os.setxattr("n", ACCESS, NAMED)), held("n"), by(USERS[user], lambda: os.removexattr("n", ACCESS)), held("n")]

            case(f"{user} sets an acl of {mode:o}", run)


def inheriting(case):
    for name in ("bare", "named", "masked"):
        for kind in KINDS:
            for mode in (0o777, 0o640, 0o604):
                for umask in (0o022, 0o777):

                    def run():
                        os.mkdir("p")
                        os.setxattr("p", DEFAULT, LISTS[name])
                        old = os.umask(umask)
                        try:
                            if kind == "file":
                                os.close(os.open("p/n", os.O_CREAT | os.O_WRONLY, mode))
                            elif kind == "dir":
                                os.mkdir("p/n", mode)
                            elif kind == "fifo":
                                os.mkfifo("p/n", mode)
                            elif kind in ("chr", "blk"):
                                os.mknod("p/n", (0o020000 if kind == "chr" else 0o060000) | mode, os.makedev(1, 3))
                            else:
                                os.symlink("x", "p/n")
                        finally:
                            os.umask(old)
                        return [held("p/n"), held("p")]

                    if kind != "sock":
                        case(f"{kind} {mode:o} with umask {umask:o} below an acl {name}", run)

    def nameless():
        os.mkdir("p")
        os.setxattr("p", DEFAULT, NAMED)
        descriptor = os.open("p", os.O_TMPFILE | os.O_RDWR, 0o666)
        link_open(descriptor, "p/n")
        os.close(descriptor)
        return held("p/n")

    case("O_TMPFILE below an acl", nameless)


def using(case):
    for name in ("named", "masked", "bare"):
        for mode in (None, 0o770, 0o707, 0o020):

            def run():
                make("file", "n")
                os.setxattr("n", ACCESS, LISTS[name])
                if mode is not None:
                    os.chmod("n", mode)
                told = [held("n")]
                for user in (ALICE, BOB, MEMBER, (1009, 1003, [])):
                    for access in (os.R_OK, os.W_OK, os.X_OK, os.R_OK | os.W_OK):
                        told.append(by(user, lambda: os.access("n", access)))
                    told.append(by(user, lambda: os.close(os.open("n", os.O_RDWR))))
                os.chown("n", 1002, 1001)
                return told + [held("n")]

            case(f"access by an acl {name} behind chmod {mode}", run)


ALL = [setting, inheriting, using]
