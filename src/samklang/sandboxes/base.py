"""What every sandbox shares: a server on a free port, a log of requests, and faults that tests switch on.

A sandbox is a Starlette application with its state in memory. Around it stands `Faulty`, which plays the network:

    401       answers 401, the application never sees the request
    429       answers 429 with Retry-After, the application never sees the request
    500       answers 500, the application never sees the request
    timeout   never answers (holds the connection for 60 s), the application never sees the request
    lost      the application does its work, then the connection breaks before the answer
    cut       the answer breaks off half way
    broken    half of the answer comes, with headers as if it were all: no JSON any more
    extra     every JSON object of the answer has a field more that nobody has heard of
    huge      the answer is `megabytes` large
    slow      waits `seconds`, then answers as usual

Control, for other processes: POST /_sandbox/faults with a list of Fault objects (replaces the list), GET
/_sandbox/requests, POST /_sandbox/reset-requests; a sandbox adds its own below /_sandbox/.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal["401", "429", "500", "timeout", "lost", "cut", "broken", "extra", "huge", "slow"]


class Fault(msgspec.Struct):
    """One fault: how often (`chance`, 1 = always), how many times (`times`, None = until replaced), and for what.

    The first `after` requests that it is meant for pass.
    """

    kind: Kind
    chance: float = 1.0
    times: int | None = None
    method: str = ""  # "" = every method
    path: str = ""  # substring of the path
    seconds: float = 1.0  # Retry-After of 429, delay of slow
    after: int = 0
    megabytes: int = 40  # of huge
    maps: tuple[str, ...] = ()  # extra: fields that hold data by names of their own, left alone


class Call(msgspec.Struct):
    """One request as the sandbox saw it, with the answer's status (0 = none was sent)."""

    method: str
    path: str
    query: str
    status: int
    fault: str = ""


class Faulty:
    """ASGI wrapper: logs requests, plays faults, answers the control paths."""

    def __init__(self, app: ASGIApp, seed: int = 1) -> None:
        self.app = app
        self.faults: list[Fault] = []
        self.calls: deque[Call] = deque(maxlen=5000)
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)  # noqa: S311  # which request fails, no secret
        self._lock = threading.Lock()

    def reset_calls(self) -> None:
        """Forget the requests seen so far."""
        with self._lock:
            self.calls.clear()
            self.counts.clear()

    def _pick(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times == 0 or fault.method not in ("", method) or fault.path not in path:
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if self._random.random() < fault.chance:
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if path.startswith("/_sandbox/") and await self._control(method, path, receive, send):
            return
        fault = self._pick(method, path) if not path.startswith("/_sandbox/") else None
        call = Call(method, path, scope["query_string"].decode("latin-1"), 0, fault.kind if fault else "")
        with self._lock:
            self.calls.append(call)
            self.counts[f"{method} {path}" if len(self.counts) < 2000 else method] += 1

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
            await send(message)

        if fault is None:
            await self.app(scope, receive, watched)
        elif fault.kind == "429":
            headers = [(b"retry-after", f"{fault.seconds:g}".encode()), (b"content-type", b"application/json")]
            await watched({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"message":"Too many requests"}'})
        elif fault.kind == "500":
            headers = [(b"content-type", b"text/html")]
            await watched({"type": "http.response.start", "status": 500, "headers": headers})
            await send({"type": "http.response.body", "body": b"<html><h1>Internal Server Error</h1></html>"})
        elif fault.kind == "401":
            headers = [(b"content-type", b"application/json")]
            await watched({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"message":"Unauthorized"}'})
        elif fault.kind == "huge":
            headers = [(b"content-type", b"application/json")]
            await watched({"type": "http.response.start", "status": 200, "headers": headers})
            for _ in range(fault.megabytes):
                await send({"type": "http.response.body", "body": b" " * 2**20, "more_body": True})
            await send({"type": "http.response.body", "body": b"{}"})
        elif fault.kind == "timeout":
            await asyncio.sleep(60)
            _abort(send)
        elif fault.kind == "lost":

            async def silent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    call.status = message["status"]

            await self.app(scope, receive, silent)
            _abort(send)
        elif fault.kind == "cut":
            start, body = await self._whole(scope, receive)
            await watched(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0.02)
            _abort(send)
        elif fault.kind in ("broken", "extra"):
            start, body = await self._whole(scope, receive)
            body = body[: len(body) // 2] if fault.kind == "broken" else _with_more_fields(body, fault.maps)
            if body:
                kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
                start["headers"] = [*kept, (b"content-length", str(len(body)).encode())]
            await watched(start)
            await send({"type": "http.response.body", "body": body})
        else:
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, watched)

    async def _whole(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The application's answer, held back: its start, and its whole body."""
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self.app(scope, receive, hold)
        return held[0], b"".join(message.get("body", b"") for message in held[1:])

    async def _control(self, method: str, path: str, receive: Receive, send: Send) -> bool:
        if path == "/_sandbox/faults" and method == "POST":
            body = b""
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            with self._lock:
                self.faults = msgspec.json.decode(body, type=list[Fault])
            answer: object = {"ok": True}
        elif path == "/_sandbox/requests":
            with self._lock:
                answer = {"total": sum(self.counts.values()), "calls": msgspec.to_builtins(list(self.calls))}
        elif path == "/_sandbox/reset-requests" and method == "POST":
            self.reset_calls()
            answer = {"ok": True}
        else:
            return False
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
        return True


_decode = msgspec.json.Decoder(float_hook=Decimal).decode  # decimals keep their digits
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _with_more_fields(body: bytes, maps: tuple[str, ...]) -> bytes:
    """The JSON with a field more in every object that is no map; other bodies as they are."""

    def grown(value: object) -> object:
        if isinstance(value, dict):
            known = {name: part if name in maps else grown(part) for name, part in value.items()}
            return {**known, "x_not_heard_of": {"yet": [1, None, "å"]}}
        if isinstance(value, list):
            return [grown(part) for part in value]
        return value

    try:
        return _encode(grown(_decode(body)))
    except msgspec.DecodeError:
        return body


def _abort(send: Send) -> None:
    """Break the connection without an answer (uvicorn's send is a method of the cycle that owns the transport)."""
    cycle = getattr(send, "__self__", None)
    transport = getattr(cycle, "transport", None)
    if transport is None:
        raise RuntimeError("this fault needs uvicorn as the server")
    cycle.disconnected = True  # type: ignore[union-attr]  # so that uvicorn does not answer 500 on its own
    transport.abort()


class _Server(uvicorn.Server):
    """Ends when it is told to, and not at its next look: tests open thousands of servers. Who is being answered is cut
    off, like by a machine that goes down."""

    def stop(self) -> None:
        """End; from another thread."""
        self.should_exit = True
        self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()


@contextlib.contextmanager
def serve(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve the application on loopback in a thread; yields its base URL (http://127.0.0.1:PORT)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # so that asyncio sets TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off", proxy_headers=False)
    server = _Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="sandbox")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError(f"the sandbox did not start on port {port}")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.stop()
        thread.join(timeout=5)
        listener.close()
