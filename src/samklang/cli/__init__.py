"""The command line. `main` is the program, `run` the same without leaving the process.

Exit codes: 0 done; 1 failed (a system or record did not take it); 2 wrong use (the command or the file); 3 there is
something to look at (the plan has changes, problems are open); 4 a person must act (a login, a brake); 130 interrupted.
With --json there is exactly one JSON document on stdout, and errors are one JSON document on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import django
from django.core.exceptions import ImproperlyConfigured

from samklang.cli.screen import Exit, Screen, WrongUse


def main() -> None:
    """Entry point of the program."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run one command; returns its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    try:
        django.setup()
    except ImproperlyConfigured as error:
        screen = Screen("--json" in argv)
        screen.error(WrongUse(str(error), "Mend that setting; docs/reference/settings.md names them all."))
        return Exit.WRONG_USE
    from samklang.cli.app import execute  # the commands import the hub's tables, which need Django to be set up

    return execute(argv)
