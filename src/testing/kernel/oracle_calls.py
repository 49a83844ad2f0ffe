"""File system calls of the oracle, by descriptors in slots of a container and by paths below the root of this process."""
import ctypes, errno, fcntl, os, stat, struct

AT_FDCWD, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x100
UTIME_NOW = (1 << 30) - 1
SYS_GETDENTS64 = {'x86_64': 217, 'aarch64': 61}[os.uname().machine]
LIBC = ctypes.CDLL(None, use_errno=True)
files = {}  # (container, slot) -> descriptor
handles = {}  # descriptor of a directory -> (it was merged when it was read anew, its first name then)


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def close_files(container):
    for key in [key for key in files if key[0] == container]:
        os.close(files.pop(key))


def stat_of(st, what):
    kind = stat.S_IFMT(st.st_mode)
    blocks = 0
    if kind == stat.S_IFREG:
        try:
            if not os.listxattr(what):  # attributes may take a block of their own on ext4
                blocks = st.st_blocks
        except OSError:
            pass  # O_PATH
    return {'mode': st.st_mode, 'uid': st.st_uid, 'gid': st.st_gid, 'nlink': st.st_nlink,
            'size': 0 if kind == stat.S_IFDIR else st.st_size,
            'blocks': blocks}


def open_file(q, slot):
    opened = os.open(q['path'], q['flags'] | os.O_CLOEXEC | os.O_NONBLOCK, q['mode'])
    st = os.fstat(opened)
    kind = stat.S_IFMT(st.st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR) and not q['flags'] & os.O_PATH:
        os.close(opened)  # nobody is at the other end of a pipe or a device in overlog
        raise OSError(errno.ENXIO, '')
    if slot in files:
        os.close(files[slot])
    files[slot] = opened
    handles.pop(opened, None)


def list_open_directory(q, slot):
    """Names that an open directory shows: those it read first, or with `rewind` those of now."""
    fd = files[slot]
    if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_PATH:
        raise OSError(errno.EBADF, '')
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        raise OSError(errno.ENOTDIR, '')
    is_first = q['rewind'] or fd not in handles
    if is_first:
        handles[fd] = (os.fstat(fd).st_nlink == 1, [])
    is_merged, first = handles[fd]
    if not is_first and not is_merged:
        return None  # the offsets and what is kept are those of the file system below
    # Reading from offset 0 looks for changes (ovl_dir_reset), so what the handle keeps is read from the second name on.
    os.lseek(fd, 0 if is_first else 1, os.SEEK_SET)
    names, buffer = list(first), ctypes.create_string_buffer(32768)
    while True:
        try:
            length = check(LIBC.syscall(SYS_GETDENTS64, fd, buffer, len(buffer)))
        except FileNotFoundError:
            return []  # a removed directory: readdir(3) makes it the end
        if length == 0:
            break
        at = 0
        while at < length:
            size = struct.unpack_from('<H', buffer, at + 16)[0]
            names.append(buffer.raw[at + 19:at + size].split(b'\0', 1)[0])
            at += size
    if is_first:
        first.extend(names[:1])
    return [os.fsdecode(name) for name in sorted(names) if name not in (b'.', b'..')]


def timespec(ns):
    """Seconds and nanoseconds for utimensat; None is the time of the call."""
    return (0, UTIME_NOW) if ns is None else divmod(ns, 10 ** 9)


