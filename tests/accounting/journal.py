"""A SIE 4 file as a journal of another bookkeeping program, written from the published formats alone.

Shares no code with Samklang: what judges the writer must not repeat its misunderstandings.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple


class Entry(NamedTuple):
    """One voucher: its day (YYYYMMDD), its text, and each account with the amount as the file has it."""

    day: str
    text: str
    lines: list[tuple[str, str]]


def journal(sie: bytes) -> str:
    """For beancount: every declared account opened, every voucher a transaction. Nothing is checked here, the judge
    does that."""
    accounts, entries = _content(sie)
    opened = [f'1970-01-01 open {account(number)}  SEK\n  title: "{name}"' for number, name in accounts]
    return "\n".join([*opened, "", *(line for entry in entries for line in _entry(entry)), ""])


def hledger_journal(sie: bytes) -> str:
    """The same for hledger, which wants its currency declared as well."""
    accounts, entries = _content(sie)
    declared = [f"account {account(number)}  ; {name}" for number, name in accounts]
    head = ["commodity 1000.00 SEK", *declared, ""]
    return "\n".join([*head, *(line for entry in entries for line in [*_entry(entry), ""])])


def _entry(entry: Entry) -> Iterator[str]:
    day, text = entry.day, entry.text.replace('"', "'")
    yield f'{day[:4]}-{day[4:6]}-{day[6:]} * "{text}"'
    for number, amount in entry.lines:
        yield f"  {account(number)}  {amount} SEK"


def _content(sie: bytes) -> tuple[list[tuple[str, str]], list[Entry]]:
    accounts: list[tuple[str, str]] = []
    entries: list[Entry] = []
    for line in sie.decode("cp437").split("\r\n"):
        words = _words(line)
        if not words:
            continue
        if words[0] == "#KONTO":
            accounts.append((words[1], words[2]))
        elif words[0] == "#VER":
            entries.append(Entry(words[3], words[4], []))
        elif words[0] == "#TRANS":
            entries[-1].lines.append((words[1], words[-1]))
    return accounts, entries


def _words(line: str) -> list[str]:
    without_objects = re.sub(r"\{[^}]*\}", " ", line)
    return shlex.split(without_objects, posix=True) if without_objects.startswith("#") else []


def account(number: str) -> str:
    """The account as plain-text bookkeeping calls it."""
    kind = {"1": "Assets", "2": "Liabilities", "3": "Income"}.get(number[0], "Expenses")
    return f"{kind}:A{number}"
