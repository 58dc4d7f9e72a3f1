"""Logins by a key that stays, a session that ends, client credentials, and a signature under each request (OAuth 1.0a).

OAuth 2 with a person's consent has a module of its own, HTTP basic the transport.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec
import urllib3

from samklang.connectors.errors import LoginRefused, Misconfigured
from samklang.connectors.transport import Transport


class Key:
    """A login by headers that do not change. A refused key stays refused: a person must enter a new one."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self, used: Mapping[str, str]) -> bool:
        return False


class Session:
    """One token for all threads: when it is refused, the first to find out logs in again and the others take its token.

    `log_in` gives the token, which is sent as `Authorization: <scheme> <token>` beside the headers in `fixed`.
    """

    def __init__(
        self, log_in: Callable[[], str], scheme: str = "Bearer", fixed: Mapping[str, str] | None = None
    ) -> None:
        self._log_in = log_in
        self._scheme = scheme
        self._fixed = fixed or {}
        self._lock = threading.Lock()
        self._token = ""

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            self._token = self._token or self._log_in()
            return {**self._fixed, "Authorization": f"{self._scheme} {self._token}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            if used.get("Authorization") == f"{self._scheme} {self._token}":
                self._token = self._log_in()
            return True


class _Token(msgspec.Struct):
    access_token: str


def client_credentials(
    server: Transport, path: str, client: tuple[str, str], title: str, *, basic: bool = False, **more: str
) -> Session:
    """OAuth 2 by client id and secret alone, at `path` of the login `server`; `more` are further fields, such as scope.

    Id and secret are sent as fields of the form, or with `basic` as HTTP's basic login. The server is
    `title` in messages: LoginRefused where it does not take the client, Misconfigured where it is not.
    """

    def log_in() -> str:
        own = {} if basic else {"client_id": client[0], "client_secret": client[1]}
        headers = urllib3.make_headers(basic_auth=":".join(client)) if basic else {}
        form = {"grant_type": "client_credentials", **own, **more}
        answer = server.request(
            "POST", path, form=form, headers=headers, auth=False, idempotent=True, expect=(400, 401, 403, 404)
        )
        if answer.status == 404:
            raise Misconfigured(f"There is no {title} at this address", where=answer.where)
        if answer.status != 200:
            raise LoginRefused(
                f"The {title} refused the client ID or its secret",
                where=answer.where, do_this="Enter both as the system itself gives them, then resume the connection.",
            )  # fmt: skip
        return answer.of(_Token).access_token

    return Session(log_in)


class OAuth1:
    """Every request is signed with two secrets (RFC 5849, HMAC-SHA256), which themselves never travel. A repeated
    request is signed anew, because a system takes each nonce once."""

    def __init__(
        self, consumer_key: str, consumer_secret: str, token: str, token_secret: str, now: Callable[[], float]
    ) -> None:
        self._consumer_key, self._token, self._now = consumer_key, token, now
        self._key = "&".join(map(_quoted, (consumer_secret, token_secret))).encode()

    def headers(self) -> Mapping[str, str]:
        return {}  # each request has its own: `sign`

    def sign(self, method: str, url: str) -> Mapping[str, str]:
        """The Authorization header of this request."""
        given = {
            "oauth_consumer_key": self._consumer_key,
            "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_timestamp": str(int(self._now())),
            "oauth_token": self._token,
            "oauth_version": "1.0",
        }
        digest = hmac.new(self._key, base_string(method, url, given.items()).encode(), hashlib.sha256).digest()
        given["oauth_signature"] = base64.b64encode(digest).decode()
        listed = ", ".join(f'{name}="{_quoted(value)}"' for name, value in given.items())
        return {"Authorization": f"OAuth {listed}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        return False


def base_string(method: str, url: str, given: Iterable[tuple[str, str]]) -> str:
    """What is signed (RFC 5849, 3.4.1): method, address without its query, and all parameters in order. `given` are
    those of the header, and of a form that is sent."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.hostname or ""
    address = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port not in (None, usual) else ''}{parts.path or '/'}"
    pairs = sorted((_quoted(n), _quoted(v)) for n, v in (*parse_qsl(parts.query, keep_blank_values=True), *given))
    listed = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _quoted(address), _quoted(listed)))


def _quoted(text: str) -> str:
    return quote(text, safe="~-._")
