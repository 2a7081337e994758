"""Runs a program on a terminal of its own, as a person drives it.

python3 terminal.py COLUMNS STEPS PROGRAM ...: STEPS is JSON, a list of [what is waited for, what is typed then].
All that the terminal showed is printed, and the exit code is the program's: 128 and the signal, if one ended it.
It is 98 if something was never shown, and 99 if what the program started outlives it.
"""

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
import time

# Seconds that a machine may be busy for; more than that is a program that waits for what nobody types.
PATIENCE = 600


def on_terminal(columns, program):
    child, terminal = pty.fork()
    if child == 0:
        # Who starts tests in the background has them ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        os.execvp(program[0], program)
    return child, terminal


def driven(terminal, steps):
    """Types each step's answer; returns what was shown, and the steps that were never reached."""
    shown, since, steps = b"", 0, list(steps)
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
            while steps and (found := shown.find(steps[0][0].encode(), since)) >= 0:
                since = found + len(steps[0][0].encode())
                os.write(terminal, steps.pop(0)[1].encode())
    except OSError:
        # The terminal ends with the program.
        pass
    return shown, steps


def left(session):
    """The processes of a session that still run; none where there is no /proc."""
    found = []
    for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        try:
            with open(f"/proc/{process}/stat") as file:
                # The name before them may have spaces and parentheses. (proc_pid_stat(5).)
                state, _parent, _group, of = file.read().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state not in "ZX":
            found.append(process)
    return found


def main():
    columns, steps, program = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
    child, terminal = on_terminal(columns, program)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
    signal.alarm(PATIENCE)
    shown, missed = driven(terminal, steps)
    sys.stdout.buffer.write(shown)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(0)
    # What was killed is gone a moment later.
    until = time.monotonic() + PATIENCE / 10
    while left(child) and time.monotonic() < until:
        time.sleep(0.05)
    if missed:
        print(f"\n{missed[0][0]!r} was never shown")
        return 98
    if outlives := left(child):
        print(f"\nthese outlive it: {outlives}")
        return 99
    return code if code >= 0 else 128 - code


sys.exit(main())
