"""A transport system that exchanges files, as a sandbox: an SFTP server on loopback over three folders.

The other system's side are methods: `fetch` takes our files away, `answer` leaves one of its own. Faults are those of
`sandboxes.base`, as far as SFTP has them: `401` refuses logins, `cut` and `500` break the connection before a step is
done, `lost` after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh

from samklang.sandboxes.base import Fault

USER, PASSWORD = "samklang", "sandbox-password"  # a stand-in's login, the same everywhere
FOLDERS = ("out", "in", "kept")


class FileSandbox:
    """Folders below `home`, and a server that shows them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in FOLDERS:
            (home / name).mkdir(exist_ok=True)
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.fault: Fault | None = None
        self.steps = 0
        self._passed = 0

    @property
    def host_key(self) -> str:
        """The server's public key, as people pass it on."""
        return self.key.export_public_key().decode().strip()

    def play(self, fault: Fault | None) -> None:
        """Play this fault from the next step on."""
        self.fault, self._passed = fault, 0

    def left(self) -> dict[str, bytes]:
        """Our files that wait to be fetched."""
        return {file.name: file.read_bytes() for file in (self.home / "out").iterdir()}

    def fetch(self) -> dict[str, bytes]:
        """The other system takes our files away."""
        found = self.left()
        for name in found:
            (self.home / "out" / name).unlink()
        return found

    def answer(self, name: str, data: bytes) -> None:
        """The other system leaves a file; each a second later than the one before."""
        path = self.home / "in" / name
        path.write_bytes(data)
        newest = max((file.stat().st_mtime for file in path.parent.iterdir() if file != path), default=0.0)
        at = max(path.stat().st_mtime, newest + 1)
        os.utime(path, (at, at))

    def due(self) -> str:
        """Which fault this step plays, "" for none."""
        self.steps += 1
        fault = self.fault
        if fault is None or fault.kind == "401":
            return ""
        self._passed += 1
        if self._passed <= fault.after or (fault.times is not None and self._passed > fault.after + fault.times):
            return ""
        return fault.kind

    @contextlib.contextmanager
    def serve(self) -> Iterator[int]:
        """The server in a thread of its own; gives its port."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True, name="sftp-sandbox")
        thread.start()
        server = asyncio.run_coroutine_threadsafe(self._listen(), loop).result(timeout=10)
        try:
            yield server.get_port()
        finally:
            asyncio.run_coroutine_threadsafe(self._close(server), loop).result(timeout=10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(timeout=10)
            loop.close()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[self.key], server_factory=lambda: _Door(self),
            sftp_factory=lambda chan: _Desk(chan, self),
        )  # fmt: skip

    @staticmethod
    async def _close(server: asyncssh.SSHAcceptor) -> None:
        # In the loop's own thread: there a connection that ends at the same moment takes itself out of the server.
        server.close()
        await server.wait_closed()


class _Door(asyncssh.SSHServer):
    def __init__(self, box: FileSandbox) -> None:
        self._box = box

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        shut = self._box.fault is not None and self._box.fault.kind == "401"
        return (username, password) == (USER, PASSWORD) and not shut


class _Desk(asyncssh.SFTPServer):
    """Shows the folders; every listing, opening and renaming is a step."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], box: FileSandbox) -> None:
        super().__init__(chan, chroot=os.fsencode(box.home))
        self._box, self._chan = box, chan

    def _break(self) -> None:
        self._chan.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("the sandbox broke off")

    def _step(self, work: Any) -> Any:
        kind = self._box.due()
        if kind and kind != "lost":
            self._break()
        done = work()
        if kind == "lost":
            self._break()
        return done

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return self._step(lambda: super(_Desk, self).open(path, pflags, attrs))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        def work() -> None:
            if os.path.lexists(self.map_path(newpath)):
                raise asyncssh.SFTPFailure("File already exists")
            Path(os.fsdecode(self.map_path(oldpath))).rename(os.fsdecode(self.map_path(newpath)))

        self._step(work)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        if self._box.due():
            self._break()
        async for entry in super().scandir(path):
            yield entry
