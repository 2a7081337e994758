"""Runs a program on a terminal of its own, and types an answer whenever it asks for a password.

Its standard input, output and error stay what they are: python3 with_terminal.py ANSWER PROGRAM ...
"""

import os
import pty
import sys
import termios
import threading
import time

answer, program = sys.argv[1].encode(), sys.argv[2:]
kept = [os.dup(number) for number in range(3)]
child, terminal = pty.fork()
if child == 0:
    # Else the terminal would end whenever the program has it closed.
    os.set_inheritable(os.dup(0), True)
    for number, descriptor in enumerate(kept):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.execvp(program[0], program)


def answer_questions():
    # Whoever asks for a password switches the echo off.
    while True:
        if not termios.tcgetattr(terminal)[3] & termios.ECHO:
            os.write(terminal, answer)
            time.sleep(0.2)
        time.sleep(0.01)


threading.Thread(target=answer_questions, daemon=True).start()
for descriptor in [0, 1, 2, *kept]:
    os.close(descriptor)
try:
    while os.read(terminal, 1024):
        pass
except OSError:
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
