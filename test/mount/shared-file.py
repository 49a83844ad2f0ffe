"""Several processes at random in one file, each in a part of its own; parts begin and end anywhere in a page.

Each process compares what it reads with what it wrote; the last one also cuts and grows the file behind the others. Prints what each
call answered, which is the same on every file system. usage: shared-file.py FILE SEED OPERATIONS PROCESSES
"""

import ctypes
import errno
import hashlib
import mmap
import os
import random
import sys

PATH, SEED, COUNT, PROCESSES = sys.argv[1], *map(int, sys.argv[2:5])
PART = 300_007
PAGE = mmap.PAGESIZE
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
libc = ctypes.CDLL(None, use_errno=True)


def fallocate(file, mode, at, length):
    if libc.fallocate(file, mode, ctypes.c_long(at), ctypes.c_long(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Part:
    def __init__(self, index):
        self.rng = random.Random(SEED * 1000 + index)
        self.start = index * PART
        self.is_last = index == PROCESSES - 1
        self.content = bytearray(PART)
        self.file = os.open(PATH, os.O_RDWR)
        self.other = os.open(f"{PATH}.{index}", os.O_CREAT | os.O_RDWR, 0o600)
        os.pwrite(self.other, bytes(range(256)) * 400, 0)

    def piece(self, most=70_000):
        """A place in this part, and how long: at least one byte."""
        at = self.rng.choice([self.rng.randrange(len(self.content)), self.rng.randrange(len(self.content)) // PAGE * PAGE])
        length = min(self.rng.choice([1, 100, PAGE, 5000, 16384, most]), len(self.content) - at)
        return at, length

    def bytes(self, length):
        return bytes([self.rng.randrange(256)]) * (length - length // 2) + bytes([self.rng.randrange(256)]) * (length // 2)

    def same(self, at, found, what):
        expected = self.content[at : at + len(found)]
        if found == expected:
            return
        first = next(index for index in range(len(found)) if found[index] != expected[index])
        raise AssertionError(f"{what}: byte {self.start + at + first} is {found[first]}, not {expected[first]} (of {at}, {len(found)})")

    def write(self):
        at, length = self.piece()
        data = self.bytes(length)
        self.content[at : at + length] = data
        return os.pwrite(self.file, data, self.start + at)

    def read(self):
        at, length = self.piece()
        found = os.pread(self.file, length, self.start + at)
        assert len(found) == length, (len(found), length)
        self.same(at, found, "pread")
        return hashlib.md5(found).hexdigest()

    def mapped(self, at, length):
        first = (self.start + at) // PAGE * PAGE
        view = mmap.mmap(self.file, self.start + at + length - first, offset=first)
        return view, self.start + at - first

    def map_write(self):
        at, length = self.piece()
        data = self.bytes(length)
        self.content[at : at + length] = data
        view, begin = self.mapped(at, length)
        with view:
            view[begin : begin + length] = data
            if self.rng.random() < 0.3:
                view.flush()
        return length

    def map_read(self):
        at, length = self.piece()
        view, begin = self.mapped(at, length)
        with view:
            self.same(at, view[begin : begin + length], "mmap")
        return length

    def punch(self):
        at, length = self.piece()
        self.content[at : at + length] = bytes(length)
        return fallocate(self.file, self.rng.choice([PUNCH_HOLE, ZERO_RANGE]) | KEEP_SIZE, self.start + at, length)

    def allocate(self):
        at, length = self.piece()
        return fallocate(self.file, self.rng.choice([0, KEEP_SIZE]), self.start + at, length)

    def copy_in(self):
        """Whole pages only: a mapping's bytes beside the copied ones in a page are lost on any FUSE file system."""
        at = -(-(self.start + self.rng.randrange(len(self.content))) // PAGE) * PAGE - self.start
        length = (len(self.content) - at) // PAGE * PAGE
        if length <= 0:
            return None
        length = min(length, self.rng.choice([PAGE, 4 * PAGE]))
        source = self.rng.randrange(80_000)
        copied = os.copy_file_range(self.other, self.file, length, source, self.start + at)
        self.content[at : at + copied] = os.pread(self.other, copied, source)
        return copied

    def copy_out(self):
        at, length = self.piece(20_000)
        copied = os.copy_file_range(self.file, self.other, length, self.start + at, self.rng.choice([0, 70_000]))
        return copied

    def sync(self):
        return self.rng.choice([os.fsync, os.fdatasync])(self.file)

    def reopen(self):
        os.close(self.file)
        self.file = os.open(PATH, os.O_RDWR)

    def resize(self):
        """What is cut is zero when it comes back."""
        size = self.rng.choice([PART, self.rng.randrange(PART // 2, 2 * PART), self.rng.randrange(1, 2 * PART)])
        self.content = self.content[:size] + bytes(max(0, size - len(self.content)))
        return os.ftruncate(self.file, self.start + size)

    def grow(self):
        data, at = self.bytes(3000), len(self.content) + self.rng.choice([0, 1, 5000])
        self.content += bytes(at - len(self.content)) + data
        os.pwrite(self.file, data, self.start + at)
        if len(self.content) > 3 * PART:
            return self.resize()
        return os.fstat(self.file).st_size - self.start

    def run(self, report):
        calls = [(self.write, 8), (self.read, 8), (self.map_write, 5), (self.map_read, 5), (self.punch, 3), (self.allocate, 1)]
        calls += [(self.copy_in, 2), (self.copy_out, 1), (self.sync, 1), (self.reopen, 1)]
        if self.is_last:
            calls += [(self.resize, 2), (self.grow, 4)]
        words, weights = [call for call, _ in calls], [weight for _, weight in calls]
        for step in range(COUNT):
            call = self.rng.choices(words, weights)[0]
            try:
                answer = call()
            except OSError as error:
                answer = errno.errorcode[error.errno]
            except AssertionError as error:
                raise AssertionError(f"step {step}: {error}")
            print(step, call.__name__, answer, file=report)
        found = os.pread(self.file, len(self.content), self.start)
        self.same(0, found, "end")
        print(hashlib.md5(found).hexdigest(), hashlib.md5(os.pread(self.other, 1 << 20, 0)).hexdigest(), file=report)


with open(PATH, "wb") as made:
    made.truncate(PROCESSES * PART)
children = []
for index in range(PROCESSES):
    pid = os.fork()
    if pid == 0:
        try:
            with open(f"{PATH}.answers{index}", "w") as report:
                Part(index).run(report)
            os._exit(0)
        except BaseException as error:
            print(f"process {index}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
    children.append(pid)
failed = [status for status in (os.waitpid(pid, 0)[1] for pid in children) if status != 0]
for index in range(PROCESSES):
    with open(f"{PATH}.answers{index}") as report:
        print(report.read(), end="")
with open(PATH, "rb") as whole:
    print(hashlib.md5(whole.read()).hexdigest())
sys.exit(1 if failed else 0)
