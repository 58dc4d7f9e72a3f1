"""First login at systems with OAuth 2: the consent page's address, and the code that comes back."""

from __future__ import annotations

import secrets
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from samklang.cli.screen import Screen, WrongUse
from samklang.connectors.contract import Connector
from samklang.connectors.errors import LoginRefused
from samklang.hub.setup.connecting import code_of


def log_in(connector: Connector, screen: Screen, redirect: str, paste: bool, patience: float) -> None:
    """Have a person approve us, and turn the code into tokens (in the connector's token store).

    `redirect` is the address that the consent page sends the browser to; it must be registered with the app there.
    We listen on it, or with `paste` ask for the address that the browser ended at (for work over ssh).
    """
    parts = urlsplit(redirect)
    state = secrets.token_urlsafe(24)
    if paste:
        _invite(screen, connector.login_page(redirect, state))
        code = _code(screen.ask("Address that the browser ended at"), state)
    else:
        if parts.scheme != "http" or parts.hostname not in ("localhost", "127.0.0.1"):
            raise WrongUse(f"{redirect} is not on this machine", "Add --paste and copy the address by hand.")
        with _Listener(80 if parts.port is None else parts.port) as listener:
            redirect = redirect if parts.port != 0 else f"http://{parts.hostname}:{listener.port}{parts.path}"
            _invite(screen, connector.login_page(redirect, state))
            code = _code(listener.wait(patience), state)
    connector.log_in(code, redirect)


def _invite(screen: Screen, address: str) -> None:
    screen.err.file.write(f"Open this address, log in there and approve:\n{address}\n")
    screen.err.file.flush()


def _code(address: str, state: str) -> str:
    return code_of({name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}, state)


class _Listener:
    """A web server for one request with a query, on loopback."""

    def __init__(self, port: int) -> None:
        self._path = ""
        self._came = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = bool(urlsplit(self.path).query)
                self.send_response(200 if asked else 404)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.end_headers()
                self.wfile.write(b"Thank you. You can close this page and go back to Samklang.\n" if asked else b"")
                if asked:
                    outer._path = self.path
                    outer._came.set()

            def log_message(self, format: str, *args: Any) -> None:
                """Silent: the request holds the code."""

        try:
            self._server = HTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise WrongUse(
                f"Port {port} cannot be listened on: {error.strerror}", "Give another --redirect, or add --paste."
            ) from error
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> _Listener:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True, name="consent").start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, patience: float) -> str:
        """The path and query that the browser came with."""
        if not self._came.wait(patience):
            raise LoginRefused(f"Nobody approved the login within {patience:.0f} s", do_this="Begin the login again.")
        return self._path
