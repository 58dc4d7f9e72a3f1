"""The one door to the network, tried with real sockets against a server that plays faults."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from samklang.connectors.contract import Exchange, Limits, Surroundings, Tokens
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    LoginRefused,
    Misconfigured,
    RateLimited,
    Rejected,
    RemoteFault,
    Unreachable,
)
from samklang.connectors.transport import (
    _KEPT,
    Basic,
    Transport,
    _retry_after,
    about,
    patience,
    private,
    without_secrets,
)
from samklang.sandboxes.base import Fault, Faulty, Kind, serve

_WAIT = 0.3  # seconds of Retry-After


class NoTokens:
    """A token store of a connection that needs none."""

    def load(self) -> Tokens | None:
        return None

    def save(self, tokens: Tokens) -> None:
        raise AssertionError("nothing to save")

    def exclusive(self) -> Any:
        return contextlib.nullcontext()


class Door:
    """A transport to a server with faults, and the exchanges that it captured."""

    def __init__(self, base: str, faulty: Faulty) -> None:
        self.base = base
        self.faulty = faulty
        self.seen: list[Exchange] = []
        self.slept: list[float] = []  # what it would have waited between tries

    def forget(self) -> None:
        """Nothing made, no faults, no calls."""
        self.faulty.faults = []
        self.to().request("GET", "/things", params={"forget": 1})
        self.faulty.reset_calls()
        self.seen.clear()
        self.slept.clear()

    def to(self, base: str = "", *, allow: Callable[[str], bool] = lambda _: True, **more: Any) -> Transport:
        around = Surroundings(
            capture=self.seen.append, tokens=NoTokens(), now=time.time, allow_private=allow, sleep=self.slept.append
        )
        limits = more.pop("limits", Limits(max_answer_mb=1))
        return Transport(base or self.base, limits, around, **more)

    def fault(self, kind: Kind, **more: Any) -> None:
        self.faulty.faults = [Fault(kind, **more)]

    @property
    def calls(self) -> int:
        return len(self.faulty.calls)

    @property
    def captured(self) -> bytes:
        return b"\n".join(msgspec.json.encode(exchange) + exchange.sent + exchange.got for exchange in self.seen)


def _app() -> Starlette:
    made = {"count": 0}

    async def things(request: Request) -> Response:
        made["count"] = 0 if request.query_params else made["count"] + (request.method == "POST")
        return JSONResponse({"made": made["count"]})

    async def decimals(_request: Request) -> Response:
        return Response(b'{"price": 19.90, "tiny": 1e-7, "whole": 5}', media_type="application/json")

    async def moved(_request: Request) -> Response:
        return RedirectResponse("/things?token=hush", 302)

    async def status(request: Request) -> Response:
        return JSONResponse({"message": "no"}, int(request.path_params["code"]))

    async def echo(request: Request) -> Response:
        body = await request.body()
        said = {"sent": body.decode("latin-1"), "authorization": request.headers.get("authorization", "")}
        return JSONResponse({**said, "access_token": "hush-answer"})

    return Starlette(
        routes=[
            Route("/things", things, methods=["GET", "POST", "PUT"]),
            Route("/decimals", decimals),
            Route("/moved", moved),
            Route("/status/{code}", status, methods=["GET", "POST"]),
            Route("/echo", echo, methods=["GET", "POST"]),
        ]
    )


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Faulty]]:
    faulty = Faulty(_app())
    with serve(faulty) as base:
        yield base, faulty


@pytest.fixture
def door(server: tuple[str, Faulty]) -> Door:
    door = Door(*server)
    door.forget()
    return door


# --------------------------------------------------------------------------------------------------- what is repeated


@pytest.mark.parametrize("kind", ["500", "lost", "cut"])
def test_a_read_that_fails_once_is_repeated(door: Door, kind: Kind) -> None:
    door.fault(kind, times=1)
    assert door.to().request("GET", "/things").status == 200
    assert door.calls == 2


@pytest.mark.parametrize("kind", ["500", "lost", "cut"])
def test_a_write_that_may_have_been_done_is_never_repeated(door: Door, kind: Kind) -> None:
    door.fault(kind, times=1)
    with pytest.raises(RemoteFault) as caught:
        door.to().request("POST", "/things", json={})
    assert caught.value.maybe_applied
    assert door.calls == 1
    assert door.to().request("GET", "/things").json()["made"] == (0 if kind == "500" else 1)


def test_a_write_that_does_no_harm_twice_may_be_repeated(door: Door) -> None:
    door.fault("lost", times=2)
    assert door.to().request("PUT", "/things", json={}, idempotent=True).status == 200
    assert door.calls == 3


def test_repeating_waits_longer_each_time_and_ends(door: Door) -> None:
    door.fault("500")
    with pytest.raises(RemoteFault):
        door.to().request("GET", "/things")
    first, second = door.slept
    assert door.calls == 3 and 0.25 <= first <= 0.5 <= second <= 1.0


def test_a_call_for_which_a_person_waits_is_short_and_not_tried_again(door: Door) -> None:
    door.fault("timeout")
    waits = patience.set(0.2)
    try:
        with pytest.raises(RemoteFault, match="No answer"):
            door.to().request("GET", "/things")
    finally:
        patience.reset(waits)
    assert len(door.seen) == 1 and door.seen[0].seconds < 2


def test_an_answer_that_never_comes_is_a_fault_and_a_write_may_have_been_done(door: Door) -> None:
    door.fault("timeout")
    with pytest.raises(RemoteFault, match="No answer") as caught:
        door.to(timeout=0.2).request("POST", "/things", json={})
    assert caught.value.maybe_applied


def test_nobody_listening_is_unreachable_and_surely_nothing_was_written(door: Door) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(Unreachable) as caught:
        door.to(base).request("POST", "/things", json={})
    assert not caught.value.maybe_applied
    assert [exchange.status for exchange in door.seen] == [0, 0, 0]


def test_a_name_that_does_not_exist_is_unreachable(door: Door) -> None:
    with pytest.raises(Unreachable) as caught:
        door.to("http://no-such-shop.invalid").request("POST", "/things", json={})
    assert not caught.value.maybe_applied


def test_a_certificate_that_cannot_be_trusted_is_told_as_such(door: Door) -> None:
    with pytest.raises(Unreachable, match=r"(?i)tls|ssl|certificate") as caught:
        door.to(door.base.replace("http:", "https:")).request("POST", "/things", json={})
    assert not caught.value.maybe_applied
    assert door.calls == 0


# ------------------------------------------------------------------------------------------------------- slow down


def test_429_waits_as_long_as_told_even_for_a_write(door: Door) -> None:
    door.fault("429", times=1, seconds=_WAIT)
    assert door.to().request("POST", "/things", json={}).json()["made"] == 1
    first, second = door.seen
    assert (second.at - first.at).total_seconds() >= _WAIT
    assert (first.status, second.status) == (429, 200)


def test_429_holds_back_all_calls_of_the_connection(door: Door) -> None:
    transport = door.to()
    door.fault("429", times=1, seconds=_WAIT)
    with contextlib.closing(transport):
        list(transport.overlap([lambda: transport.request("GET", "/things")] * 4, width=1))
    refused = next(exchange for exchange in door.seen if exchange.status == 429)
    assert all(e.status == 429 or (e.at - refused.at).total_seconds() >= _WAIT for e in door.seen)


def test_a_long_wait_goes_back_to_the_hub_instead_of_holding_a_thread(door: Door) -> None:
    door.fault("429", seconds=3000)
    with pytest.raises(RateLimited) as caught:
        door.to().request("GET", "/things")
    assert (caught.value.retry_after, door.calls, caught.value.maybe_applied) == (3000, 1, False)


def test_429_without_end_is_given_up(door: Door) -> None:
    door.fault("429", seconds=_WAIT)
    with pytest.raises(RateLimited):
        door.to().request("GET", "/things")
    assert door.calls == 3


def test_retry_after_is_seconds_or_a_date() -> None:
    assert _retry_after("7", 5) == 7
    assert _retry_after("0.5", 5) == 0.5
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 60 < _retry_after(later, 5) <= 90
    assert _retry_after("Wed, 21 Oct 2015 07:28:00 GMT", 5) == 0
    assert _retry_after("-5", 5) == 0
    assert [_retry_after(odd, 5) for odd in (None, "", "soon", "nan", "inf")] == [5, 5, 5, 5, 5]


# ------------------------------------------------------------------------------------------------------- the answer


def test_an_answer_above_the_limit_is_refused(door: Door) -> None:
    door.fault("huge", megabytes=3)
    with pytest.raises(BadAnswer, match="larger than 1 MB") as caught:
        door.to().request("POST", "/things", json={})
    assert caught.value.maybe_applied
    door.faulty.faults = []
    assert door.to().request("GET", "/things").status == 200


def test_an_answer_cut_off_by_length_or_in_chunks_is_never_taken_for_whole(door: Door) -> None:
    for head in (b"Content-Length: 400\r\n", b"Transfer-Encoding: chunked\r\n"):
        with _raw_server(b"HTTP/1.1 200 OK\r\n" + head + b'\r\n64\r\n[{"id": 1}]') as base, pytest.raises(RemoteFault):
            door.to(base).request("POST", "/things", json={})


def test_half_of_the_json_is_a_bad_answer(door: Door) -> None:
    door.fault("broken")
    with pytest.raises(BadAnswer):
        door.to().request("GET", "/things").json()


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b'{"a":1}garbage', b'"\xc3('])
def test_what_is_no_json_says_so(door: Door, body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with _raw_server(head + body) as base, pytest.raises(BadAnswer) as caught:
        door.to(base).request("GET", "/things").json()
    assert caught.value.where == "GET /things"


def test_decimals_keep_their_digits(door: Door) -> None:
    got = door.to().request("GET", "/decimals").json()
    assert {name: (type(value).__name__, str(value)) for name, value in got.items()} == {
        "price": ("Decimal", "19.90"), "tiny": ("Decimal", "1E-7"), "whole": ("int", "5"),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------- who may not pass


def test_the_status_decides_the_error(door: Door) -> None:
    transport = door.to()
    for code, error in ((401, LoginRefused), (403, Forbidden), (503, RemoteFault), (408, RemoteFault)):
        with pytest.raises(error):
            transport.request("POST", f"/status/{code}", json={})
    assert transport.request("GET", "/status/404").status == 404
    assert transport.request("GET", "/status/403", expect=(403,)).status == 403


def test_a_system_says_itself_what_its_refusals_mean(door: Door) -> None:
    """But not of what says "not now": that is the transport's to try again."""
    transport = door.to()
    transport.refusal = lambda answer: None if answer.status == 401 else Rejected(f"no: {answer.status}")
    for code, error in ((404, Rejected), (403, Rejected), (401, LoginRefused), (408, RemoteFault), (503, RemoteFault)):
        with pytest.raises(error):
            transport.request("POST", f"/status/{code}", json={})
    assert transport.request("GET", "/status/404", expect=(404,)).status == 404


