"""What starting a real outside system needs: a cache folder, a lock around installing, a process that ends with us."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def cache_folder(name: str) -> Path:
    """A folder that survives test runs, below SAMKLANG_CACHE (default: var/ in the project, ignored by git)."""
    folder = Path(os.environ.get("SAMKLANG_CACHE") or ROOT / "var") / "servers" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that parallel test processes install once."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command to its end; RuntimeError with its output when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        shown = " ".join(str(word) for word in command)
        raise RuntimeError(f"{shown} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def free_port() -> int:
    """A port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def server(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str], log: Path, ready: Callable[[], bool]
) -> Iterator[None]:
    """Start a server, wait until it is ready (at most 120 s), stop it at the end.

    The server gets a pipe as its standard input and ends when that closes, so it does not outlive us even if we are
    killed. A server that does not come up raises RuntimeError with the end of its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not ready():
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                how = f"ended with {process.returncode}" if ended else "did not come up in 120 s"
                raise RuntimeError(f"{command[0]} {how}; its log {log}:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # nothing in a throw-away server is worth a graceful end
        process.wait()
        assert process.stdin
        process.stdin.close()
