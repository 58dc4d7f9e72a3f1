"""`samklang migrate-to`: the hub moves from SQLite to PostgreSQL."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from django.conf import settings
from django.db import connection

from samklang.cli.screen import WrongUse, plain
from samklang.cli.session import Common, session
from samklang.hub.keeping import moving


def migrate_to(
    address: Annotated[
        str, Parameter(help="postgresql://user@host/name of an empty database; its password may be in PGPASSWORD.")
    ],
    *,
    common: Common | None = None,
) -> None:
    """Move the whole hub from SQLite to PostgreSQL, compare both, and leave the SQLite file for good.

    Nothing else may run on the data folder meanwhile. If it fails or is killed, the hub goes on where it was, and the
    same command begins anew.
    """
    if connection.vendor == "postgresql":
        raise WrongUse(
            "This hub lives on PostgreSQL already", "Leave SAMKLANG_DATABASE unset while a SQLite hub is moved."
        )
    with session(common, alone=True) as now:
        screen, began = now.screen, time.monotonic()
        with screen.progress() as step:
            moved = moving.move(address, step)
        seconds = time.monotonic() - began
        to, folder = moving.without_password(address), str(Path(settings.DATA))
        screen.answer({"to": to, "data": folder, "tables": [one._asdict() for one in moved], "seconds": seconds})
        screen.table(
            ["Table", "Rows>", "Hash, the same on both sides", "Seconds>"],
            [(one.table, one.rows, one.hash, one.seconds) for one in moved],
        )
        screen.say(
            f"{plain(sum(one.rows for one in moved))} rows moved in {plain(seconds)} s. From now on set", "bold green"
        )
        screen.say(f"SAMKLANG_DATABASE={to}")
        screen.say(f"SAMKLANG_DATA={folder}")
        screen.note(
            "(with the password, if there is one; the key file and the logins' journal stay in the data folder)"
        )
        screen.note("Then run `samklang serve` for the web and `samklang worker` for the work, as many as you like.")
