"""How a process that is measured and the one that measures it agree: ready, go, done.

Starting (imports, settings, migrations) ends with `wait`, the work with `done`. Only the standard library: every side
imports it in an environment of its own. BENCH_GATE names the descriptor that both talk over.
"""

from __future__ import annotations

import os
import socket

NAME = "BENCH_GATE"
READY, GO, DONE = b"r", b"g", b"d"


def _gate() -> socket.socket:
    return socket.socket(fileno=os.dup(int(os.environ[NAME])))


def wait() -> None:
    """Say that all is set up, and wait until the work may begin. RuntimeError when nobody measures any more."""
    with _gate() as gate:
        gate.sendall(READY)
        if gate.recv(1) != GO:
            raise RuntimeError("the measuring process has gone")


def done() -> None:
    """Say that the work is done; what ending the process costs is not counted as time."""
    with _gate() as gate:
        gate.sendall(DONE)
