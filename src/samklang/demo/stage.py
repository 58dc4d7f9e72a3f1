"""The processes of the demo: two stand-ins, the hub, and commands as a person would type them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec
from rich.console import Console
from rich.text import Text

from samklang.demo.prompt import Prompt


class DemoFailed(Exception):
    """A step did not come to what it should; the message says which."""


class System:
    """One stand-in over HTTP: what a person would do in it, and what it holds."""

    def __init__(self, address: str) -> None:
        self.address = address

    def do(self, path: str, body: object = None, method: str = "POST", **headers: str) -> Any:
        """Call an address of it; the answer's JSON."""
        data = None if body is None and method == "GET" else msgspec.json.encode(body if body is not None else {})
        sent = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.address + path, data, sent, method=method)  # noqa: S310  # our own address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read())

    def snapshot(self) -> Any:
        """What it holds, for comparing."""
        return self.do("/_sandbox/snapshot", method="GET")


class Stage:
    """Everything that runs, in a data folder of its own that is made anew each time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        width = None if sys.stdout.isatty() else 160  # what is piped is not cut off
        self.console = Console(width=width, highlight=False, markup=False, emoji=False)
        self.env = {**os.environ, "SAMKLANG_DATA": str(folder), "SAMKLANG_ALLOW_PRIVATE": "127.0.0.0/8"}
        self.hub: subprocess.Popen[bytes] | None = None
        self.hub_address = ""
        self._commands: Prompt | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Stage:
        self._clear()
        return self

    def __exit__(self, *_: object) -> None:
        if self._commands is not None:
            self._commands.close()
        self._stack.close()

    def _clear(self) -> None:
        """An earlier demo's data goes, unless it still runs."""
        lock = self.folder / "serve.lock"
        if lock.exists():
            with lock.open("w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise DemoFailed(f"An earlier demo still runs on {self.folder}. End it first (Ctrl-C).") from None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)

    # ------------------------------------------------------------------------------------------------ words

    def title(self, text: str) -> None:
        """The next part of the story."""
        self.console.print(Text(f"\n── {text} ──", style="bold"), soft_wrap=True)
        self.console.file.flush()

    def say(self, text: str, style: str = "") -> None:
        """A sentence of it."""
        self.console.print(Text(text, style=style), soft_wrap=True)
        self.console.file.flush()

    # ------------------------------------------------------------------------------------------------ processes

    def sandbox(self, kind: str, *options: str) -> System:
        """Start a stand-in on a free port."""
        command = [sys.executable, "-m", "samklang.sandboxes", kind, *options]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log(f"{kind}.log"))
        self._stack.callback(_end, process)
        assert process.stdout
        said = process.stdout.readline().decode().split()
        if len(said) < 3:
            raise DemoFailed(f"The {kind} stand-in did not start; see {self.folder / f'{kind}.log'}")
        self.say(f"{kind} stand-in at {said[2]}")
        return System(said[2])

    def start_hub(self, port: int = 0) -> None:
        """`samklang serve` as a process of its own; waits until it listens."""
        port = port or int(self.hub_address.rpartition(":")[2] or 0) or free_port()
        self.hub_address = self.env["SAMKLANG_URL"] = f"http://127.0.0.1:{port}"
        self.say(f"$ samklang serve --port {port} &", "bold cyan")
        command = [sys.executable, "-m", "samklang", "serve", "--port", str(port)]
        log = self._log("hub.log")
        self.hub = subprocess.Popen(command, env=self.env, stdout=log, stderr=log)
        self._stack.callback(_end, self.hub)
        hub = self.hub
        self.until(lambda: _listens(port) or hub.poll() is not None, "the hub answers", 30)
        if hub.poll() is not None:
            raise DemoFailed(f"The hub did not start; see {self.folder / 'hub.log'}")

    def kill_hub(self) -> None:
        """As the power cut does it."""
        assert self.hub
        self.hub.send_signal(signal.SIGKILL)
        self.hub.wait()

    def samklang(
        self, *argv: str, expect: Sequence[int] = (0,), approve: bool = False, keys: Mapping[str, str] | None = None
    ) -> None:
        """Run a command with its output shown. `approve`: be the person who logs in and approves.
        `keys` are more of its environment."""
        shown = " ".join(word.replace(str(self.folder) + "/", "") for word in argv)
        self.say(f"$ samklang {shown}", "bold cyan")
        code = self._approved(argv, keys) if approve else self._prompt().run(argv, keys)
        if code not in expect:
            raise DemoFailed(f"samklang {argv[0]} ended with {code}")

    def ask(self, *argv: str, keys: Mapping[str, str] | None = None) -> Any:
        """The JSON answer of a command that is not shown. `keys` are more of its environment."""
        answer = self.folder / "answer.json"
        code = self._prompt().run((*argv, "--json"), keys, str(answer))
        try:
            return msgspec.json.decode(answer.read_bytes())
        except msgspec.DecodeError:
            raise DemoFailed(f"samklang {argv[0]} ended with {code} and no answer") from None

    def _prompt(self) -> Prompt:
        """A command prompt in today's environment."""
        if self._commands is None or self._commands.env != self.env:
            if self._commands is not None:
                self._commands.close()
            self._commands = Prompt(self.env)
        return self._commands

    def _approved(self, argv: Sequence[str], keys: Mapping[str, str] | None) -> int:
        """A command that waits for a person who logs in and approves, with that person."""
        command = [sys.executable, "-m", "samklang", *argv]
        env = {**self.env, **(keys or {})}
        with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            threading.Thread(target=self._approve, args=(process.stderr,), daemon=True).start()
            return process.wait()

    def _approve(self, stderr: IO[str]) -> None:
        for line in stderr:
            self.console.print(Text(line.rstrip()[:150], style="dim"), soft_wrap=True)
            if line.startswith("http"):
                with urllib.request.urlopen(line.strip(), timeout=30) as answer:  # noqa: S310  # the stand-in's page
                    answer.read()
                self.say("(The demo approves the login, as a person would.)", "dim")

    def until(self, happened: Callable[[], object], what: str, patience: float) -> None:
        """Wait for something to come true; DemoFailed when it does not."""
        end = time.monotonic() + patience
        while not happened():
            if time.monotonic() > end:
                raise DemoFailed(f"Waited {patience:.0f} s in vain until {what}; see {self.folder / 'hub.log'}")
            time.sleep(0.1)

    def _log(self, name: str) -> IO[bytes]:
        return self._stack.enter_context((self.folder / name).open("ab"))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """The stage, cleared up at the end whatever happens."""
    with Stage(folder) as one:
        yield one
