"""What a worker takes from itself before it looks at the file of a stranger."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import sys

_MIB = 1 << 20
_NICENESS = 10
_OPEN_FILES = 32


def confine(*, memory_mb: int, cpu_s: int, file_mb: int) -> None:
    """Limit this process for good: a limit once lowered cannot be raised by it.

    Beyond `cpu_s` the kernel kills it; beyond the others allocations and writes fail.
    """
    os.nice(_NICENESS)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, cpu_s)
    _limit(resource.RLIMIT_FSIZE, file_mb * _MIB)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    if sys.platform != "darwin":  # macOS knows the name and refuses any value
        _limit(resource.RLIMIT_AS, memory_mb * _MIB)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (allowed, allowed))


def die_with_the_server() -> None:
    """End when the other end of standard input closes: a killed server leaves no workers behind.

    The kernel sends SIGIO then, whose default is the end; no thread has to watch.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        ended = os.read(0, 1) == b""
    except BlockingIOError:
        ended = False
    if ended:  # it was killed while this process started
        sys.exit(1)
