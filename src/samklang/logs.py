"""Structured logs to stderr: one line per event, tracebacks without local variables (they hold personal data)."""

import sys

import structlog


def configure() -> None:
    """Set up structlog; readable on a terminal, JSON lines otherwise."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, last],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # the stream as it is when something is logged
        cache_logger_on_first_use=False,
    )
