"""All commands under one name, and what their errors end in."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from samklang import __version__
from samklang import demo as story
from samklang.cli.author import connector
from samklang.cli.backup import backup, restore
from samklang.cli.books import statements
from samklang.cli.configure import apply, export, history, plan
from samklang.cli.connect import connect, rotate
from samklang.cli.look import journey, problems, runs, status
from samklang.cli.move import migrate_to
from samklang.cli.order import inbound, order
from samklang.cli.people import people
from samklang.cli.sandbox import sandbox
from samklang.cli.screen import Exit, Screen, WrongUse, exit_code
from samklang.cli.serve import serve
from samklang.cli.vouchers import control, vouchers
from samklang.cli.work import pause, release, resume, retry, sync
from samklang.cli.worker import worker
from samklang.connectors.errors import SamklangError

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
for command in (
    connect, plan, apply, export, history, sync, serve, worker, status, journey, problems, runs, retry, release, pause,
    resume, backup, restore, migrate_to, sandbox,
):  # fmt: skip
    app.command(command)
app.command(connector)
key = App(name="key", help="The key that encrypts secrets at rest.")
key.command(rotate)
app.command(key)
app.command(people)
app.command(order)
app.command(inbound)
app.command(statements)
app.command(vouchers)
app.command(control)


@app.command
def demo(
    *,
    articles: Annotated[int, Parameter(help="Articles in the ERP.", show_default=True)] = 520,
    orders: Annotated[int, Parameter(help="Orders in the live minute.", show_default=True)] = 16,
    port: Annotated[int, Parameter(help="Port of the hub; 0 = any that is free.")] = 0,
    keep: Annotated[
        bool | None, Parameter(negative="--no-keep", help="Go on serving at the end (default: on a terminal).")
    ] = None,
) -> int:
    """Watch the main job on stand-ins of a shop and an ERP, in under two minutes, things going wrong included.

    Exit code 1 when the two sides do not agree in the end. Everything happens in the folder `demo` of the data folder.
    """
    return story.run(articles, orders, port, keep)


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
