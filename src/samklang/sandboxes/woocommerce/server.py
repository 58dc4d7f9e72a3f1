"""The frame of the shop's REST API: routing, login, pages, batches, and the control paths. `routes` fills it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from samklang.sandboxes.woocommerce import front
from samklang.sandboxes.woocommerce.listing import Lists
from samklang.sandboxes.woocommerce.wire import JSON, Args, Refused, trimmed, validate

if TYPE_CHECKING:
    from samklang.sandboxes.woocommerce import WooSandbox

_ROOT = "/wp-json/wc/v3"
_encode = msgspec.json.encode
_MOST_IN_BATCH = 100


class Call(NamedTuple):
    """One request: ids out of the path, query arguments, JSON body, address without query."""

    method: str
    path: str
    ids: tuple[int, ...]
    query: dict[str, str]
    body: JSON
    url: str


class Reply(NamedTuple):
    """What goes back."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()


_Handler = Callable[[Any, Call], Reply]
_ROUTES: list[tuple[re.Pattern[str], str, dict[str, tuple[_Handler, Args]]]] = []


def route(pattern: str, args: Args | None = None, **methods: _Handler) -> None:
    """Make a path known. `{id}` stands for a number; POST and PUT bodies are checked against `args`."""
    compiled = re.compile(re.sub(r"\{\w+\}", r"(\\d+)", pattern))
    _ROUTES.append((compiled, pattern, {verb: (handler, args or {}) for verb, handler in methods.items()}))


