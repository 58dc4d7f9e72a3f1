"""A move that kills itself (SIGKILL) at a named moment: `python -m tests.hub.mover ADDRESS MOMENT`, with SAMKLANG_DATA.

Moments, in order: `begun` (tables made), `copying` (in the middle of a table), `filled` (all compared), `committed` (in
the new database, not in the old one), `decided` (in the old one too).
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import django

django.setup()

from django.db import transaction  # noqa: E402

from samklang.cli.session import database  # noqa: E402
from samklang.hub.keeping import moving  # noqa: E402


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(address: str, moment: str) -> None:
    fill = moving._fill

    def until(*arguments: Any) -> Any:
        if moment == "begun":
            die()
        moved = fill(*arguments)
        if moment == "filled":
            die()
        if moment == "committed":
            transaction.on_commit(die, using=moving._NEW)
        if moment == "decided":
            transaction.on_commit(die)
        return moved

    def step(table: str, done: int, total: int) -> None:
        if moment == "copying" and table == "record" and done:
            die()

    moving._fill, moving._CHUNK = until, 2
    with database(alone=True):
        moving.move(address, step)


if __name__ == "__main__":
    main(*sys.argv[1:])