def test_what_is_asked_for_by_key_is_asked_once_each(door: Door) -> None:
    asked: list[str] = []

    def ask(key: str) -> str:
        asked.append(key)
        return key.upper()

    assert door.to().by_key(ask, ["b", "a", "b"]) == {"b": "B", "a": "A"}
    assert sorted(asked) == ["a", "b"]


def test_a_redirect_is_refused_and_its_secrets_are_not_shown(door: Door) -> None:
    with pytest.raises(Misconfigured) as caught:
        door.to().request("GET", "/moved")
    assert "redirects to /things" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert door.calls == 1


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_private_addresses(address: str) -> None:
    assert private(address)


@pytest.mark.parametrize("address", "93.184.216.34 2001:4860:4860::8888 ::ffff:93.184.216.34 2002:5db8:d822::".split())
def test_public_addresses(address: str) -> None:
    assert not private(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "127.1", "[::ffff:127.0.0.1]"])
def test_an_address_inside_our_network_is_never_called(door: Door, host: str) -> None:
    port = door.base.rsplit(":", 1)[1]
    with pytest.raises(Misconfigured, match="inside our own network"):
        door.to(f"http://{host}:{port}", allow=lambda _: False).request("GET", "/things")
    assert door.calls == 0


def test_a_name_that_resolves_to_ourselves_is_never_called(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    port = int(door.base.rsplit(":", 1)[1])
    answers: list[str] = []

    def lying(host: str, *more: Any, **named: Any) -> Any:
        return real(answers.pop(0) if host == "shop.example" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    # The second looks public when it is judged, and is we when the connection is made.
    for answers in (["127.0.0.1"], ["93.184.216.34", "127.0.0.1"]):
        with pytest.raises(Misconfigured, match="inside our own network"):
            door.to(f"http://shop.example:{port}", allow=lambda _: False).request("GET", "/things")
        assert not answers
    assert door.calls == 0


@pytest.mark.parametrize("base", ["shop.se", "ftp://shop.se", "file:///etc/passwd", "https://", "https://u:hush@shop.se",
                                  "https://:hush@shop.se"])  # fmt: skip
def test_what_is_no_web_address_is_refused_without_showing_a_password(door: Door, base: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        door.to(base)
    assert "hush" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize(
    "text",
    [
        b'{"password": "hush"}',
        b'{"a":1,"client_secret":"hu\\"hush"}',
        b'{"refreshToken":"hush","x":1}',
        b'{"consumer-key":"hush"}',
        b'{"api_key2":"hush"}',
        b'{"token": 12345678, "x": "hash"}'.replace(b"12345678", b"90210"),
        b'{"Authorization":"Basic hush"}',
        b'{"password":"hush and the text ends he',
        b"grant_type=refresh_token&refresh_token=hush&x=1",
        b"client-secret=hush",
        b"https://shop.se/wc/v3/orders?consumer_key=hush&consumer_secret=hush&page=1",
        b"https://shop.se/x?oauth_signature=hush",
        b"/cb?code=1&access_token=hush",
    ],
)
def test_secrets_are_taken_out(text: bytes) -> None:
    cleaned = without_secrets(text)
    assert b"hush" not in cleaned
    assert b"90210" not in cleaned
    assert b"***" in cleaned


def test_ordinary_text_stays() -> None:
    text = b'{"sku":"A-1","name":"Passion & token of love","key":"x","meta":[{"tokens":3}],"order_key":"wc_1"}'
    assert b'"sku":"A-1"' in without_secrets(text)
    assert b"Passion & token of love" in without_secrets(text)


def test_captured_exchanges_never_hold_the_login(door: Door) -> None:
    transport = door.to(auth=Basic("ck_user", "hush-basic"))
    transport.request("POST", "/echo", json={"password": "hush-json", "name": "Kopp"})
    transport.request("POST", "/echo", form={"client_secret": "hush-form", "grant_type": "x"})
    transport.request("GET", "/echo", params={"consumer_secret": "hush-query", "page": 2})
    with pytest.raises(LoginRefused):
        transport.request("GET", "/status/401")
    basic = transport.auth.headers()["authorization"].removeprefix("Basic ") if transport.auth else ""
    for secret in (b"hush-basic", b"hush-json", b"hush-form", b"hush-query", b"hush-answer", basic.encode()):
        assert secret not in door.captured
    assert b"Kopp" in door.captured
    assert b"page=2" in door.captured


def test_a_secret_on_the_edge_of_what_is_kept_is_taken_out_too(door: Door) -> None:
    padding = "x" * (_KEPT - 40)
    door.to().request("POST", "/echo", json={"padding": padding, "password": "hush" * 20})
    assert b"hush" not in door.captured
    assert len(door.seen[0].sent) <= _KEPT + 10


def test_an_exchange_tells_whose_record_it_was_about_and_what_went_wrong(door: Door) -> None:
    door.fault("lost", times=1)
    mark = about.set(("a-1", "a-2"))
    try:
        with pytest.raises(RemoteFault):
            door.to().request("POST", "/things", json={})
    finally:
        about.reset(mark)
    (exchange,) = door.seen
    assert exchange.about == ("a-1", "a-2")
    assert exchange.status == 0
    assert exchange.error
    assert exchange.seconds >= 0


# ------------------------------------------------------------------------------------------------------- overlapping


def test_overlapped_calls_answer_in_order_and_carry_the_context(door: Door) -> None:
    transport = door.to(limits=Limits(concurrent=3))
    seen: list[int] = []
    running, most, lock = 0, 0, threading.Lock()

    def call(n: int) -> Callable[[], int]:
        def run() -> int:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01 * (5 - n))
            assert about.get() == ("k",)
            seen.append(n)
            with lock:
                running -= 1
            return n

        return run

    mark = about.set(("k",))
    try:
        with contextlib.closing(transport):
            assert list(transport.overlap(call(n) for n in range(5))) == [0, 1, 2, 3, 4]
    finally:
        about.reset(mark)
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert most <= 3


def test_the_first_error_ends_overlapping_and_the_rest_is_not_begun(door: Door) -> None:
    begun: list[int] = []

    def call(n: int) -> Callable[[], int]:
        def run() -> int:
            begun.append(n)
            if n == 1:
                raise BadAnswer("broken")
            return n

        return run

    transport = door.to(limits=Limits(concurrent=2))
    with contextlib.closing(transport), pytest.raises(BadAnswer):
        list(transport.overlap(call(n) for n in range(50)))
    assert len(begun) < 10


@contextlib.contextmanager
def _raw_server(answer: bytes) -> Iterator[str]:
    """A server that answers every connection with these bytes and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            with contextlib.suppress(OSError):
                sock, _ = listener.accept()
                with sock:
                    sock.recv(65536)
                    sock.sendall(answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname()):
            pass
        listener.close()
        thread.join(5)
