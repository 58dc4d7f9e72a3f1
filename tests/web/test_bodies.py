"""How much a request may carry is decided while it comes in, not when it has filled the disk."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from samklang.asgi import bounded

Message = MutableMapping[str, Any]


def ask(pieces: list[bytes], *, stated: bytes = b"", most: int = 1000) -> tuple[int, int]:
    """The status of a request that comes in pieces, and how many of them were taken."""
    left = list(pieces)
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def send(message: Message) -> None:
        answers.append(message)

    async def app(scope: Message, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    headers = [(b"content-length", stated)] if stated else []
    asyncio.run(bounded(app, most)({"type": "http", "headers": headers}, receive, send))
    return answers[0]["status"], len(pieces) - len(left)


def test_a_body_within_the_bound_passes() -> None:
    assert ask([b"x" * 400, b"x" * 600], stated=b"1000") == (200, 2)


def test_what_states_too_much_is_refused_unread() -> None:
    assert ask([b"x"], stated=b"1001") == (413, 0)
    assert ask([b"x"], stated=b"-1") == (413, 0)


def test_what_states_nothing_is_cut_off_at_the_bound() -> None:
    assert ask([b"x" * 400] * 100) == (413, 3)
