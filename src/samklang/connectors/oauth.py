"""OAuth 2 with rotating refresh tokens: every refresh gives a new one and kills the old.

The danger is a crash between the answer and our commit: the old token is dead, the new one lost. So the answer is
made durable by the token store as the first thing that happens to it (`TokenStore.save`), only one process refreshes
at a time, and a refresh starts well before the access token ends, so that a lost answer still leaves time to notice.
If the tokens are gone all the same, the connection pauses and asks for a new login; nothing else is lost.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import urllib3

from samklang.connectors.contract import Tokens, TokenStore
from samklang.connectors.errors import BadAnswer, LoginRefused
from samklang.connectors.transport import Transport

_EARLY = 0.25  # refresh when this share of the lifetime is left
_LIFETIME = 3600.0


class _TokenAnswer(msgspec.Struct):
    access_token: str
    refresh_token: str = ""
    expires_in: float = _LIFETIME


class OAuth2:
    """Bearer login from the token store, renewed at `path` of `transport` (the authorisation server)."""

    def __init__(self, transport: Transport, path: str, client_id: str, client_secret: str, store: TokenStore) -> None:
        self._transport = transport
        self._path = path
        self._basic = urllib3.make_headers(basic_auth=f"{client_id}:{client_secret}")
        self._store = store
        self._now = transport._around.now
        self._tokens: Tokens | None = None
        self._lifetime = _LIFETIME  # of an access token; the server tells with the first refresh

    def exchange(self, code: str, redirect_uri: str) -> Tokens:
        """First login: the code that the consent page gave, for tokens, stored."""
        with self._store.exclusive():
            return self._ask({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})

    def headers(self) -> Mapping[str, str]:
        tokens = self._tokens or self._store.load()
        if tokens is None:
            raise LoginRefused("The connection has never been logged in")
        if tokens.expires_at - self._now() < self._lifetime * _EARLY:
            tokens = self._refresh(tokens.access)
        self._tokens = tokens
        return {"Authorization": f"Bearer {tokens.access}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        self._tokens = self._refresh(used["Authorization"].removeprefix("Bearer "))
        return True

    def _refresh(self, old_access: str) -> Tokens:
        with self._store.exclusive():
            current = self._store.load()
            if current is None:
                raise LoginRefused("The connection has never been logged in")
            if current.access != old_access and current.expires_at > self._now():
                return current  # somebody else was faster
            return self._ask({"grant_type": "refresh_token", "refresh_token": current.refresh}, current.refresh)

    def _ask(self, form: Mapping[str, str], refresh: str = "") -> Tokens:
        answer = self._transport.request(
            "POST", self._path, form=form, headers=self._basic, auth=False, expect=(400, 401), idempotent=False
        )
        if answer.status in (400, 401):
            raise LoginRefused("The system no longer accepts our login (the refresh token is used or expired)")
        if answer.status != 200:
            raise BadAnswer(f"The login server answered {answer.status}", where=answer.where)
        got = answer.of(_TokenAnswer)
        tokens = Tokens(
            access=got.access_token,
            refresh=got.refresh_token or refresh,
            expires_at=self._now() + got.expires_in,
        )
        self._store.save(tokens)
        self._lifetime = got.expires_in
        return tokens
