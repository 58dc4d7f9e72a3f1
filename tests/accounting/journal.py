"""A SIE 4 file as a beancount journal, written from the published format alone.

Shares no code with Samklang: what judges the writer must not repeat its misunderstandings.
"""

from __future__ import annotations

import re
import shlex


def journal(sie: bytes) -> str:
    """Every declared account opened, every voucher a transaction; nothing is checked here, the judge does that."""
    opened, entries = [], []
    for line in sie.decode("cp437").split("\r\n"):
        words = _words(line)
        if not words:
            continue
        if words[0] == "#KONTO":
            opened.append(f'1970-01-01 open {_account(words[1])}  SEK\n  title: "{words[2]}"')
        elif words[0] == "#VER":
            day = f"{words[3][:4]}-{words[3][4:6]}-{words[3][6:]}"
            text = words[4].replace('"', "'")
            entries.append(f'{day} * "{text}"')
        elif words[0] == "#TRANS":
            entries.append(f"  {_account(words[1])}  {words[-1]} SEK")
    return "\n".join([*opened, "", *entries, ""])


def _words(line: str) -> list[str]:
    without_objects = re.sub(r"\{[^}]*\}", " ", line)
    return shlex.split(without_objects, posix=True) if without_objects.startswith("#") else []


def _account(number: str) -> str:
    kind = {"1": "Assets", "2": "Liabilities", "3": "Income"}.get(number[0], "Expenses")
    return f"{kind}:A{number}"
