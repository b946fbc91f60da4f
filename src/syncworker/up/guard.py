"""How does a process die with the one that started it, and its own children with it?

A guard stands between `syncworker up` and each process it runs. It leads a process group of its own and
holds one end of a socket pair (its standard input), the lifeline. The other end is held by whoever started
it, and by nobody else: so when that one is gone, however it went, the lifeline reads end-of-file, and the
guard ends its group. The other way round the lifeline carries the exit code, and its end-of-file says that
the guard is gone.

Started as a file with `python -I -S`: it costs milliseconds and imports nothing but the standard library.

    guard.py ORPHAN_SIGNAL ORPHAN_SECONDS UID:GID|- COMMAND...

ORPHAN_SIGNAL is what the command gets when the lifeline breaks, ORPHAN_SECONDS how long it then has.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
import time
from types import FrameType

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
CANNOT_START = 127
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(argv: list[str]) -> None:
    """Run the command until it ends or the lifeline breaks; then end the process group, itself included."""
    orphan_signal, orphan_seconds, owner, *command = argv
    lifeline = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    alarm, ring = socket.socketpair()
    for end in (alarm, ring):
        end.setblocking(False)

    # Nothing may arrive between the fork and the handlers, else a signal meant for the command is lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, (*FORWARDED, signal.SIGCHLD))
    child = os.fork()
    if child == 0:
        _become(command, owner)

    def forward(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    for number in FORWARDED:
        signal.signal(number, forward)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*FORWARDED, signal.SIGCHLD))

    code = _watch(child, lifeline, alarm)
    if code is None:
        os.kill(child, int(orphan_signal))
        _wait(child, alarm, seconds=float(orphan_seconds))
    else:
        _tell(lifeline, code)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _become(command: list[str], owner: str) -> None:
    """Turn this fresh child into the command. Does not return."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them, and a program would inherit that
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (*FORWARDED, signal.SIGCHLD))
        if owner != "-":
            uid, gid = map(int, owner.split(":"))
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        # After the change of user, which would clear it. For the case that the guard itself is killed.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execvp(command[0], command)  # noqa: S606 - the command is ours, there is no shell
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(CANNOT_START)


def _watch(child: int, lifeline: socket.socket, alarm: socket.socket) -> int | None:
    """Return the exit code of the child, or None when the lifeline broke first."""
    while True:
        ready, _, _ = select.select([lifeline, alarm], [], [])
        if alarm in ready:
            alarm.recv(4096)
            code = _ended(child)
            if code is not None:
                return code
        if lifeline in ready and not _alive(lifeline):
            return None


def _alive(lifeline: socket.socket) -> bool:
    try:
        return bool(lifeline.recv(4096))
    except ConnectionError:
        return False


def _wait(child: int, alarm: socket.socket, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _ended(child) is None and (left := deadline - time.monotonic()) > 0:
        if select.select([alarm], [], [], left)[0]:
            alarm.recv(4096)


def _ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def _tell(lifeline: socket.socket, code: int) -> None:
    try:
        lifeline.send(f"{code}\n".encode())
    except OSError:
        return  # nobody is left to be told


if __name__ == "__main__":
    main(sys.argv[1:])