class Rest:
    """The application. All work on the shop happens under its lock, so Python helpers may run beside it."""

    def __init__(self, shop: WooSandbox) -> None:
        self.shop = shop
        self.lists = Lists(shop)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        raw = await request.body()
        if self.shop.latency and not scope["path"].startswith("/_sandbox/"):
            await asyncio.sleep(self.shop.latency)
        if scope["path"] == "/" and request.method in ("GET", "POST"):
            with self.shop.lock:
                answer = front.buy(self.shop) if request.method == "POST" else front.page(self.shop)
            await answer(scope, receive, send)
            return
        with self.shop.lock:
            reply = self._answer(request, raw)
        response = Response(reply.body, reply.status, media_type="application/json; charset=UTF-8")
        for name, value in reply.headers:
            response.headers.append(name, value)
        await response(scope, receive, send)

    def _answer(self, request: Request, raw: bytes) -> Reply:
        base = f"{request.url.scheme}://{request.url.netloc}"
        headers = [("Link", f'<{base}/wp-json/>; rel="https://api.w.org/"')]
        try:
            reply = self._route(request, raw, base)
        except Refused as no:
            reply = Reply(no.status, _encode(no.body))
        return reply._replace(headers=[*headers, *reply.headers])

    def _route(self, request: Request, raw: bytes, base: str) -> Reply:
        path, method = request.url.path, request.method
        if path.startswith("/_sandbox/"):
            return self._control(method, path.removeprefix("/_sandbox"), msgspec.json.decode(raw or b"{}"))
        local = path.removeprefix(_ROOT) if path.startswith(_ROOT) else "/"
        if path.rstrip("/") == _ROOT:
            return self._index()  # answers whatever the key: no connection test (observed)
        for pattern, _, methods in _ROUTES:
            if (found := pattern.fullmatch(local)) and method in methods:
                break
        else:
            raise Refused(404, "rest_no_route", "No route was found matching the URL and request method.")
        query_text = request.url.query
        authorization = request.headers.get("authorization", "")
        self.shop.login.check(method, base + path, query_text, authorization, int(time.time()))
        query = dict(parse_qsl(query_text, keep_blank_values=True))
        handler, args = methods[method]
        body: JSON = {}
        if method in ("POST", "PUT", "PATCH"):
            body = _json(raw)
            if not local.endswith("/batch"):
                validate(body, args)
        return handler(self, Call(method, local, tuple(int(part) for part in found.groups()), query, body, base + path))

    # ------------------------------------------------------------------------------------------------ answers

    def one(self, call: Call, row: JSON, status: int = 200) -> Reply:
        """One resource, trimmed if asked."""
        if "_fields" in call.query:
            row = trimmed(row, call.query["_fields"], keep_links=True)
        where = row.get("_links", {}).get("self", [{}])[0].get("href", "") if status == 201 else ""
        return Reply(status, _encode(row), [("Location", where)] if where else [])

    def page(
        self, call: Call, rows: list[Any], whole: Callable[[Any], bytes], parts: Callable[[Any], JSON], *,
        total_beyond_end: bool = True,
    ) -> Reply:  # fmt: skip
        """One page of a list, with totals and links. `whole` gives a row's bytes, `parts` its fields for `_fields`."""
        number, size = int(call.query.get("page", 1)), int(call.query.get("per_page", 10))
        start = int(call.query["offset"]) if "offset" in call.query else (number - 1) * size
        shown = rows[start : start + size]
        total = len(rows) if shown or total_beyond_end else 0
        pages = -(-total // size)
        fields = call.query.get("_fields")
        if fields:
            body = _encode([trimmed(parts(row), fields, keep_links=False) for row in shown])
        else:
            body = b"[" + b",".join(map(whole, shown)) + b"]"
        others = []
        if number > 1:
            others.append((min(number - 1, pages), "prev"))
        if number < pages:
            others.append((number + 1, "next"))
        headers = [("X-WP-Total", str(total)), ("X-WP-TotalPages", str(pages))]
        if others:
            kept = {key: value for key, value in call.query.items() if key != "page"}
            address = f"{call.url}?{urlencode(kept, quote_via=quote_plus, safe=',')}"
            glue = "&" if kept else ""
            headers.append(("Link", ", ".join(f'<{address}{glue}page={n}>; rel="{rel}"' for n, rel in others)))
        return Reply(200, body, headers)

    def batch(
        self,
        call: Call,
        create: Callable[[JSON], JSON],
        update: Callable[[object, JSON], JSON],
        delete: Callable[[object], JSON],
    ) -> Reply:
        """Create, update, delete up to 100 things; each answers for itself. No schema validation (observed)."""
        asked = {
            name: call.body[name] for name in ("create", "update", "delete") if isinstance(call.body.get(name), list)
        }
        if sum(len(rows) for rows in asked.values()) > _MOST_IN_BATCH:
            said = f"Unable to accept more than {_MOST_IN_BATCH} items for this request."
            raise Refused(413, "woocommerce_rest_request_entity_too_large", said)
        answer: dict[str, list[JSON]] = {}
        for name, rows in asked.items():
            results = answer[name] = []
            for row in rows:
                id_ = 0 if name == "create" else row.get("id") if isinstance(row, dict) else row
                try:
                    if name == "create":
                        results.append(create(row))
                    elif name == "update":
                        results.append(update(id_, row))
                    else:
                        results.append(delete(id_))
                except Refused as no:
                    results.append({"id": id_, "error": no.body})
        if call.query.get("_fields"):
            kept = {field.partition(".")[0] for field in call.query["_fields"].split(",")}
            answer = {name: rows for name, rows in answer.items() if name in kept}
        return Reply(200, _encode(answer) if asked else b"[]")

    def _index(self) -> Reply:
        routes: JSON = {}
        for _, pattern, methods in _ROUTES:
            name = f"/wc/v3{pattern}".replace("{", "(?P<").replace("}", ">[\\d]+)")
            described = [
                {"methods": [verb], "args": {arg: {"type": kind} for arg, (kind, _) in args.items()}}
                for verb, (_, args) in methods.items()
            ]
            routes[name] = {"namespace": "wc/v3", "methods": list(methods), "endpoints": described}
        return Reply(200, _encode({"namespace": "wc/v3", "routes": routes, "_links": {}}))

    # ------------------------------------------------------------------------------------------------ control

    def _control(self, method: str, path: str, body: JSON) -> Reply:
        shop = self.shop
        answer: object
        if method == "POST" and path == "/orders":
            answer = shop.place_order(**body)
        elif method == "POST" and (found := re.fullmatch(r"/orders/(\d+)", path)):
            answer = shop.set_status(int(found[1]), body["status"])
        elif method == "POST" and path == "/products":
            answer = shop.change(**body)
        elif method == "GET" and path == "/snapshot":
            answer = shop.snapshot()
        else:
            raise Refused(404, "sandbox_no_route", f"No control path {method} {path}.")
        return Reply(200, _encode(answer))


def _json(raw: bytes) -> JSON:
    try:
        body = msgspec.json.decode(raw) if raw.strip() else {}
    except msgspec.DecodeError:
        raise Refused(
            400, "rest_invalid_json", "Invalid JSON body passed.", json_error_code=4, json_error_message="Syntax error"
        ) from None
    return body if isinstance(body, dict) else {}
