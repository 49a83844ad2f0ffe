"""Lists a tree, one JSON array a line: path, type and mode, owner, size, device, time, target or digest, extended attributes.

usage: list-tree.py DIRECTORY [--no-times]   without times two runs of the same programs can be compared
"""

import hashlib
import json
import os
import stat
import sys

ROOT, TIMES = os.fsencode(sys.argv[1]), "--no-times" not in sys.argv


def text(name):
    return name.decode("utf8", "surrogateescape").encode("utf8", "backslashreplace").decode()


def row(path):
    status = os.lstat(path)
    kind = stat.S_IFMT(status.st_mode)
    content = None
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha1").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha1(file.read()).hexdigest()
    elif kind == stat.S_IFLNK:
        content = text(os.readlink(path))
    names = [] if kind == stat.S_IFLNK else sorted(os.listxattr(path))
    attributes = [(name, os.getxattr(path, name).hex()) for name in names if not name.startswith(("trusted.overlay.", "security.selinux"))]
    return [
        text(os.path.relpath(path, ROOT)),
        oct(status.st_mode),
        f"{status.st_uid}:{status.st_gid}",
        status.st_size if kind == stat.S_IFREG else None,
        status.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else None,
        status.st_mtime_ns if TIMES else None,
        content,
        attributes,
    ]


def walk(directory):
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        yield path
        if stat.S_ISDIR(os.lstat(path).st_mode):
            yield from walk(path)


for path in [ROOT, *walk(ROOT)]:
    print(json.dumps(row(path)))
