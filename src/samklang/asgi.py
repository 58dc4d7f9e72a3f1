"""The web application, for any ASGI server; `samklang serve` runs it beside the engine."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")

#: Bytes of a request's body: the largest file (keeping/uploads.py) and the form around it. Django would first write
#: all of a body to the disk, and ask afterwards.
LARGEST = 65 * 2**20

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class TooLarge(Exception):
    """More has come than may."""


def bounded(app: App, most: int = LARGEST) -> App:
    """The app with bodies of at most so many bytes: 413 for more, without a length too."""

    async def within(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > most:
            await _refuse(send)
            return
        came = 0

        async def counted() -> Mapping[str, Any]:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise TooLarge
            return message

        try:
            await app(scope, counted, send)
        except TooLarge:  # Django reads all of a body before it begins to answer
            await _refuse(send)

    return within


async def _refuse(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": b""})


application = bounded(get_asgi_application())
