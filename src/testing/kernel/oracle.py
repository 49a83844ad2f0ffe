"""The kernel's side of the oracle: runs file system calls on real overlay mounts.

Reads one JSON request a line on stdin, answers one JSON line each. Texts are names with surrogateescape; data is latin-1.

Everything happens in a fresh folder below the one given as the only argument, and in a mount namespace of this process:
mounts are seen by nobody else and end with it, also when it is killed. The folder is removed at the end of input, on
errors, on SIGINT and on SIGTERM.
"""
import ctypes, errno, fcntl, json, os, shutil, signal, stat, struct, subprocess, sys, tempfile, time, zlib

CLONE_NEWNS = 0x20000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW = -100, 0x1000, 0x100
UTIME_NOW = (1 << 30) - 1
SYS_GETDENTS64 = {'x86_64': 217, 'aarch64': 61}[os.uname().machine]
KINDS = {stat.S_IFDIR: 'dir', stat.S_IFREG: 'file', stat.S_IFLNK: 'symlink', stat.S_IFIFO: 'fifo',
         stat.S_IFCHR: 'chr', stat.S_IFBLK: 'blk', stat.S_IFSOCK: 'sock'}
LIBC = ctypes.CDLL(None, use_errno=True)
base = None
host_root = None  # of this process' mount namespace
mounted = {}  # container -> how it is mounted
servers = {}  # container -> the process that serves it in place of the kernel's overlayfs
files = {}  # (container, slot) -> descriptor
handles = {}  # descriptor of a directory -> (it was merged when it was read anew, its first name then)
shown = {}  # folder -> the listing that was sent last
sums = {}  # (inode, size, times) -> checksum of a content


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def inside(name):
    if os.sep in name or name in ('', '.', '..'):
        raise ValueError('not a name: %r' % name)
    return os.path.join(base, name)


# ------------------------------------------------------------------------------------------------------------ mounts

def mount(q):
    """Mounts `lowers` (top first) under an upper, new unless it is there, for container `in`; without one it is read-only."""
    if q['upper'] is None:
        mount_read_only(q)
        return
    lowers = ':'.join(inside(lower) for lower in q['lowers'])
    upper, work = inside(q['upper']), inside(q['upper'] + '.work')
    for folder in [inside(lower) for lower in q['lowers']] + [upper, work]:
        if not os.path.isdir(folder):
            os.mkdir(folder)
            os.chmod(folder, 0o755)
    container = q['in']
    target = inside('merged%d' % container)
    os.makedirs(target, exist_ok=True)
    # Nothing has to survive a power loss here; syncing takes most of the time otherwise.
    shutil.rmtree(os.path.join(work, 'work', 'incompat'), ignore_errors=True)
    if q['options'] is None:
        check(LIBC.mount(os.fsencode(upper), os.fsencode(target), None, ctypes.c_ulong(MS_BIND), None))
        mounted[container] = q
        return
    options = 'lowerdir=%s,upperdir=%s,workdir=%s,%s,volatile' % (lowers, upper, work, q['options'])
    if q.get('server') and not q.get('asKernel'):
        servers[container] = serve(q['server'], options, target)
    else:
        check(LIBC.mount(b'overlay', os.fsencode(target), b'overlay', 0, os.fsencode(options)))
    mounted[container] = q
    shown.clear()


