"""Structured logs to stderr: one line per event, tracebacks without local variables (they hold personal data)."""

from __future__ import annotations

import logging
import os
import sys

import structlog


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
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream as it is when something is logged
        cache_logger_on_first_use=False,
    )
