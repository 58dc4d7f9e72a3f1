"""`samklang serve`: web pages and webhooks; on SQLite also schedules and work (on PostgreSQL: `samklang worker`)."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import structlog
import uvicorn
from cyclopts import Parameter
from django.conf import settings
from django.db import connection
from django.urls import reverse

from samklang import engine as engines
from samklang import logs
from samklang.cli.screen import Exit, WrongUse
from samklang.cli.session import Common, session
from samklang.engine.embedded import Embedded
from samklang.engine.queue import Queue
from samklang.engine.start import keep_what_is_loaded, load_connectors
from samklang.engine.work import KEEPING, perform
from samklang.people import tickets

log = structlog.get_logger()


def serve(
    *,
    host: Annotated[
        str, Parameter(help="Address to listen on; off this machine put TLS before it (docs/how-to/deploy.md).")
    ] = ("127.0.0.1"),
    port: Annotated[int, Parameter(help="0 = any that is free.", show_default=True)] = 8080,
    common: Common | None = None,
) -> Exit:
    """Run everything until Ctrl-C or SIGTERM: web pages, webhooks, reading and delivering.

    On PostgreSQL only the web: reading and delivering is done by `samklang worker`, as many of them as you like.

    Work that is under way at the end is waited for (half a minute); whatever is left stands in the tables, and the
    next start goes on with it.
    """
    with session(common) as now, _only_one():
        logs.configure(logging.INFO, json=now.screen.json)
        listener = _listen(host, port)
        port = listener.getsockname()[1]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"

        token = tickets.first_visit()
        base = settings.PUBLIC_URL if "SAMKLANG_URL" in os.environ else address
        setup = f"{base}{reverse('ticket', args=[token])}" if token else ""

        def ready() -> None:
            now.screen.answer({"address": address, "pid": os.getpid(), "setup": setup})
            now.screen.say(f"Samklang at {address}", "bold green")
            if setup:
                now.screen.say(f"Nobody is here yet. Become the owner at {setup}")
            now.screen.note("Ctrl-C ends it.")

        return _run(listener, ready)


def _run(listener: socket.socket, ready: Callable[[], None]) -> Exit:
    engine = None if connection.vendor == "postgresql" else Embedded(perform)
    engines.current = engine or Queue()
    app = "samklang.asgi:application"
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(settings.PROXIES),
            forwarded_allow_ips=settings.PROXIES,
        ),
        ready,
    )
    # uvicorn raises the signal once more when it has ended; then it must not kill us, for the engine has yet to stop.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    if engine:
        load_connectors()
        engine.start()
        for seconds, job in KEEPING:
            engine.every(seconds, job)
    try:
        server.run(sockets=[listener])
    finally:
        engines.current = None
        idle = engine is None or engine.stop()
        listener.close()
    if not idle:
        log.warning("some work was still under way; the next start goes on with it")
    return Exit.OK if server.started else Exit.FAILED


class _Server(uvicorn.Server):
    """Says when it can be reached."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            keep_what_is_loaded()
            self._ready()


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    if connection.vendor == "postgresql":
        yield
        return
    with (Path(settings.DATA) / "serve.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WrongUse(
                "`samklang serve` already runs on this data folder", "Use that one, or end it first."
            ) from None
        yield


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise WrongUse(f"{host}:{port} cannot be listened on: {error.strerror}", "Choose another --port.") from error
    # What it accepts inherits this. An answer goes out in two writes, and the second waited 40 ms for the other side.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
