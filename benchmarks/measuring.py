"""A side at work, measured from outside: wall and CPU seconds, memory of all its processes, and its death on demand.

A side is one program or several. They share a process group, so that they can be killed together, and each is held at
its gate (benchmarks/gate.py) until all are ready: what starting costs is counted apart. Wall time ends when the last
has said that it is done. CPU is user + system of every process, memory the highest sum of a sample each 50 ms, or the
high-water mark of the largest process where that is more.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import psutil

from benchmarks import gate
from benchmarks.peers.environment import CACHE

ROOT = Path(__file__).parents[1]
_MB = 1024 * 1024
_MAXRSS = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of ru_maxrss
#: The same for all sides, whatever the caller's shell says: output is buffered, and what was compiled once is kept.
_CLEAN = {"PYTHONUNBUFFERED": "", "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}
_PATIENCE = 3600.0  # seconds that any step may take


class Program(NamedTuple):
    """One process of a side. `feeds`: its output is the input of the next. `output`: a file that its output is added
    to. `stays`: it works until it is told to stop."""

    command: Sequence[str]
    environment: dict[str, str]
    feeds: bool = False
    output: Path | None = None
    stays: bool = False


class Figures(NamedTuple):
    """What a run cost: seconds, seconds, MB, CPU seconds before it was ready."""

    wall: float
    cpu: float
    peak: float
    start: float


class Run:
    """One run of a side's programs. `beside`: processes that work for it and live on (a database server); their CPU
    and memory count too. `log` takes what they say on standard error."""

    def __init__(self, programs: Sequence[Program], log: Path, beside: Sequence[int] = ()) -> None:
        self._log = log
        self._beside = [psutil.Process(pid) for pid in beside]
        self._gates: list[socket.socket] = []
        self._children: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._peak = 0.0
        self._highest = 0  # bytes of the largest process, where the system tells it (Linux)
        self._ended = threading.Event()
        atexit.register(self._leave_nothing)
        beside_before = self._cpu_beside()
        with contextlib.ExitStack() as files:
            stderr = files.enter_context(log.open("ab"))
            for program in programs:
                self._start(program, stderr, files)
                self._hear(self._gates[-1], gate.READY)
        self._before = sum(_cpu(psutil.Process(child.pid)) for _, child in self._children)
        self._beside_before = self._cpu_beside()
        self._start_cpu = self._before + self._beside_before - beside_before
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        self._began = time.perf_counter()
        for one in self._gates:
            one.sendall(gate.GO)

    def finish(self) -> Figures:
        """Wait until all is done. RuntimeError, with the end of the log, when a program fails."""
        for (program, _), one in zip(self._children, self._gates, strict=True):
            if not program.stays:
                self._hear(one, gate.DONE)
        wall = time.perf_counter() - self._began
        beside = self._cpu_beside() - self._beside_before
        for program, child in self._children:
            if program.stays:
                child.send_signal(signal.SIGTERM)
        total, largest = self._reap()
        largest = self._highest or largest
        if any(child.returncode for _, child in self._children):
            raise RuntimeError(f"a program failed\n{self._tail()}")
        peak = max(self._peak, largest) / _MB
        return Figures(wall, total - self._before + beside, peak, self._start_cpu)

    def kill(self) -> None:
        """End the whole group with SIGKILL."""
        os.killpg(self._children[0][1].pid, signal.SIGKILL)
        self._reap()

    # ------------------------------------------------------------------------------------------- the processes

    def _start(self, program: Program, stderr: IO[bytes], files: contextlib.ExitStack) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(_PATIENCE)
        before = self._children[-1][1].stdout if self._children and self._children[-1][0].feeds else None
        output: IO[bytes] | int = subprocess.PIPE if program.feeds else subprocess.DEVNULL
        if program.output:
            output = files.enter_context(program.output.open("ab"))
        environment = {**os.environ, **_CLEAN, **program.environment, gate.NAME: str(theirs.fileno())}
        child = subprocess.Popen(
            program.command, stdin=before or subprocess.DEVNULL, stdout=output, stderr=stderr, cwd=ROOT,
            env=environment, pass_fds=[theirs.fileno()],
            process_group=self._children[0][1].pid if self._children else 0,
        )  # fmt: skip
        theirs.close()
        if before:
            before.close()
        self._children.append((program, child))
        self._gates.append(ours)

    def _hear(self, one: socket.socket, expected: bytes) -> None:
        if one.recv(1) != expected:
            self.kill()
            raise RuntimeError(f"a program ended too early\n{self._tail()}")

    def _leave_nothing(self) -> None:
        """When the measuring itself is broken off."""
        if self._children and not self._ended.is_set():
            self.kill()

    def _reap(self) -> tuple[float, float]:
        """Wait for all; CPU seconds in all, and bytes of the largest."""
        cpu, largest = 0.0, 0.0
        for _, child in self._children:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            cpu += usage.ru_utime + usage.ru_stime
            largest = max(largest, usage.ru_maxrss * _MAXRSS)
        for one in self._gates:
            one.close()
        self._ended.set()
        atexit.unregister(self._leave_nothing)
        return cpu, largest

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]

    # ------------------------------------------------------------------------------------------- what they use

    def _trees(self) -> Iterator[psutil.Process]:
        roots = [psutil.Process(child.pid) for _, child in self._children if psutil.pid_exists(child.pid)]
        for root in [*roots, *self._beside]:
            yield root
            with contextlib.suppress(psutil.NoSuchProcess):
                yield from root.children(recursive=True)

    def _sample(self) -> None:
        while not self._ended.wait(0.05):
            self._peak = max(self._peak, self._memory())
            self._highest = max(self._highest, *(_highest(child.pid) for _, child in self._children))

    def _memory(self) -> float:
        """Bytes of all processes: what each has alone, and once what they share (that of the one that shares most)."""
        alone, shared = 0, 0
        for process in self._trees():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                memory = process.memory_full_info()
                alone += memory.uss
                shared = max(shared, memory.rss - memory.uss)
        return alone + shared

    def _cpu_beside(self) -> float:
        return sum(_cpu(process) for process in self._beside)


def _highest(pid: int) -> int:
    """Most bytes that a process has held since it began its program. (Its ru_maxrss begins with what who started it
    held: Linux hands that on, and with 100,000 articles the measuring itself holds more than many a side.)"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _cpu(process: psutil.Process) -> float:
    """Seconds of a process, its living children and those that it has waited for."""
    seconds = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            used = one.cpu_times()
            seconds += used.user + used.system
            if one is process:
                seconds += used.children_user + used.children_system
    return seconds
