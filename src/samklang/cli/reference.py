"""docs/reference/cli.md, written from the commands themselves: python -m samklang.cli.reference."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"
_HEAD = """<!-- Written by `python -m samklang.cli.reference`; a test holds it to the commands. -->
"""
_TAIL = """
## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | failed: a system did not answer, a record was not taken (the message says which) |
| 2 | wrong use: the command, the file, or a connection's settings |
| 3 | something to look at: a plan with changes, open problems |
| 4 | a person must act: a login, a missing right, a brake |
| 130 | interrupted |

With `--json` there is exactly one JSON document on stdout and nothing else. Errors are on stderr, with `--json` as
`{"error": {"code", "what", "where", "do_this"}}`. Keys are only ever added. Times are ISO 8601 in UTC, decimals text.

## Environment

| variable | meaning |
|---|---|
| `SAMKLANG_DATA` | folder of the database and the key (default `var`) |
| `SAMKLANG_SECRET_<NAME>_<KEY>` | a secret for `connect`, such as `SAMKLANG_SECRET_SHOP_CONSUMER_KEY` |
| `SAMKLANG_ALLOW_PRIVATE` | networks of your own that connections may call, such as `10.1.0.0/16` |
| `SAMKLANG_KEY`, `SAMKLANG_OLD_KEYS` | the key that encrypts secrets, instead of the file `samklang.key` |
| `NO_COLOR` | no colours on a terminal either; piped output never has any |
"""


def page() -> str:
    """The page as the commands are now."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
    django.setup()
    from samklang.cli.app import app

    body = app.generate_docs(usage_name="samklang", max_heading_level=3)
    return _HEAD + "\n".join(line.rstrip() for line in body.rstrip().splitlines()) + "\n" + _TAIL


if __name__ == "__main__":
    sys.argv[:] = ["samklang"]  # the usage lines name the program
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
