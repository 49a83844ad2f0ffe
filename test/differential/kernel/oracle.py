"""The kernel's side of the differential test: runs file system calls on a real overlay mount.

Reads one JSON request a line on stdin, answers one JSON line each. Texts are names with surrogateescape. Everything
happens below the folder given as the only argument; mounts are taken down on `end`, on end of input and on errors.
"""
import ctypes, errno, hashlib, json, os, stat, subprocess, sys

BASE = os.path.abspath(sys.argv[1])
HOST_ROOT = os.open('/', os.O_RDONLY)
LIBC = ctypes.CDLL(None, use_errno=True)
files = {}


def inside(path):
    return os.path.join(BASE, path)


def refused(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def renameat2(source, target, flags):
    refused(LIBC.renameat2(-100, os.fsencode(source), -100, os.fsencode(target), flags))


def fallocate(fd, mode, offset, length):
    refused(LIBC.fallocate(fd, mode, ctypes.c_long(offset), ctypes.c_long(length)))


def begin(request):
    """Mounts `lowers` (top first) with an empty upper; options as in mount(8)."""
    drop(['upper', 'work', 'merged'])
    for folder in ('upper', 'work', 'merged'):
        os.mkdir(inside(folder))
        os.chmod(inside(folder), 0o755)
    lowers = ':'.join(inside(lower) for lower in request['lowers'])
    options = 'lowerdir=%s,upperdir=%s,workdir=%s,%s' % (lowers, inside('upper'), inside('work'), request['options'])
    subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', options, inside('merged')], check=True)
    enter()


def enter():
    os.chroot(inside('merged'))
    os.chdir('/')


def leave():
    os.fchdir(HOST_ROOT)
    os.chroot('.')


def close_all():
    for fd in files.values():
        os.close(fd)
    files.clear()


def end(request):
    close_all()
    leave()
    if subprocess.run(['umount', inside('merged')], check=False).returncode != 0:
        subprocess.run(['umount', '-l', inside('merged')], check=True)
    keep = request.get('keep')
    if keep:
        drop([keep])
        os.rename(inside('upper'), inside(keep))
    drop(['upper', 'work', 'merged'])


def drop(folders):
    for folder in folders:
        subprocess.run(['rm', '-rf', inside(folder)], check=True)


def entry(full, rel, first):
    st = os.lstat(full)
    kind = {stat.S_IFDIR: 'dir', stat.S_IFREG: 'file', stat.S_IFLNK: 'symlink', stat.S_IFIFO: 'fifo',
            stat.S_IFCHR: 'chr', stat.S_IFBLK: 'blk', stat.S_IFSOCK: 'sock'}[stat.S_IFMT(st.st_mode)]
    r = {'path': '/' + rel, 'type': kind, 'mode': stat.S_IMODE(st.st_mode), 'uid': st.st_uid, 'gid': st.st_gid}
    if kind == 'file':
        r['size'] = st.st_size
        with open(full, 'rb') as f:
            r['sha256'] = hashlib.sha256(f.read()).hexdigest()
    if kind == 'symlink':
        r['linkname'] = os.readlink(full)
    if kind in ('chr', 'blk'):
        r['rdev'] = '%d:%d' % (os.major(st.st_rdev), os.minor(st.st_rdev))
    if kind != 'dir' and st.st_nlink > 1:
        r['nlink'] = st.st_nlink
        key = (st.st_dev, st.st_ino)
        if key in first:
            r['hardlink'] = first[key]
        else:
            first[key] = r['path']
    names = sorted(os.listxattr(full, follow_symlinks=False))
    if names:
        r['xattrs'] = {n: os.getxattr(full, n, follow_symlinks=False).hex() for n in names}
    return r, kind


def listing(request):
    root = request['root']
    out, first, stack = [], {}, ['']
    leave()
    try:
        top = inside(root)
        while stack:
            rel = stack.pop()
            try:
                r, kind = entry(os.path.join(top, rel) if rel else top, rel, first)
            except FileNotFoundError:
                continue  # a stray whiteout can be listed and not looked up (SEM-L9)
            out.append(r)
            if kind == 'dir':
                names = sorted(os.listdir(os.path.join(top, rel)), key=os.fsencode, reverse=True)
                stack.extend(rel + '/' + n if rel else n for n in names)
    finally:
        enter()
    return out


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


def run(q):
    op = q['op']
    if op == 'open':
        opened = os.open(q['path'], q['flags'] | os.O_CLOEXEC | os.O_NONBLOCK, q['mode'])
        kind = stat.S_IFMT(os.fstat(opened).st_mode)
        if kind not in (stat.S_IFREG, stat.S_IFDIR) and not q['flags'] & os.O_PATH:
            os.close(opened)  # nobody is at the other end of a pipe or a device in overlog
            raise OSError(errno.ENXIO, '')
        if q['slot'] in files:
            os.close(files[q['slot']])
        files[q['slot']] = opened
    elif op == 'close':
        os.close(files.pop(q['slot']))
    elif op == 'read':
        return os.pread(files[q['slot']], q['length'], q['position']).decode('latin-1') if q['position'] is not None \
            else os.read(files[q['slot']], q['length']).decode('latin-1')
    elif op == 'write':
        data = q['data'].encode('latin-1')
        return os.write(files[q['slot']], data) if q['position'] is None \
            else os.pwrite(files[q['slot']], data, q['position'])
    elif op == 'seek':
        fd = files[q['slot']]
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            return None  # a directory's offsets are its file system's own
        return os.lseek(fd, q['offset'], q['whence'])
    elif op == 'ftruncate':
        os.ftruncate(files[q['slot']], q['size'])
    elif op == 'fallocate':
        fallocate(files[q['slot']], q['mode'], q['offset'], q['length'])
    elif op == 'fstat':
        return stat_of(os.fstat(files[q['slot']]), files[q['slot']])
    elif op == 'fchmod':
        os.fchmod(files[q['slot']], q['mode'])
    elif op == 'copy':
        return os.copy_file_range(files[q['from']], files[q['to']], q['length'], q['fromPosition'], q['toPosition'])
    elif op == 'linkfile':
        os.link('/proc/self/fd/%d' % files[q['slot']], q['path'], follow_symlinks=True)
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
        renameat2(q['from'], q['to'], q['flags'])
    elif op == 'mknod':
        os.mknod(q['path'], q['mode'], os.makedev(q['major'], q['minor']))
    elif op == 'chmod':
        os.chmod(q['path'], q['mode'])
    elif op == 'chown':
        os.chown(q['path'], q['uid'], q['gid'], follow_symlinks=q['follow'])
    elif op == 'utimes':
        os.utime(q['path'], ns=(q['atime'], q['mtime']), follow_symlinks=q['follow'])
    elif op == 'setxattr':
        os.setxattr(q['path'], q['name'], q['value'].encode('latin-1'), q['flags'], follow_symlinks=False)
    elif op == 'removexattr':
        os.removexattr(q['path'], q['name'], follow_symlinks=False)
    elif op == 'getxattr':
        return os.getxattr(q['path'], q['name'], follow_symlinks=False).decode('latin-1')
    elif op == 'stat':
        return stat_of(os.stat(q['path']) if q['follow'] else os.lstat(q['path']), q['path'])
    elif op == 'readdir':
        return sorted(os.listdir(q['path']), key=os.fsencode)
    elif op == 'access':
        return os.access(q['path'], q['mode'])
    else:
        raise ValueError(op)
    return None


def answer(q):
    op = q['op']
    if op == 'begin':
        return begin(q)
    if op == 'end':
        return end(q)
    if op == 'drop':
        return drop(q['folders'])
    if op == 'list':
        return listing(q)
    return run(q)


def main():
    os.umask(0o022)
    os.makedirs(BASE, exist_ok=True)
    os.makedirs(inside('empty'), exist_ok=True)
    for line in sys.stdin:
        q = json.loads(line)
        try:
            reply = {'value': answer(q)}
        except OSError as e:
            reply = {'error': errno.errorcode.get(e.errno, str(e.errno))}
        except subprocess.CalledProcessError as e:
            reply = {'error': str(e)}
        except KeyError:
            reply = {'error': 'EBADF'}
        sys.stdout.write(json.dumps(reply) + '\n')
        sys.stdout.flush()


try:
    main()
finally:
    try:
        leave()
        subprocess.run(['umount', '-l', inside('merged')], check=False, stderr=subprocess.DEVNULL)
    except OSError:
        pass
