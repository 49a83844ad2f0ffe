"""The kernel's side of the oracle: runs file system calls on real overlay mounts.

Reads one JSON request a line on stdin, answers one JSON line each. Texts are names with surrogateescape; data is latin-1.

Everything happens in a fresh folder below the one given as the only argument, and in a mount namespace of this process:
mounts are seen by nobody else and end with it, also when it is killed. The folder is removed at the end of input, on
errors, on SIGINT and on SIGTERM.
"""
import ctypes, errno, json, os, shutil, signal, subprocess, sys, tempfile
import oracle_mounts
from oracle_calls import LIBC, check, close_files, run
from oracle_mounts import MNT_DETACH, drop, enter, inside, keep, leave, mount, mounted, remount, servers, trees
from oracle_trees import sums

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


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
    for name in os.listdir(oracle_mounts.base):
        while name.startswith('merged') and LIBC.umount2(os.fsencode(inside(name)), MNT_DETACH) == 0:
            pass
    for server in servers.values():
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:
            server.kill()  # it goes on while a file of its mount is open
    shutil.rmtree(oracle_mounts.base)


def let_go_of_others():
    """A copy of a FUSE mount in this namespace would keep its server, when everybody else has unmounted it."""
    with open('/proc/self/mountinfo', 'rb') as table:
        rows = [line.split() for line in table]
    for row in rows:
        if row[row.index(b'-') + 1].startswith(b'fuse'):
            LIBC.umount2(row[4].decode('unicode_escape').encode('latin-1'), MNT_DETACH)


def main():
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    check(LIBC.unshare(CLONE_NEWNS))
    check(LIBC.mount(b'none', b'/', None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
    let_go_of_others()
    oracle_mounts.host_root = os.open('/', os.O_RDONLY)
    os.umask(0o022)
    oracle_mounts.base = tempfile.mkdtemp(prefix='overlog-kernel-', dir=os.path.abspath(sys.argv[1]))
    try:
        print(json.dumps(oracle_mounts.base), flush=True)
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
