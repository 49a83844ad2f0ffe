"""Works in a directory while its server is killed again and again; prints what it saw as JSON.

No call may fail, and what a call returned from has to be there. usage: supervise.py DIRECTORY RECORDS SECONDS
"""

import glob
import json
import os
import random
import signal
import sys
import threading
import time

ROOT, RECORDS, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3])
THREADS = 3
os.chdir(ROOT)
errors, kills, longest, done = [], 0, 0.0, {}
end = time.monotonic() + SECONDS


def server():
    with open(glob.glob(RECORDS + "/*.json")[0]) as file:
        return json.load(file)["server"]


def kill_again_and_again():
    """Each server once, at any moment of its life."""
    global kills
    killed = None
    while time.monotonic() < end:
        time.sleep(random.uniform(0.05, 0.6))
        now = server()
        if now == killed:
            continue
        os.kill(now, signal.SIGKILL)
        killed = now
        kills += 1


def one_round(base, index):
    path = f"{base}/f{index}"
    content = b"%d " % index * random.choice([1, 300, 40000])
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)
    os.write(file, content)
    os.rename(path, path + "r")
    os.link(path + "r", path + "l")
    os.mkdir(path + "d")
    os.symlink("target", path + "s")
    os.unlink(path + "l")
    os.rmdir(path + "d")
    os.unlink(path + "s")
    os.setxattr(path + "r", "user.a", b"1", os.XATTR_CREATE)
    os.removexattr(path + "r", "user.a")
    os.chmod(path + "r", 0o600)
    os.mkfifo(path + "p")
    os.unlink(path + "p")
    assert os.pread(file, len(content) + 1, 0) == content
    os.close(file)
    nameless = os.open(base, os.O_TMPFILE | os.O_RDWR, 0o600)
    os.write(nameless, content)
    os.lseek(nameless, 0, os.SEEK_SET)
    assert os.read(nameless, len(content) + 1) == content
    os.close(nameless)


def work(number):
    global longest
    base = f"w{number}"
    os.mkdir(base)
    index = 0
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            one_round(base, index)
        except BaseException as error:
            errors.append(f"{base} {index} {error!r}")
        longest = max(longest, time.monotonic() - start)
        index += 1
    done[base] = index


# What is open before outlives every server.
held = os.open("held", os.O_RDWR | os.O_CREAT)
os.write(held, b"before")
os.unlink("held")
lower = os.open("etc/motd", os.O_RDONLY)
os.mkdir("gone")
gone = os.open("gone", os.O_RDONLY)
os.rmdir("gone")
with open("etc/motd", "a") as file:
    file.write("more\n")  # breaks the hard link
ino = os.stat("etc/motd").st_ino

threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
for thread in threads:
    thread.start()
kill_again_and_again()
for thread in threads:
    thread.join()

os.write(held, b", after")
for base, count in done.items():
    names = sorted(os.listdir(base))
    if names != sorted(f"f{index}r" for index in range(count)):
        errors.append(f"{base} has {len(names)} names of {count}")
print(
    json.dumps(
        {
            "errors": errors[:10],
            "kills": kills,
            "rounds": sum(done.values()),
            "longestSeconds": round(longest, 2),
            "held": os.pread(held, 100, 0).decode(),
            "heldLinks": os.fstat(held).st_nlink,
            "goneMode": oct(os.fstat(gone).st_mode),
            "lower": os.pread(lower, 100, 0).decode(),
            "issue": open("etc/issue").read(),
            "sameIno": os.stat("etc/motd").st_ino == ino,
        }
    )
)
