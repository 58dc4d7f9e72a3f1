"""All commands under one name, and what their errors end in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from samklang import __version__
from samklang.cli.screen import Exit, Screen, WrongUse, exit_code
from samklang.connectors.errors import SamklangError

#: Where each command stands, in the order of the help. A module is only imported for its own command, and for help.
COMMANDS = (
    "connect:connect", "configure:plan", "configure:apply", "configure:export", "configure:history", "work:sync",
    "serve:serve", "worker:worker", "look:status", "look:journey", "look:problems", "look:runs", "work:retry",
    "work:release", "work:pause", "work:resume", "backup:backup", "backup:restore", "move:migrate_to",
    "sandbox:sandbox", "author:connector", "connect:rotate", "people:people", "package:package",
    "order:order", "order:inbound", "books:statements", "chart:vouchers", "vouchers:control", "story:demo",
)  # fmt: skip

app = App(
    name="samklang",
    help="Keeps the systems of a trading company in step: webshops, ERP, warehouses.",
    help_epilogue=(
        "Exit codes: 0 done; 1 failed; 2 wrong use; 3 something to look at (plan with changes, open problems); "
        "4 a person must act (login, brake). Data lies in the folder SAMKLANG_DATA (default: var)."
    ),
    version=__version__,
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    suppress_keyboard_interrupt=False,
)
key = App(name="key", help="The key that encrypts secrets at rest.")
for place in COMMANDS:
    if place == "connect:rotate":
        key.command(f"samklang.cli.{place}", name="rotate")
        app.command(key)
    else:
        app.command(f"samklang.cli.{place}", name=place.split(":")[1].replace("_", "-"))


def execute(argv: Sequence[str]) -> int:
    """Run a command and say what went wrong, if anything did."""
    screen = Screen("--json" in argv)
    try:
        return int(app(list(argv)) or Exit.OK)
    except CycloptsError as error:
        screen.error(WrongUse(str(error), "See `samklang --help`, or --help behind the command."))
        return Exit.WRONG_USE
    except WrongUse as error:
        screen.error(error)
        return Exit.WRONG_USE
    except SamklangError as error:
        screen.error(error)
        return exit_code(error)
    except KeyboardInterrupt:
        screen.note("Interrupted. Nothing is lost: what is left goes out with the next `samklang sync` or `serve`.")
        return Exit.INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough (`| head`); Python must not try to flush once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
