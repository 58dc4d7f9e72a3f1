"""Somebody who is told of events: a web server on loopback that remembers what came and answers as it is told to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Told(NamedTuple):
    """One call that came: headers in lower case, and the body's bytes."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    def signed_with(self, secret: str) -> bool:
        """Whether one of the signatures is that of the secret, as standardwebhooks.com says."""
        content = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        key = base64.b64decode(secret.removeprefix("whsec_"))
        ours = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        return ours in self.headers["webhook-signature"].split(" ")


class Receiver:
    """Answers with `status`, a number or a function of the call."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.status: int | Callable[[Told], int] = 204
        self.headers: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                told = Told({name.lower(): value for name, value in self.headers.items()}, body)
                outer.told.append(told)
                self.send_response(outer.status if isinstance(outer.status, int) else outer.status(told))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/told?by=samklang"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.told]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
