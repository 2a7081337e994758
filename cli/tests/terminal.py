"""Runs a program on a terminal of its own, as a person drives it.

python3 terminal.py COLUMNS STEPS PROGRAM ...: STEPS is JSON, a list of [what is waited for, what is typed then].
All that the terminal showed is printed, and the exit code is the program's: 128 and the signal, if one ended it.
"""

import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios

columns, steps, program = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    # Who starts tests in the background has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execvp(program[0], program)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
shown, since = b"", 0
try:
    while chunk := os.read(terminal, 4096):
        shown += chunk
        while steps and (found := shown.find(steps[0][0].encode(), since)) >= 0:
            since = found + len(steps[0][0].encode())
            os.write(terminal, steps.pop(0)[1].encode())
except OSError:
    # The terminal ends with the program.
    pass
sys.stdout.buffer.write(shown)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.exit(code if code >= 0 else 128 - code)
