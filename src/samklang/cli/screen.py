"""What commands print: tables and sentences for people on stdout, or one JSON document; progress and errors on stderr.

Text that comes from other systems is shown without markup and without control characters, so that no record can
paint on, or drive, the terminal of the person who looks at it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm, Prompt
from rich.table import Table
from rich.text import Text

from samklang.connectors.errors import Misconfigured, Pause, SamklangError

_LEAST = 12  # words that are longer may be broken on a narrow terminal
_WIDE = 200  # columns of a table that is piped: nothing is cut off then


class Exit(IntEnum):
    """What the process says to a script."""

    OK = 0
    FAILED = 1
    WRONG_USE = 2
    LOOK = 3
    PERSON = 4
    INTERRUPTED = 130


class WrongUse(Exception):
    """The command cannot be meant like this. `what` is wrong and what to do instead (`do_this`)."""

    def __init__(self, what: str, do_this: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.do_this = do_this


def exit_code(error: SamklangError) -> Exit:
    """The exit code that an error ends a command with."""
    if isinstance(error, Misconfigured):
        return Exit.WRONG_USE
    return Exit.PERSON if isinstance(error, Pause) else Exit.FAILED


def plain(value: object) -> str:
    """Any value as one readable string: local time, numbers in groups of three, no control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", " ")
    if isinstance(value, Decimal):
        return f"{value:,f}".replace(",", " ")
    if isinstance(value, float):
        return f"{value:,.1f}".replace(",", " ")
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in str(value))


def moment(seconds: float) -> datetime:
    """Epoch seconds as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


Step = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is in all (0 = unknown)."""


class Screen:
    """The two streams of one command. With `json`, people's words are left out."""

    def __init__(self, json: bool = False) -> None:
        self.json = json
        self.out = self._console(sys.stdout)
        self.err = self._console(sys.stderr)

    @staticmethod
    def _console(stream: Any) -> Console:
        given = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdigit() else None
        width = given or (None if stream.isatty() else _WIDE)
        return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)

    # ------------------------------------------------------------------------------------------------ for programs

    def answer(self, data: object) -> None:
        """The command's result as JSON; only with --json. Decimals are strings, times ISO 8601."""
        if self.json:
            text = msgspec.json.format(msgspec.json.encode(data), indent=2)
            self.out.file.write(text.decode() + "\n")
            self.out.file.flush()

    # ------------------------------------------------------------------------------------------------ for people

    def say(self, text: object = "", style: str = "") -> None:
        """A line on stdout."""
        if not self.json:
            self.out.print(Text(plain(text), style=style), soft_wrap=True)

    def note(self, text: object, style: str = "dim") -> None:
        """A line on stderr about what is going on."""
        if not self.json:
            self.err.print(Text(plain(text), style=style), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
        """A table; numbers stand to the right. A column name that ends in > is one of numbers or times.

        Cells may be Text objects, which keep their style.
        """
        if self.json:
            return
        table = Table(
            box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", pad_edge=False, padding=(0, 1, 0, 0)
        )
        if title:
            table.title = Text(plain(title))
        cells = [[cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row] for row in rows]
        for place, name in enumerate(columns):
            right = name.endswith(">")
            # On a narrow terminal texts and headings wrap; numbers never do, and no column vanishes.
            words = [
                name.rstrip(">").split(),
                *(([row[place].plain] if right else row[place].plain.split()) for row in cells),
            ]
            least = max((len(word) for some in words for word in some), default=0)
            least = least if right else min(least, _LEAST)
            heading = Text(name.rstrip(">"))
            table.add_column(heading, justify="right" if right else "left", min_width=least, overflow="fold")
        for row in cells:
            table.add_row(*row)
        self.out.print(table)

    def error(self, error: SamklangError | WrongUse) -> None:
        """What happened, where, and what to do."""
        code = error.code if isinstance(error, SamklangError) else ""
        where = error.where if isinstance(error, SamklangError) else ""
        if self.json:
            body = {"code": code, "what": error.what, "where": where, "do_this": error.do_this}
            self.err.file.write(msgspec.json.encode({"error": body}).decode() + "\n")
            return
        self.err.print(Text(plain(f"{code} {error.what}".strip()), style="bold red"), soft_wrap=True)
        if where:
            self.err.print(Text(f"Where: {plain(where)}"), soft_wrap=True)
        if error.do_this:
            self.err.print(Text(f"What to do: {plain(error.do_this)}"), soft_wrap=True)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Step]:
        """Bars on stderr while something long runs; nothing where stderr is no terminal."""
        if self.json or not self.err.is_terminal:
            yield lambda what, done, total: None
            return
        columns = (
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=self.err, transient=True) as bars:
            tasks: dict[str, TaskID] = {}

            def step(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bars.add_task(plain(what), total=None)
                bars.update(tasks[what], completed=done, total=total or None)

            yield step

    # ------------------------------------------------------------------------------------------------ questions

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask."""
        return not self.json and sys.stdin.isatty()

    def ask(self, question: str, default: str = "", hidden: bool = False, choices: Sequence[str] = ()) -> str:
        """One answer, typed. `hidden` shows nothing of it."""
        try:
            answer = Prompt.ask(
                Text(plain(question)), console=self.err, password=hidden, default=default or None,
                choices=list(choices) or None, show_default=bool(default) and not hidden,
            )  # fmt: skip
        except EOFError:
            raise WrongUse("The input ended before there was an answer") from None
        return answer or ""

    def confirm(self, question: str) -> bool:
        """Yes or no; no is the default."""
        try:
            return Confirm.ask(Text(plain(question)), console=self.err, default=False)
        except EOFError:
            return False