def serve(command, options, target):
    """Has another program mount an overlay, called as fuse-overlayfs is."""
    server = subprocess.Popen(command + ['-f', '-o', options, target], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while not os.path.ismount(target):
        if server.poll() is not None:
            raise OSError(errno.EINVAL, 'the server ended with %d' % server.returncode)
        time.sleep(0.005)
    return server


def mount_read_only(q):
    folders = [inside(lower) for lower in q['lowers']] + [inside('nothing')]  # one lower alone is no overlay
    target = inside('merged%d' % q['in'])
    for folder in folders + [target]:
        os.makedirs(folder, exist_ok=True)
    options = 'lowerdir=%s,%s' % (':'.join(folders), q['options'])
    check(LIBC.mount(b'overlay', os.fsencode(target), b'overlay', 0, os.fsencode(options)))
    mounted[q['in']] = q
    shown.clear()


def unmount(container):
    close_files(container)
    target = os.fsencode(inside('merged%d' % container))
    if LIBC.umount2(target, 0) < 0:
        check(LIBC.umount2(target, MNT_DETACH))
    if container in servers:
        servers.pop(container).wait()
    return mounted.pop(container)


def remount(q):
    """Mounts the same again; what a server has had, the kernel gets, and the other way round."""
    before = unmount(q['in'])
    mount(dict(before, asKernel=not before.get('asKernel')))


def keep(q):
    """Unmounts a container and makes its upper a lower with old times; `as` null drops it."""
    upper = unmount(q['in'])['upper']
    if upper is None:
        return
    shutil.rmtree(inside(upper + '.work'))
    if q['as'] is None:
        shutil.rmtree(inside(upper))
        return
    os.rename(inside(upper), inside(q['as']))
    for path, full in walk(inside(q['as'])):
        time = q['timeNs'] + zlib.crc32(os.fsencode(path)) * 1000
        os.utime(full, ns=(time, time), follow_symlinks=False)


def drop(q):
    for name in q['folders']:
        shutil.rmtree(inside(name))


def enter(container):
    os.chroot(inside('merged%d' % container))
    os.chdir('/')


def leave():
    os.fchdir(host_root)
    os.chroot('.')


def close_files(container):
    for key in [key for key in files if key[0] == container]:
        os.close(files.pop(key))


# ---------------------------------------------------------------------------------------------------------- listings

def walk(top):
    """Paths below a folder, the folder's own first, depth first, names by their bytes."""
    stack = ['/']
    while stack:
        path = stack.pop()
        full = top + path if path != '/' else top
        yield path, full
        try:
            if not stat.S_ISDIR(os.lstat(full).st_mode):
                continue
            names = os.listdir(full)
        except FileNotFoundError:
            continue
        start = path if path == '/' else path + '/'
        stack.extend(start + name for name in sorted(names, key=os.fsencode, reverse=True))


def checksum(full, st):
    key = (st.st_ino, st.st_dev, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
    if key not in sums:
        with open(full, 'rb') as f:
            sums[key] = zlib.crc32(f.read())
    return sums[key]


def row(path, full):
    st = os.lstat(full)
    kind = KINDS[stat.S_IFMT(st.st_mode)]
    r = {'path': path, 'type': kind, 'mode': stat.S_IMODE(st.st_mode), 'uid': st.st_uid, 'gid': st.st_gid,
         'nlink': st.st_nlink, 'ino': str(st.st_ino), 'mtimeNs': str(st.st_mtime_ns)}
    if kind == 'file':
        r['size'] = st.st_size
        r['blocks'] = st.st_blocks
        r['crc32'] = checksum(full, st)
    elif kind == 'symlink':
        r['target'] = os.readlink(full)
    elif kind in ('chr', 'blk'):
        r['rdev'] = '%d:%d' % (os.major(st.st_rdev), os.minor(st.st_rdev))
    names = os.listxattr(full, follow_symlinks=False)
    if names:
        r['xattrs'] = {n: os.getxattr(full, n, follow_symlinks=False).hex() for n in sorted(names)}
    return r


def listing(folder):
    rows = []
    for path, full in walk(inside(folder)):
        try:
            rows.append(row(path, full))
        except FileNotFoundError:
            pass  # a stray whiteout can be listed and not looked up (SEM-L9)
    return rows


def trees(container):
    """The merged tree and the upper, each only if it is not what was sent last."""
    out = {}
    for what, folder in (('merged', 'merged%d' % container), ('upper', mounted[container]['upper'])):
        if folder is None:
            continue
        rows = listing(folder)
        if shown.get(folder) != rows:
            shown[folder] = rows
            out[what] = rows
    return out


# ------------------------------------------------------------------------------------------------------------- calls

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


def call(q):
    if q['op'] == 'remount':
        return guarded(remount, q)
    enter(q['in'])
    try:
        become(q.get('as'))
        return guarded(run, q)
    except KeyError:
        return {'error': 'EBADF'}  # a slot without an open file
    finally:
        become(None)
        leave()


def become(user):
    """Takes on a user's ids, and with them its lack of capabilities; None is root."""
    os.seteuid(0)
    os.setgroups(user['groups'] if user else [])
    os.setegid(user['gid'] if user else 0)
    os.seteuid(user['uid'] if user else 0)


def calls(q):
    """Runs calls; with `look` each answer carries what the call left in the trees of its container."""
    replies = []
    for each in q['calls']:
        reply = call(each)
        if q['look']:
            reply.update(trees(each['in']))
        replies.append(reply)
    return replies


def sequence(q):
    """Runs the stages of a sequence, each over the uppers of those before it: answers, trees after each call and where a stage ends."""
    layers, stages = [], []
    try:
        for number, stage in enumerate(q['stages']):
            containers = range(2 if any(each['in'] == 1 for each in stage) else 1)
            is_read_only = q['endsReadOnly'] and number == len(q['stages']) - 1
            for container in containers:
                mount({'in': container, 'lowers': layers or ['empty'], 'options': q['options'],
                       'upper': None if is_read_only else 'upper%d' % container})
            replies = calls({'calls': stage, 'look': True})
            stages.append({'replies': replies, 'trees': [trees(container) for container in containers]})
            if not is_read_only:
                layers.insert(0, 'layer%d' % number)
            for container in containers:
                keep({'in': container, 'as': None if container else layers[0], 'timeNs': q['timeNs']})
        return stages
    finally:
        for container in list(mounted):
            keep({'in': container, 'as': None})
        for layer in layers:
            shutil.rmtree(inside(layer), ignore_errors=True)


REQUESTS = {'mount': mount, 'keep': keep, 'drop': drop, 'calls': calls, 'trees': lambda q: trees(q['in']),
            'sequence': sequence}


def guarded(function, q):
    try:
        return {'value': function(q)}
    except OSError as e:
        return {'error': errno.errorcode.get(e.errno, str(e.errno))}


def end(*_):
    raise SystemExit(1)


def clean_up():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave()
    for container in list(mounted):
        close_files(container)
    # A signal may come between mount(2) or umount(2) and the note of it: the kernel is asked what is mounted.
    for name in os.listdir(base):
        while name.startswith('merged') and LIBC.umount2(os.fsencode(inside(name)), MNT_DETACH) == 0:
            pass
    for server in servers.values():
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()  # it goes on while a file of its mount is open
    shutil.rmtree(base)


def main():
    global base, host_root
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    check(LIBC.unshare(CLONE_NEWNS))
    check(LIBC.mount(b'none', b'/', None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    host_root = os.open('/', os.O_RDONLY)
    os.umask(0o022)
    base = tempfile.mkdtemp(prefix='overlog-kernel-', dir=os.path.abspath(sys.argv[1]))
    try:
        print(json.dumps(base), flush=True)
        for line in sys.stdin:
            q = json.loads(line)
            sums.clear()
            print(json.dumps(guarded(REQUESTS[q['do']], q)), flush=True)
    finally:
        clean_up()


try:
    main()
except BrokenPipeError:
    pass  # whoever asked is gone; everything has been cleaned up
