"""The demo's command prompt: each command is a process of its own, but one that need not load the program first.

A server process (cli/prompt.py) loads everything once and forks for each command.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

import msgspec


class Job(msgspec.Struct, frozen=True):
    """A command: its words, more of its environment, and the file that its output goes to ("" = ours)."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = {}
    output: str = ""


class Prompt:
    """A server, and what it says. `env` is that of all its commands."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        read, write = os.pipe()
        command = [sys.executable, "-c", f"from samklang.cli.prompt import serve; serve({write})"]
        self._server = subprocess.Popen(command, env=self.env, stdin=subprocess.PIPE, pass_fds=(write,))
        os.close(write)
        self._codes = os.fdopen(read, "rb")

    def run(self, argv: Sequence[str], env: Mapping[str, str] | None = None, output: str = "") -> int:
        """Run one command to its end; its exit code."""
        assert self._server.stdin
        self._server.stdin.write(msgspec.json.encode(Job(tuple(argv), env or {}, output)) + b"\n")
        self._server.stdin.flush()
        said = self._codes.readline()
        if not said:
            raise RuntimeError("The command prompt has ended")
        return int(said)

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()
        self._codes.close()
