"""Structured logs to stderr: one line per event, without secrets and without personal data.

What may not be said is taken out in one place, `discreet`, whoever logs it: values under telling names, what looks like
an e-mail address, a telephone or personal number or a key, and every value that is not a plain word or number. A name
inside a sentence looks like nothing: so the event's text is constant, values go beside it, and of an exception the log
says where and of which kind, not its message, which quotes what it choked on. (The message stands with the problem, the
exchange or the job, where only people with access see it.)
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from samklang.connectors.errors import SamklangError
from samklang.connectors.transport import without_secrets

_MASK = "***"
_NAMES = re.compile(  # of fields whose values are somebody's, or open something
    r"(?:^|_)(?:name|names|customer|buyer|person|recipient|company|e?mail|phone|mobile|address|street|lines|postcode|zip"
    r"|city|billing|shipping|org_no|vat_no|body|payload|record|headers|cookie|sent|got|password|secret|token|key"
    r"|authorization)(?:_|$)",
    re.IGNORECASE,
)
_PATTERNS = re.compile(
    r"""
      [\w.+%-]+ (?:@|%40) [\w-]+ (?:\.[\w-]+)+                                # e-mail address
    | (?<![\w.:-]) (?!\d{4}-\d\d-\d\d) [+(]? \d (?:[ ()/-]{0,2}\d){7,} (?![\w:-])   # telephone, personal number
    | (?<=://) [^/\s@]+ (?=@)                                                 # login in an address
    | (?<=bearer\ ) \S+ | (?<=basic\ ) \S+
    | \b (?=[\w-]*\d) (?=[\w-]*[a-z]) [\w-]{24,}                              # key
    """,
    re.IGNORECASE | re.VERBOSE,
)


def configure(level: int = logging.INFO, *, json: bool | None = None) -> None:
    """Log lines of this level (as in `logging`) and worse; JSON lines, or text for people (default: on a terminal)."""
    as_json = not sys.stderr.isatty() if json is None else json
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.ExceptionRenderer(_where),
            discreet,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream as it is when something is logged
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.addHandler(_libraries)
    # Not lower, whatever `level` is: at DEBUG libraries print whole addresses, with customers and keys in them.
    root.setLevel(max(level, logging.WARNING))


class _Libraries(logging.Handler):
    """What libraries say by way of `logging` becomes a line like our own."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "django.request" and record.levelno < logging.ERROR:  # a caller's 404 is no news
            return
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None
        )


_libraries = _Libraries()


def discreet(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: the event without secrets and personal data."""
    return {name: _field(name, value) for name, value in event.items()}


def _field(name: str, value: object) -> object:
    secret = _NAMES.search(name) and value is not None and not isinstance(value, bool)
    return _MASK if secret else _plain(value)


def _plain(value: object) -> object:
    """Words and numbers; of anything else no more than what it is."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | date | Decimal | Path):
        return _masked(str(value))
    if isinstance(value, Mapping):
        return {_masked(str(name)): _field(str(name), one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    return _masked(_kind(value)) if isinstance(value, BaseException) else f"<{value.__class__.__name__}>"


def _masked(text: str) -> str:
    return _PATTERNS.sub(_MASK, without_secrets(text.encode("utf-8", "replace")).decode())


def _kind(error: BaseException) -> str:
    """An exception's kind, with our code; with its message only where our surroundings failed (database, network,
    files): that names hosts and files, and is needed."""
    kind = error.__class__.__name__
    if isinstance(error, SamklangError):
        return f"{error.code} {kind}"
    # Not every OSError: libraries derive theirs from it and quote addresses.
    ours = isinstance(error, OSError) and error.__class__.__module__ == "builtins"
    return f"{kind}: {error}" if ours or isinstance(error, OperationalError | InterfaceError) else kind


def _where(exc_info: structlog.typing.ExcInfo) -> str:
    """A traceback as Python prints it, causes first, without messages and without local variables."""
    error: BaseException | None = exc_info[1]
    chain: list[str] = []
    while error is not None:
        chain.append("".join(traceback.format_tb(error.__traceback__)) + _kind(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n\n".join(reversed(chain))
