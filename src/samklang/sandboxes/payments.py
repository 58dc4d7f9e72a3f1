"""What stand-ins of payment providers and transport systems share: a clock that tests set, replays by key, control.

What a person would do in the provider's portal, or a buyer in the checkout, is a method of the provider; for other
processes POST /_sandbox/<method> with its arguments as JSON. GET /_sandbox/snapshot shows what is there.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Body = dict[str, Any]
#: Does what an address is for, with the names in path and query and the body; gives status, answer and headers.
Work = Callable[[Mapping[str, str], Body], "Reply"]
KEY_LIVES = timedelta(hours=24)


class Reply(msgspec.Struct, frozen=True):
    """An answer; None as `body` is an empty one, bytes go out as XML, all else as JSON."""

    status: int
    body: object = None
    headers: Mapping[str, str] = {}


class Refused(Exception):
    """The provider says no: its answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply.body))
        self.reply = reply


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class Provider:
    """Base of the stand-ins. `actions` may be called over /_sandbox/, `key_header` is the idempotency key's."""

    actions: tuple[str, ...] = ()
    key_header: str = ""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.lock = threading.RLock()
        self._replies: dict[tuple[str, str], tuple[datetime, Body, Reply]] = {}
        control = [
            Route("/_sandbox/snapshot", self._snapshot, methods=["GET"]),
            Route("/_sandbox/{action}", self._act, methods=["POST"]),
        ]
        self.app = Starlette(routes=[*self.routes(), *control])

    # ------------------------------------------------------------------------------------------------ of a provider

    def routes(self) -> list[Route]:
        """The API's addresses."""
        raise NotImplementedError

    def login(self, request: Request) -> None:
        """Refused without the right login."""
        raise NotImplementedError

    def snapshot(self) -> Mapping[str, Any]:
        """What the provider holds, for comparing."""
        raise NotImplementedError

    def unreadable(self, what: str) -> Refused:
        """The provider's answer to a body that is no JSON object."""
        return Refused(Reply(400, {"message": what}))

    def decoded(self, raw: bytes) -> Body:
        """A request's body; JSON, unless the provider speaks otherwise."""
        return self._body(raw)

    def clash(self, before: Body, now: Body) -> Refused | None:
        """What the provider says to a key that comes again with another body; None = the first answer again."""
        return None

    # ------------------------------------------------------------------------------------------------ over HTTP

    def endpoint(self, path: str, method: str, work: Work) -> Route:
        """An address of the API: login, JSON, and the first answer again when a key comes again."""

        async def run(request: Request) -> Response:
            raw = await request.body()
            try:
                self.login(request)
                body = self.decoded(raw)
                with self.lock:
                    return _response(self._once(request, body, work))
            except Refused as refused:
                return _response(refused.reply)

        return Route(path, run, methods=[method])

    def _body(self, raw: bytes) -> Body:
        if not raw:
            return {}
        try:
            return msgspec.json.decode(raw, type=Body)
        except msgspec.DecodeError as error:
            raise self.unreadable(str(error)) from None

    def _once(self, request: Request, body: Body, work: Work) -> Reply:
        key = request.headers.get(self.key_header) if request.method != "GET" else None
        name = request.url.path, key or ""
        known = self._replies.get(name)
        if key and known and self.now() - known[0] < KEY_LIVES:
            if refused := self.clash(known[1], body):
                raise refused
            return known[2]
        reply = work({**request.query_params, **request.path_params}, body)
        if key:
            self._replies[name] = self.now(), body, reply
        return reply

    async def _act(self, request: Request) -> Response:
        action = request.path_params["action"].replace("-", "_")
        if action not in self.actions:
            return _response(Reply(404, {"error": f"no action {action}; known: {', '.join(self.actions)}"}))
        raw = await request.body()
        try:
            given = self._body(raw)
            inspect.signature(getattr(self, action)).bind(**given)
        except (TypeError, Refused) as wrong:
            return _response(Reply(400, {"error": str(wrong)}))
        try:
            with self.lock:
                return _response(Reply(200, {"result": getattr(self, action)(**given)}))
        except Refused as refused:
            return _response(refused.reply)

    async def _snapshot(self, _request: Request) -> Response:
        with self.lock:
            return _response(Reply(200, self.snapshot()))


def _response(reply: Reply) -> Response:
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, headers=dict(reply.headers), media_type="application/xml")
    body = b"" if reply.body is None else msgspec.json.encode(reply.body)
    kind = None if reply.body is None else "application/json"
    return Response(body, reply.status, headers=dict(reply.headers), media_type=kind)
