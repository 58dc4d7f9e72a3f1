"""`samklang backup` and `samklang restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from django.conf import settings
from django.db import connection

from samklang.cli.screen import Screen, WrongUse, plain
from samklang.cli.session import Common, data_folder, quiet_logs, session, take_alone
from samklang.hub import secrets
from samklang.hub.keeping import backups


def backup(
    file: Annotated[Path, Parameter(help="Where to write it; must not be there yet.")],
    *,
    with_key: Annotated[bool, Parameter(help="Also the key that encrypts secrets: the file is then a secret.")] = False,
    common: Common | None = None,
) -> None:
    """Write a SQLite hub into one file, while `serve` runs. On PostgreSQL: pg_dump (docs/how-to/backup.md).

    Without the key nobody can read the connections' secrets in it, you neither: keep samklang.key in another place.
    """
    if connection.vendor == "postgresql":
        raise WrongUse("This hub lives on PostgreSQL", "Use pg_dump, as docs/how-to/backup.md says.")
    with session(common) as now:
        made = backups.back_up(file, with_key=with_key)
        size = file.stat().st_size
        now.screen.answer({"file": str(file), "bytes": size, "made_at": made.made_at, "with_key": with_key})
        now.screen.say(f"{file}: {plain(size / 1e6)} MB", "bold green")
        if with_key:
            now.screen.say("The key is in it: who has this file can read every secret of the hub.", "bold yellow")
        else:
            now.screen.note("Without the key (samklang.key, or SAMKLANG_KEY): keep that too, in another place.")


def restore(
    file: Annotated[Path | None, Parameter(help="What `backup` wrote; none after pg_restore or a snapshot.")] = None,
    *,
    common: Common | None = None,
) -> None:
    """Make a hub out of a backup, in an empty data folder. Without a file: say that the database was put back by other
    means, such as pg_restore or a snapshot of the machine.

    The hub then looks for everything at its target before it creates it, for a month: what was done after the backup
    is found and not done again. Articles, prices and stock are sent once more.
    """
    screen = Screen((common or Common()).json)
    quiet_logs()
    if file is None:
        with session(common) as now:
            _ = now.tenant  # WrongUse where there is no hub
            again = backups.mark_restored()
        screen.answer({"sent_again": again})
        screen.say(f"The hub knows that it was put back; {plain(again)} records are sent once more.", "bold green")
        return
    if connection.vendor == "postgresql":
        raise WrongUse(
            "On PostgreSQL a hub is restored by pg_restore",
            "Run this without a file afterwards: docs/how-to/backup.md.",
        )
    with data_folder() as lock:
        take_alone(lock)
        made = backups.restore(file, Path(settings.DATA) / "samklang.db")
    has_key = made.has_key or secrets.has_key()
    with session(common):
        pass  # takes it over
    screen.answer({"made_at": made.made_at, "version": made.version, "has_key": has_key})
    screen.say(f"Restored as it was on {plain(made.made_at)} (release {made.version}).", "bold green")
    if not has_key:
        screen.say(
            f"The backup is without its key: put it to {secrets.key_file()} (or into SAMKLANG_KEY) before you go on.",
            "bold yellow",
        )
    screen.note("Then `samklang serve`, or `samklang sync`: the hub reads what it missed and goes on.")
