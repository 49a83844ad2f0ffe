"""What the kernel does where overlog has nothing to compare with, or does otherwise: printed as one JSON object.

    facts.py FOLDER

Everything happens in FOLDER, which is fresh, and in a mount namespace of this process.
"""
import ctypes, errno, fcntl, json, mmap, os, shutil, struct, subprocess, sys, time

LIBC = ctypes.CDLL(None, use_errno=True)
FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, IMMUTABLE, APPEND = 0x80086601, 0x40086602, 0x10, 0x20
base = os.path.abspath(sys.argv[1])
facts = {}
flagged = []  # files that nobody could remove


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), '')
    return result


def answer(function, *args):
    """`ok`, or the code of the refusal."""
    try:
        function(*args)
        return 'ok'
    except OSError as e:
        return errno.errorcode[e.errno]


def mount_options(options, target='m'):
    check(LIBC.mount(b'overlay', target.encode(), b'overlay', 0, options.encode()))


def try_mount(options):
    result = answer(mount_options, options)
    if result == 'ok':
        check(LIBC.umount2(b'm', 0))
    return result


class Overlay:
    """A fresh overlay in a folder of its own; `make` fills its lowers, named top first."""

    def __init__(self, name, make, lowers=('l',), options=''):
        os.mkdir(name)
        os.chdir(name)
        for folder in [*lowers, 'u', 'w', 'm']:
            os.mkdir(folder)
        make()
        mount_options('lowerdir=%s,upperdir=u,workdir=w%s' % (':'.join(lowers), options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        check(LIBC.umount2(b'm', 2))
        os.chdir(base)


def write(path, text=''):
    with open(path, 'w') as f:
        f.write(text)


def set_flags(path, flags):
    fd = os.open(path, os.O_RDONLY)
    try:
        kept = struct.unpack('l', fcntl.ioctl(fd, FS_IOC_GETFLAGS, bytes(8)))[0] & ~(IMMUTABLE | APPEND)
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack('l', kept | flags))
    finally:
        os.close(fd)


def open_close(path, flags):
    os.close(os.open(path, flags))


def xattr_whiteout():
    def make():
        for name in ('f', 'g', 'h'):
            write('l/' + name, name)
        for name in ('f', 'g'):
            write('x/' + name)
        os.setxattr('x/f', 'trusted.overlay.whiteout', b'y')
        os.setxattr('x', 'trusted.overlay.opaque', b'x')
    with Overlay('L8', make, lowers=('x', 'l')):
        facts['L8'] = {'listed': sorted(os.listdir('m')), 'stat': answer(os.stat, 'm/f')}


def stray_whiteout():
    def make():
        os.mkdir('l/d')
        write('l/d/a')
        os.mknod('l/d/gone', 0o20000, 0)
    with Overlay('L9', make):
        facts['L9'] = {'listed': sorted(os.listdir('m/d')), 'stat': answer(os.stat, 'm/d/gone')}


def without_a_name():
    def make():
        for name in ('d', 'gone'):
            os.mkdir('l/' + name)
            write('l/%s/f' % name, 'text')
    with Overlay('O4', make):
        kept, lost = (os.open('m/%s/f' % name, os.O_RDONLY) for name in ('d', 'gone'))
        for name in ('d', 'gone'):
            os.unlink('m/%s/f' % name)
        os.rmdir('m/gone')
        facts['O4'] = {'its directory stands': answer(os.fchmod, kept, 0o600), 'its directory is gone': answer(os.fchmod, lost, 0o600)}
        for fd in (kept, lost):
            os.close(fd)


def flags():
    def make():
        for name in ('i', 'a'):
            write('l/' + name, 'text')
        flagged.extend(os.path.abspath('l/' + name) for name in ('i', 'a'))
        set_flags('l/i', IMMUTABLE)
        set_flags('l/a', APPEND)
    with Overlay('M8', make):
        facts['M8'] = {
            'write immutable': answer(open_close, 'm/i', os.O_WRONLY),
            'chmod immutable': answer(os.chmod, 'm/i', 0o600),
            'unlink immutable': answer(os.unlink, 'm/i'),
            'write append-only': answer(open_close, 'm/a', os.O_WRONLY),
            'append to append-only': answer(open_close, 'm/a', os.O_WRONLY | os.O_APPEND),
            'upper': sorted(os.listdir('u')),
        }

def change_time():
    def make():
        write('l/f', 'text')
        os.utime('l/f', ns=(1, 2))
    with Overlay('M2', make):
        time.sleep(0.02)
        before = os.stat('m/f')
        open_close('m/f', os.O_WRONLY)
        after = os.stat('m/f')
        facts['M2'] = {'ctime is new': after.st_ctime_ns > before.st_ctime_ns, 'mtime stays': after.st_mtime_ns == 2}


def memory_maps():
    with Overlay('O2', lambda: write('l/f', 'old')):
        fd = os.open('m/f', os.O_RDONLY)
        before = mmap.mmap(fd, 3, prot=mmap.PROT_READ)
        write('m/f', 'new')
        after = mmap.mmap(fd, 3, prot=mmap.PROT_READ)
        facts['O2'] = {'read': os.pread(fd, 3, 0).decode(), 'map': before[:].decode(), 'new map': after[:].decode()}
        before.close()
        after.close()
        os.close(fd)


def access_times():
    def read_atime(path):
        os.utime(path, ns=(1, 2))  # older than the change, so that reading moves it also with relatime
        with open(path) as f:
            f.read()
        return os.stat(path).st_atime_ns

    def make():
        write('l/f', 'text')
        os.utime('l/f', ns=(1, 2))
    with Overlay('O8', make):
        with open('m/f') as f:
            f.read()
        lower = os.stat('m/f').st_atime_ns
        facts['O8'] = {'lower moves': lower != 1, 'upper moves': read_atime('m/f') != 1}


def execution():
    with Overlay('O9', lambda: shutil.copy(shutil.which('sleep'), 'l/p')):
        program = subprocess.Popen(['m/p', '10'])
        time.sleep(0.1)
        lower = answer(open_close, 'm/p', os.O_WRONLY)
        program.kill()
        program.wait()
        facts['O9'] = {'write what runs from a lower': lower}


def mounts():
    os.mkdir('mounts')
    os.chdir('mounts')
    for folder in ('l', 'l2', 'u', 'u/in', 'w', 'm', 'l/u', 'l/w'):
        os.makedirs(folder, exist_ok=True)
    write('file')
    for number in range(501):
        os.mkdir('n%d' % number)
    many = lambda count: ':'.join('n%d' % number for number in range(count))
    facts['1.11'] = {
        'no lower': try_mount('upperdir=u,workdir=w'),
        'no work': try_mount('lowerdir=l,upperdir=u'),
        'one lower, no upper': try_mount('lowerdir=l'),
        'a file as lower': try_mount('lowerdir=file,upperdir=u,workdir=w'),
        'work inside upper': try_mount('lowerdir=l,upperdir=u,workdir=u/in'),
        'unknown option': try_mount('lowerdir=l,upperdir=u,workdir=w,nonsense=on'),
        'metacopy without redirect_dir': try_mount('lowerdir=l,upperdir=u,workdir=w,metacopy=on,redirect_dir=off'),
        'missing lower': try_mount('lowerdir=gone,upperdir=u,workdir=w'),
        'lower twice': try_mount('lowerdir=l:l,upperdir=u,workdir=w'),
        'upper is lower': try_mount('lowerdir=u,upperdir=u,workdir=w'),
        'upper inside lower': try_mount('lowerdir=l,upperdir=l/u,workdir=l/w'),
        '500 lowers': try_mount('lowerdir=%s,upperdir=u,workdir=w' % many(500)),
        '501 lowers': try_mount('lowerdir=%s,upperdir=u,workdir=w' % many(501)),
    }
    os.chdir(base)


def nesting():
    """How many overlays lie on each other before the next is refused (FILESYSTEM_MAX_STACK_DEPTH)."""
    os.mkdir('deep')
    os.chdir('deep')
    os.mkdir('0')
    made = 0
    while made < 5:
        for folder in ('l', 'm', 'u', 'w'):
            os.mkdir('%s%d' % (folder, made))
        lower = '0' if made == 0 else 'm%d' % (made - 1)
        options = 'lowerdir=%s,upperdir=u%d,workdir=w%d' % (lower, made, made)
        if answer(mount_options, options, 'm%d' % made) != 'ok':
            break
        made += 1
    facts['L10'] = {'overlays on each other': made}
    for number in reversed(range(made)):
        check(LIBC.umount2(b'm%d' % number, 2))
    os.chdir(base)


check(LIBC.unshare(0x20000))
check(LIBC.mount(b'none', b'/', None, ctypes.c_ulong(0x44000), None))
os.chdir(base)
try:
    for each in (xattr_whiteout, stray_whiteout, without_a_name, flags, change_time, memory_maps, access_times, execution, mounts, nesting):
        each()
finally:
    for path in flagged:
        set_flags(path, 0)
print(json.dumps(facts))