def run(q):
    op = q['op']
    slot = (q['in'], q.get('slot'))
    if op == 'open':
        open_file(q, slot)
    elif op == 'close':
        os.close(files.pop(slot))
    elif op == 'read':
        if stat.S_ISDIR(os.fstat(files[slot]).st_mode):
            return os.pread(files[slot], 1, 0)  # refused, but not for a position that listing has left behind
        return os.pread(files[slot], q['length'], q['position']).decode('latin-1') if q['position'] is not None \
            else os.read(files[slot], q['length']).decode('latin-1')
    elif op == 'write':
        data = q['data'].encode('latin-1')
        return os.write(files[slot], data) if q['position'] is None \
            else os.pwrite(files[slot], data, q['position'])
    elif op == 'seek':
        if stat.S_ISDIR(os.fstat(files[slot]).st_mode):
            return None  # a directory's offsets are its file system's own
        return os.lseek(files[slot], q['offset'], q['whence'])
    elif op == 'listdir':
        return list_open_directory(q, slot)
    elif op == 'ftruncate':
        os.ftruncate(files[slot], q['size'])
    elif op == 'fallocate':
        offset, length = ctypes.c_long(q['offset']), ctypes.c_long(q['length'])
        check(LIBC.fallocate(files[slot], q['mode'], offset, length))
    elif op == 'fstat':
        return stat_of(os.fstat(files[slot]), files[slot])
    elif op == 'fchmod':
        os.fchmod(files[slot], q['mode'])
    elif op == 'fchown':
        os.fchown(files[slot], q['uid'], q['gid'])
    elif op == 'futimes':
        os.utime(files[slot], ns=(q['atime'], q['mtime']))
    elif op == 'fsetxattr':
        os.setxattr(files[slot], q['name'], q['value'].encode('latin-1'), q['flags'])
    elif op == 'copy':
        return os.copy_file_range(files[(q['in'], q['from'])], files[(q['in'], q['to'])], q['length'],
                                  q['fromPosition'], q['toPosition'])
    elif op == 'linkfile':
        check(LIBC.linkat(files[slot], b'', AT_FDCWD, os.fsencode(q['path']), AT_EMPTY_PATH))
    elif op == 'truncate':
        os.truncate(q['path'], q['size'])
    elif op == 'mkdir':
        os.mkdir(q['path'], q['mode'])
    elif op == 'rmdir':
        os.rmdir(q['path'])
    elif op == 'unlink':
        os.unlink(q['path'])
    elif op == 'symlink':
        os.symlink(q['target'], q['path'])
    elif op == 'readlink':
        return os.readlink(q['path'])
    elif op == 'link':
        os.link(q['from'], q['to'], follow_symlinks=False)
    elif op == 'rename':
        check(LIBC.renameat2(AT_FDCWD, os.fsencode(q['from']), AT_FDCWD, os.fsencode(q['to']), q['flags']))
    elif op == 'mknod':
        os.mknod(q['path'], q['mode'], os.makedev(q['major'], q['minor']))
    elif op == 'chmod':
        os.chmod(q['path'], q['mode'])
    elif op == 'chown':
        os.chown(q['path'], q['uid'], q['gid'], follow_symlinks=q['follow'])
    elif op == 'utimes':
        times = struct.pack('4q', *timespec(q['atime']), *timespec(q['mtime']))
        flags = 0 if q['follow'] else AT_SYMLINK_NOFOLLOW
        check(LIBC.utimensat(AT_FDCWD, os.fsencode(q['path']), times, flags))
    elif op == 'setxattr':
        os.setxattr(q['path'], q['name'], q['value'].encode('latin-1'), q['flags'], follow_symlinks=False)
    elif op == 'removexattr':
        os.removexattr(q['path'], q['name'], follow_symlinks=False)
    elif op == 'getxattr':
        return os.getxattr(q['path'], q['name'], follow_symlinks=False).decode('latin-1')
    elif op == 'listxattr':
        return sorted(os.listxattr(q['path'], follow_symlinks=False))
    elif op == 'stat':
        return stat_of(os.stat(q['path']) if q['follow'] else os.lstat(q['path']), q['path'])
    elif op == 'readdir':
        return sorted(os.listdir(q['path']), key=os.fsencode)
    elif op == 'access':
        return os.access(q['path'], q['mode'], effective_ids=True)
    else:
        raise ValueError(op)
    return None
