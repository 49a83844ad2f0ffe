"""What the oracle shows of a tree: a row for each object, by path."""
import os, stat, zlib

KINDS = {stat.S_IFDIR: 'dir', stat.S_IFREG: 'file', stat.S_IFLNK: 'symlink', stat.S_IFIFO: 'fifo',
         stat.S_IFCHR: 'chr', stat.S_IFBLK: 'blk', stat.S_IFSOCK: 'sock'}
sums = {}  # (inode, size, times) -> checksum of a content; for one request


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
    for path, full in walk(folder):
        try:
            rows.append(row(path, full))
        except FileNotFoundError:
            pass  # a stray whiteout can be listed and not looked up (SEM-L9)
    return rows
