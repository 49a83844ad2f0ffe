"""Runs a command on a terminal of its own and types at it.

Steps, as JSON: [["expect", text], ["type", text], ["size", rows, columns], ["sleep", seconds], ["hang up"]]. Prints, as JSON, what
came on the terminal, the exit code (negative: of a signal), and whether the terminal's modes are what they were.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios
import time

PATIENCE = 60

steps = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
modes = termios.tcgetattr(terminal)
said = b''
seen = 0


def listen(seconds):
    """Whether somebody has the other end."""
    global said
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        return False
    said += piece
    return piece != b''


def answer(**more):
    print(json.dumps({'said': said.decode(errors='replace'), **more}))
    sys.exit(0)


def expect(text):
    global seen
    until = time.time() + PATIENCE
    while text not in said[seen:]:
        if not listen(0.1) or time.time() > until:
            os.kill(pid, 9)
            answer(failed='did not say ' + text.decode())
    seen = said.index(text, seen) + len(text)


def play():
    global terminal
    for what, *values in steps:
        if what == 'expect':
            expect(values[0].encode())
        elif what == 'type':
            os.write(terminal, values[0].encode())
        elif what == 'size':
            fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', *values, 0, 0))
        elif what == 'sleep':
            time.sleep(values[0])
        elif what == 'hang up':
            os.close(terminal)
            return False
    return True


isOpen = wasOpen = play()
until = time.time() + PATIENCE
while True:
    if isOpen:
        isOpen = listen(0.02)
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    if time.time() > until:
        os.kill(pid, 9)
        answer(failed='does not end')
    if not isOpen:
        time.sleep(0.02)
while isOpen and select.select([terminal], [], [], 0.05)[0]:
    isOpen = listen(0)
answer(code=os.waitstatus_to_exitcode(status), isAsBefore=wasOpen and termios.tcgetattr(terminal) == modes)
