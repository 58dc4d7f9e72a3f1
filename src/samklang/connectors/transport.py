"""The only door to the network. Limits, retries, size bounds, address checks and capture happen here, once.

A connector says what it wants (`request`), never how to survive: a GET, or a call marked `idempotent`, is tried again
a few times after a fault; anything else only when it surely did not reach the system (no connection, 429).
"""

from __future__ import annotations

import contextlib
import contextvars
import ipaddress
import math
import random
import re
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache, partial
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError as ConnectTimeout
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError, SSLError

from samklang.connectors.contract import Exchange, Limits, Surroundings
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    LoginRefused,
    Misconfigured,
    RateLimited,
    RemoteFault,
    SamklangError,
    Superseded,
    Unreachable,
)
from samklang.connectors.limiter import Limiter

T = TypeVar("T")
K = TypeVar("K")

#: Keys of the records that the running call is about; written into the exchange.
about: ContextVar[tuple[str, ...]] = ContextVar("about", default=())

#: Whether the running work may still send: false when another worker has taken it over while this one waited.
may_send: ContextVar[Callable[[], bool]] = ContextVar("may_send", default=lambda: True)

#: Seconds that a call may take for which a person waits, and which is then not tried again; 0 = as long as it takes.
patience: ContextVar[float] = ContextVar("patience", default=0.0)

_TRIES = 3
_LONGEST_WAIT = 30.0  # a longer Retry-After goes back to the hub, which waits without holding a thread
_KEPT, _KEPT_OF_MANY = 8192, 1024  # bytes of a body that the exchange keeps; less when it is about many records
_NAME = r"[\w-]{0,40}(?:password|secret|token|api[_-]?key|consumer[_-]?key|oauth_signature|authorization)[\w-]{0,40}"
_HINTS = tuple(b"password secret token apikey api_key api-key consumer oauth_signature authorization".split())
_SECRET = re.compile(  # a value may end where the text was cut; JSON may stand inside a JSON string
    rf"""("{_NAME}"\s*:\s*)(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\d+)"""
    rf"""|(\\"{_NAME}\\"\s*:\s*\\")[^"\\]*"""
    rf"""|((?:^|[?&"\s]){_NAME}=)[^&\s"]*""".encode(),
    re.IGNORECASE,
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_any = msgspec.json.Decoder(float_hook=Decimal)


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


#: Decimals go out as numbers, as vendors' documents type them.
_encode = msgspec.json.Encoder(decimal_format="number").encode


def without_secrets(text: bytes) -> bytes:
    """The text with values of secret-looking JSON fields and form fields replaced."""
    small = text.lower()
    if not any(hint in small for hint in _HINTS):  # 30 times faster than the expression
        return text
    return _SECRET.sub(lambda m: m[1] + b'"***"' if m[1] else (m[2] or m[3]) + b"***", text)


class Upload(NamedTuple):
    """A file in a request: its name, its bytes and what they are (`application/pdf`)."""

    name: str
    data: bytes
    type: str


class Auth(Protocol):
    """Puts the login into a request, and mends it once after a 401 if it can."""

    def headers(self) -> Mapping[str, str]:
        """Headers of a logged-in request."""

    def renew(self, used: Mapping[str, str]) -> bool:
        """After a 401 on `used`: get a new login if possible; whether it is worth trying again."""


@runtime_checkable
class Signer(Auth, Protocol):
    """A login that is another for each request."""

    def sign(self, method: str, url: str) -> Mapping[str, str]:
        """Headers of this one request, asked for again when it is repeated."""


class Basic:
    """HTTP basic login."""

    def __init__(self, user: str, password: str) -> None:
        self._headers = urllib3.make_headers(basic_auth=f"{user}:{password}")

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self, used: Mapping[str, str]) -> bool:
        return False


