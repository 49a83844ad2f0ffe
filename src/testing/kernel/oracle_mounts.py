"""The overlay mounts of the oracle, below one folder: how containers are mounted, and what is left of them as layers."""
import ctypes, errno, os, shutil, subprocess, time, zlib
from oracle_calls import LIBC, check, close_files
from oracle_trees import listing, walk

MS_BIND = 0x1000
MNT_DETACH = 2
base = None
host_root = None  # of this process' mount namespace
mounted = {}  # container -> how it is mounted
servers = {}  # container -> the process that serves it in place of the kernel's overlayfs
shown = {}  # folder -> the listing that was sent last


def inside(name):
    if os.sep in name or name in ('', '.', '..'):
        raise ValueError('not a name: %r' % name)
    return os.path.join(base, name)


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


def trees(container):
    """The merged tree and the upper, each only if it is not what was sent last."""
    out = {}
    for what, folder in (('merged', 'merged%d' % container), ('upper', mounted[container]['upper'])):
        if folder is None:
            continue
        rows = listing(inside(folder))
        if shown.get(folder) != rows:
            shown[folder] = rows
            out[what] = rows
    return out
