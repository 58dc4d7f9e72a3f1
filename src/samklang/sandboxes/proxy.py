"""A reverse proxy before a real system, so that faults can be played against it: Faulty(Proxy("http://127.0.0.1:8000")).

Bodies are held whole, redirects and errors of the system passed on as they come. For tests against systems on this
machine: no TLS towards the caller, no websockets.
"""

from __future__ import annotations

import urllib3
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

#: Headers that belong to one connection (RFC 9110, 7.6.1) or that the next server writes itself.
_OF_THE_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade host "
    "content-length date server accept-encoding content-encoding".split()
)


class Proxy:
    """ASGI application that passes every request on to `target` (scheme, host, port; no path)."""

    def __init__(self, target: str, timeout: float = 120.0) -> None:
        self._pool = urllib3.connection_from_url(target, maxsize=16, timeout=timeout)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        try:
            response = await run_in_threadpool(self._pass_on, request, body)
        except urllib3.exceptions.HTTPError as error:
            response = PlainTextResponse(f"the system behind the proxy does not answer: {error}", 502)
        await response(scope, receive, send)

    def _pass_on(self, request: Request, body: bytes) -> Response:
        path = request.scope["raw_path"].decode("latin-1")
        if request.url.query:
            path += f"?{request.url.query}"
        sent = urllib3.HTTPHeaderDict({"accept-encoding": "gzip"})  # unpacked here, so that faults can change it
        for name, value in request.headers.items():
            if name not in _OF_THE_HOP:
                sent.add(name, value)
        answer = self._pool.urlopen(
            request.method, path, body=body or None, headers=sent, redirect=False, retries=False
        )
        response = Response(answer.data, answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in _OF_THE_HOP:
                response.headers.append(name, value)
        return response

    def close(self) -> None:
        """Close the sockets to the system."""
        self._pool.close()
