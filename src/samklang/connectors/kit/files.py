"""Files exchanged with another system: in a folder of this machine, or at an SFTP server whose key is known."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import asyncssh
import msgspec

from samklang.connectors.contract import Exchange, Surroundings
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    LoginRefused,
    Misconfigured,
    RemoteFault,
    SamklangError,
    Superseded,
)
from samklang.connectors.transport import about, connected, may_send

T = TypeVar("T")
_KEPT = 8192  # bytes of a file that the exchange keeps
_LARGEST = 8 * 1024 * 1024
_WORD = ".samklang"
_SECONDS = 60.0


class Entry(msgspec.Struct, frozen=True):
    """A file: its name, and when it was changed last, in seconds since the epoch."""

    name: str
    at: float


class Box(Protocol):
    """Where files are left for each other. Paths are below the box, with / between."""

    def entries(self, folder: str) -> list[Entry]:
        """The files of a folder; Misconfigured when there is no such folder."""

    def read(self, paths: Sequence[str]) -> list[bytes]:
        """What is in these files, in order."""

    def write(self, path: str, data: bytes) -> None:
        """Put a file there, over another of this name."""

    def move(self, old: str, new: str) -> bool:
        """Rename in one step; False when `old` is not there. What is called `new` is never overwritten."""


class Folder:
    """A folder below the one that the operator has given to files (SAMKLANG_FILES). It proves whose it is: its file
    `.samklang` holds the word that the connection gives."""

    def __init__(self, name: str, word: str) -> None:
        root = os.environ.get("SAMKLANG_FILES", "")
        if not root:
            raise Misconfigured(
                "Folders of this machine are not allowed", do_this="Have the operator set SAMKLANG_FILES, or use SFTP."
            )
        self._home = (Path(root) / name).resolve()
        if not self._home.is_relative_to(Path(root).resolve()) or self._home == Path(root).resolve():
            raise Misconfigured(f"{name!r} is no folder below SAMKLANG_FILES")
        proof = self._home / _WORD
        if not word or not proof.is_file() or proof.read_text(encoding="utf-8").strip() != word:
            raise LoginRefused(
                f"The folder {name!r} does not show that it is this connection's",
                do_this=f"Have the operator write the connection's word into its file {_WORD}.",
            )

    def entries(self, folder: str) -> list[Entry]:
        try:
            files = [path for path in self._inside(folder).iterdir() if path.is_file() and not path.is_symlink()]
        except FileNotFoundError:
            raise _no_folder(folder) from None
        return [Entry(path.name, path.stat().st_mtime) for path in files]

    def read(self, paths: Sequence[str]) -> list[bytes]:
        return [self._whole(self._inside(path)) for path in paths]

    def write(self, path: str, data: bytes) -> None:
        _still_mine()
        with self._inside(path).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def move(self, old: str, new: str) -> bool:
        _still_mine()
        target = self._inside(new)
        if target.exists():
            raise RemoteFault(f"There is a file {new} already")
        try:
            self._inside(old).rename(target)
        except FileNotFoundError:
            return False
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True

    def _whole(self, path: Path) -> bytes:
        if path.stat().st_size > _LARGEST:
            raise BadAnswer(f"{path.name} is larger than {_LARGEST // 2**20} MB")
        return path.read_bytes()

    def _inside(self, path: str) -> Path:
        found = self._home / path
        if not found.resolve().is_relative_to(self._home):
            raise Misconfigured(f"{path!r} leads out of the folder")
        return found


class Sftp:
    """A folder at an SFTP server. Its host key is the one that the connection names, or nothing is said to it."""

    def __init__(
        self, host: str, port: int, user: str, around: Surroundings, *, host_key: str, path: str = "",
        password: str = "", private_key: str = "",
    ) -> None:  # fmt: skip
        self._host, self._port, self._user, self._around, self._path = host, port, user, around, path.rstrip("/")
        self._password = password or None
        try:
            self._known = asyncssh.import_public_key(host_key.strip())
            self._keys = [asyncssh.import_private_key(private_key)] if private_key.strip() else []
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise Misconfigured(
                f"The server's host key, or our private key, cannot be read: {error}",
                do_this="Give the host key as in known_hosts (ssh-ed25519 AAAA…), and a private key without password.",
            ) from error

    def entries(self, folder: str) -> list[Entry]:
        async def work(sftp: asyncssh.SFTPClient) -> list[Entry]:
            try:
                rows = await sftp.readdir(self._at(folder))
            except asyncssh.SFTPNoSuchFile:
                raise _no_folder(folder) from None
            plain = [row for row in rows if row.attrs.type == asyncssh.FILEXFER_TYPE_REGULAR]
            return [Entry(str(row.filename), float(row.attrs.mtime or 0)) for row in plain]

        return self._run("LIST", folder, work)

    def read(self, paths: Sequence[str]) -> list[bytes]:
        async def work(sftp: asyncssh.SFTPClient) -> list[bytes]:
            return [await self._whole(sftp, path) for path in paths]

        return self._run("GET", " ".join(paths)[:200], work) if paths else []

    def write(self, path: str, data: bytes) -> None:
        async def work(sftp: asyncssh.SFTPClient) -> None:
            async with sftp.open(self._at(path), "wb") as file:
                await file.write(data)

        _still_mine()
        self._run("PUT", path, work, sent=data)

    def move(self, old: str, new: str) -> bool:
        async def work(sftp: asyncssh.SFTPClient) -> bool:
            try:
                await sftp.rename(self._at(old), self._at(new))
            except asyncssh.SFTPNoSuchFile:
                return False
            return True

        _still_mine()
        return self._run("MOVE", f"{old} {new}", work)

    # ------------------------------------------------------------------------------------------------ inside

    def _at(self, path: str) -> str:
        return f"{self._path}/{path}" if self._path else path

    async def _whole(self, sftp: asyncssh.SFTPClient, path: str) -> bytes:
        async with sftp.open(self._at(path), "rb") as file:
            data = await file.read(_LARGEST + 1)
        assert isinstance(data, bytes)
        if len(data) > _LARGEST:
            raise BadAnswer(f"{path} is larger than {_LARGEST // 2**20} MB")
        return data

    def _run(self, verb: str, path: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], sent: bytes = b"") -> T:
        at, began, failure = datetime.now(UTC), time.perf_counter(), ""
        got: object = b""
        try:
            found = asyncio.run(asyncio.wait_for(self._session(work), _SECONDS))
            got = found
            return found
        except SamklangError as error:
            failure = str(error)
            raise
        except Exception as error:
            failure = f"{error.__class__.__name__}: {error}"
            raise _ours(error, f"{verb} {path}") from error
        finally:
            read = b"\n".join(got)[:_KEPT] if isinstance(got, list) and got and isinstance(got[0], bytes) else b""
            self._around.capture(
                Exchange(
                    method=verb, url=f"sftp://{self._host}/{self._at(path)}", status=0 if failure else 200, at=at,
                    seconds=time.perf_counter() - began, sent=sent[:_KEPT], got=read, error=failure, about=about.get(),
                )
            )  # fmt: skip

    async def _session(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        sock = connected(self._host, self._port, self._around.allow_private)
        async with (
            asyncssh.connect(
                self._host, self._port, sock=sock, username=self._user, password=self._password,
                client_keys=self._keys or None, known_hosts=([self._known], [], []), config=[], agent_path=None,
                login_timeout=20,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):  # fmt: skip
            return await work(sftp)


class NoFolders:
    """Where there is a mailbox and no folders: nothing can be left or moved."""

    def entries(self, folder: str) -> list[Entry]:
        raise _no_folders()

    def read(self, paths: Sequence[str]) -> list[bytes]:
        raise _no_folders()

    def write(self, path: str, data: bytes) -> None:
        raise _no_folders()

    def move(self, old: str, new: str) -> bool:
        raise _no_folders()


def _no_folders() -> Misconfigured:
    return Misconfigured("A mailbox has no folders for files", do_this="Use SFTP or a folder of this machine for them.")


def _ours(error: Exception, where: str) -> Exception:
    """What asyncssh raises as our errors; what it is not known to raise stays as it is."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return Misconfigured(
            "The server shows another host key than the connection names", where=where,
            do_this="Ask who runs the server for its key. Correct the connection only if the change is confirmed.",
        )  # fmt: skip
    if isinstance(error, asyncssh.PermissionDenied):
        return LoginRefused("The server refused user, password or key", where=where)
    if isinstance(error, asyncssh.SFTPPermissionDenied):
        return Forbidden("The server lets this user not do it", where=where)
    if isinstance(error, asyncssh.Error | OSError | TimeoutError):
        return RemoteFault(f"The server broke off: {error or error.__class__.__name__}", where=where)
    return error


def _no_folder(folder: str) -> Misconfigured:
    return Misconfigured(f"There is no folder {folder}", do_this="Make it, or correct the connection's folders.")


def _still_mine() -> None:
    if not may_send.get()():
        raise Superseded


def opened(settings: Mapping[str, object], around: Surroundings) -> Box:
    """The box that a connection's settings describe."""

    def said(name: str) -> str:
        return str(settings.get(name) or "")

    if said("place") == "imap":
        return NoFolders()
    if said("place") == "folder":
        return Folder(said("path"), said("word"))
    return Sftp(
        said("host"), int(said("port") or 22), said("user"), around, host_key=said("host_key"), path=said("path"),
        password=said("password"), private_key=said("private_key"),
    )  # fmt: skip