class Answer:
    """Status, headers (lower-case names) and body of a good or bad answer."""

    __slots__ = ("body", "headers", "status", "where")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, where: str) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.where = where

    def json(self) -> Any:
        """The body as JSON, numbers with decimals as Decimal; BadAnswer when it is none."""
        try:
            return _any.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(f"The answer is no JSON: {error}", where=self.where) from error

    def of(self, type_: type[T]) -> T:
        """The body as this type; BadAnswer names the field that does not fit."""
        found: T = self.parsed(_decoder(type_))  # type: ignore[arg-type]  # a type can be hashed
        return found

    def parsed(self, decoder: msgspec.json.Decoder[T]) -> T:
        """The body in the type of a decoder that has rules of its own; else use `of`."""
        try:
            return decoder.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadAnswer(f"The answer does not fit: {error}", where=self.where) from error


def private(address: str) -> bool:
    """Whether an IP address belongs to our own machine or network rather than to the internet."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):  # an IPv4 address may hide in it
        ip = ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip)
    return not ip.is_global or ip.is_multicast


def inside(host: str, port: int, allowed: Callable[[str], bool]) -> bool:
    """Whether a name leads into our own network. Misconfigured where it does and is not allowed to; socket.gaierror
    where it leads nowhere. Only what is really reached decides in the end (`Transport`): a name may change."""
    found = {str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    ours = [address for address in found if private(address)]
    if not all(allowed(address) for address in ours):
        raise Misconfigured(
            f"{host} is an address inside our own network",
            do_this="Use a public address, or have the operator allow this network (SAMKLANG_ALLOW_PRIVATE).",
        )
    return bool(ours)


def connected(host: str, port: int, allowed: Callable[[str], bool], timeout: float = 10.0) -> socket.socket:
    """A TCP connection for what is not HTTP, to an address that may be called. Unreachable when there is none."""
    try:
        inside(host, port, allowed)
        return _checked(socket.create_connection((host, port), timeout), allowed, host)
    except OSError as error:
        raise Unreachable(f"No connection could be made ({error})", where=f"{host}:{port}") from error


class Transport:
    """Calls to one system at `base`. Safe to use from several threads.

    Raises, for answers that are not the caller's to judge: LoginRefused (401), Forbidden (403), RateLimited (429 after
    waiting), RemoteFault (5xx), Unreachable, BadAnswer (broken off, too large), Misconfigured (redirects, refused
    addresses). Statuses named in `expect` and all other 4xx are returned, unless `refusal` has an error for them: what
    the system's own words mean. It may judge 401 and 403 too; it gives None for what it does not know better.
    """

    def __init__(
        self, base: str, limits: Limits, around: Surroundings, *, auth: Auth | None = None, timeout: float = 30.0,
        refusal: Callable[[Answer], SamklangError | None] | None = None,
    ) -> None:  # fmt: skip
        parts = urlsplit(base)
        if parts.username is not None or parts.password is not None:
            raise Misconfigured("A web address must not hold a password", do_this="Give an address as https://shop.se")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Misconfigured(f"{base!r} is not a web address", do_this="Give an address such as https://shop.se")
        self.base = base.rstrip("/")
        self.auth, self.refusal = auth, refusal
        self.limiter = Limiter(limits.calls, limits.per_seconds, limits.concurrent, pace=around.pace)
        self._around = around
        self._most = limits.max_answer_mb * 1024 * 1024
        self._width = limits.concurrent
        self._window = max(1.0, limits.per_seconds) if limits.calls else 1.0
        self._pool = _pool(parts.scheme, parts.hostname, parts.port, around.allow_private, limits.concurrent)
        self._timeout = urllib3.Timeout(connect=10.0, read=timeout)
        self._workers: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json: object = None,
        xml: bytes | None = None,
        form: Mapping[str, str] | None = None,
        file: Upload | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        expect: tuple[int, ...] = (),
        auth: bool = True,
    ) -> Answer:
        """One call. `path` starts with / and is added to `base`. `json` may be bytes that are JSON already, else its
        decimals go out as numbers. `file` goes out as the form field of that name."""
        url = self.base + path
        if params:
            url += ("&" if "?" in url else "?") + urlencode({k: v for k, v in params.items() if v is not None})
        body: bytes | None = None
        shown: bytes | None = None  # what the exchange keeps of it, where that is something else
        send: dict[str, str] = {"Accept": "application/json", "User-Agent": "Samklang/0.1"}
        if json is not None:
            body = json if isinstance(json, bytes) else _encode(json)
            send["Content-Type"] = "application/json"
        elif xml is not None:
            body = xml
            send["Content-Type"] = send["Accept"] = "application/xml"
        elif form is not None:
            body = urlencode(form).encode()
            send["Content-Type"] = "application/x-www-form-urlencoded"
        elif file is not None:
            body, send["Content-Type"] = urllib3.encode_multipart_formdata({"file": file})
            shown = f"({file.name}, {len(file.data)} bytes)".encode()
        send.update(headers or {})
        again = method in ("GET", "HEAD") if idempotent is None else idempotent
        renewed = False
        attempt = _TRIES - 1 if patience.get() else 0
        while True:
            attempt += 1
            login = self._login(method, url) if auth else {}
            try:
                answer = self._once(method, url, body, body or b"" if shown is None else shown, {**send, **login})
                if answer.status in expect or answer.status < 300:
                    return answer
                self._judge(answer, method)
                return answer
            except LoginRefused:
                if renewed or not login or self.auth is None or not self.auth.renew(login):
                    raise
                renewed = True
                attempt -= 1
            except RateLimited as error:
                if attempt == _TRIES or error.retry_after > _LONGEST_WAIT:
                    raise
                self.limiter.pause(error.retry_after)
            except (RemoteFault, BadAnswer):
                if attempt == _TRIES or not again:
                    raise
                self._rest(attempt)
            except Unreachable:
                if attempt == _TRIES:
                    raise
                self._rest(attempt)

    def overlap(self, calls: Iterable[Callable[[], T]], width: int | None = None) -> Iterator[T]:
        """Run the calls in threads, at most `width` ahead (default: the limits' `concurrent`), results in order.

        The first error is raised in its turn; calls not yet begun are dropped then. Within a call that already runs
        in such a thread they run one after the other: a full pool that waits for itself would never end.
        """
        if threading.current_thread().name.startswith("overlap"):
            for call in calls:
                yield call()
            return
        width = min(width or self._width, self._width)
        with self._lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._width, thread_name_prefix="overlap")
        running: deque[Future[T]] = deque()
        try:
            for call in calls:
                running.append(self._workers.submit(contextvars.copy_context().run, call))
                if len(running) >= width:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()

    def by_key(self, call: Callable[[K], T], keys: Iterable[K]) -> dict[K, T]:
        """What `call` gives for each key, several calls at once."""
        keys = list(dict.fromkeys(keys))
        return dict(zip(keys, self.overlap(partial(call, key) for key in keys), strict=True))

    def close(self) -> None:
        """Close sockets and threads."""
        self._pool.close()
        if self._workers:
            self._workers.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------------------------------------------ inside

    def _rest(self, attempt: int) -> None:
        """Wait before the next try, longer each time."""
        self._around.sleep(random.uniform(0.5, 1.0) * 0.25 * 2**attempt)  # noqa: S311  # jitter, not cryptography

    def _login(self, method: str, url: str) -> dict[str, str]:
        if self.auth is None:
            return {}
        return dict(self.auth.sign(method, url) if isinstance(self.auth, Signer) else self.auth.headers())

    def _once(self, method: str, url: str, body: bytes | None, shown: bytes, headers: Mapping[str, str]) -> Answer:
        with self.limiter.turn() as waited:
            if not may_send.get()():
                raise Superseded(where=f"{method} {urlsplit(url).path}")
            at, began = datetime.now(UTC), time.perf_counter()
            status, got, failure = 0, b"", ""
            where = f"{method} {urlsplit(url).path}"
            most = patience.get()
            timeout = urllib3.Timeout(connect=most, read=most) if most else self._timeout
            try:
                response = self._pool.urlopen(
                    method,
                    url[len(self.base) - len(urlsplit(self.base).path) :],
                    body=body,
                    headers=dict(headers),
                    retries=False,
                    redirect=False,
                    timeout=timeout,
                    preload_content=False,
                )
                status = response.status
                got = response.read(self._most + 1)
                if len(got) > self._most:
                    response.close()
                    raise BadAnswer(f"The answer is larger than {self._most // 2**20} MB", where=where)
                response.release_conn()
                return Answer(status, {k.lower(): v for k, v in response.headers.items()}, got, where)
            except (NewConnectionError, ConnectTimeout) as error:
                failure = f"{error.__class__.__name__}: {error}"
                raise Unreachable(_plain(error), where=where) from error
            except ReadTimeoutError as error:
                failure = f"no answer in {timeout.read_timeout} s"
                raise RemoteFault(f"No answer in {timeout.read_timeout:.0f} s", where=where) from error
            except HTTPError as error:
                failure = f"{error.__class__.__name__}: {error}"
                raise RemoteFault("The connection broke off before the whole answer had come", where=where) from error
            except SamklangError as error:
                failure = str(error)
                raise
            finally:
                kept = _KEPT_OF_MANY if len(about.get()) > 1 else _KEPT
                self._around.capture(
                    Exchange(
                        method=method,
                        url=without_secrets(url.encode()).decode(),
                        status=status,
                        at=at,
                        seconds=time.perf_counter() - began,
                        waited=waited,
                        sent=without_secrets(shown[:kept]),
                        got=without_secrets(got[:kept]),
                        error=failure,
                        about=about.get(),
                    )
                )

    def _judge(self, answer: Answer, method: str) -> None:
        status, where = answer.status, answer.where
        said = without_secrets(answer.body[:300]).decode("utf-8", "replace")
        ours = 400 <= status < 500 and status not in (408, 425, 429)  # of what was sent, not of when
        if ours and self.refusal is not None and (error := self.refusal(answer)) is not None:
            raise error
        if status == 401:
            raise LoginRefused(f"The system refused our login: {said}", where=where)
        if status == 403:
            raise Forbidden(f"The system refused: {said}", where=where)
        if status == 429:
            raise RateLimited(retry_after=_retry_after(answer.headers.get("retry-after"), self._window), where=where)
        if status in (408, 425) or status >= 500:
            raise RemoteFault(f"The system answered {status}", where=where, remote=said)
        if 300 <= status < 400:
            target = without_secrets(answer.headers.get("location", "nowhere").encode()).decode()
            raise Misconfigured(f"The address redirects to {target}", where=where, do_this="Use the final address.")


def _retry_after(value: str | None, window: float) -> float:
    """Seconds to wait; a system that does not say is given the whole window of its limit."""
    if not value:
        return window
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else window
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return window


def _plain(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    return f"No connection could be made ({cause or error})"


def _pool(
    scheme: str, host: str, port: int | None, allowed: Callable[[str], bool], size: int
) -> urllib3.HTTPConnectionPool:
    """A pool whose connections refuse to be made to private addresses, whatever a name resolves to."""

    def check(connection: HTTPConnection) -> None:
        try:
            inside(connection.host, connection.port or 0, allowed)
        except socket.gaierror as error:
            raise NameResolutionError(connection.host, connection, error) from error

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            check(self)
            sock = super()._new_conn()
            return _checked(sock, allowed, self.host)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            check(self)
            sock = super()._new_conn()
            return _checked(sock, allowed, self.host)

        def connect(self) -> None:
            try:
                super().connect()
            except (ssl.SSLError, SSLError) as error:  # before anything was sent
                raise NewConnectionError(self, f"no secure connection (TLS): {error}") from error

    pool: urllib3.HTTPConnectionPool
    if scheme == "https":
        pool = urllib3.HTTPSConnectionPool(host, port, maxsize=size, block=False)
        pool.ConnectionCls = Secure
    else:
        pool = urllib3.HTTPConnectionPool(host, port, maxsize=size, block=False)
        pool.ConnectionCls = Plain
    return pool


def _checked(sock: socket.socket, allowed: Callable[[str], bool], host: str) -> socket.socket:
    """The name was resolved again when connecting: judge the address that was really reached."""
    peer = str(sock.getpeername()[0])
    if private(peer) and not allowed(peer):
        sock.close()
        raise Misconfigured(f"{host} is an address inside our own network")
    return sock
