"""A login server: consent redirect, one-time codes, access tokens of an hour, refresh tokens that rotate.

A refresh gives a new refresh token and kills the old one at once. `auth` is a person who always agrees.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections import deque
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

_CODE_SECONDS = 600.0
_REFRESH_SECONDS = 45 * 24 * 3600.0
_FORTNOX = "article customer order invoice price payment companyinformation bookkeeping warehouse settings"


class Login:
    """Tokens of one company for one app (`client_id`, `client_secret`)."""

    def __init__(
        self, client_id: str, client_secret: str, rate: int, token_seconds: float, scope: str = _FORTNOX
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.rate = rate  # calls in any 5 seconds for one access token, 0 = no limit
        self.token_seconds = token_seconds
        self._scope = scope
        self._codes: dict[str, tuple[str, float]] = {}  # code → redirect address, when it ends
        self._access: dict[str, float] = {}
        self._refresh: dict[str, float] = {}
        self._calls: dict[str, deque[float]] = {}

    def issue(self) -> dict[str, object]:
        """New tokens, as the token address answers."""
        access, refresh = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._access[access] = time.monotonic() + self.token_seconds
        self._refresh[refresh] = time.monotonic() + _REFRESH_SECONDS
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": int(self.token_seconds),
            "scope": self._scope,
            "token_type": "bearer",
        }

    def expire(self) -> None:
        """All access tokens end now (tests)."""
        self._access.clear()

    def good(self, header: str) -> bool:
        """Whether the Authorization header carries a token that lives."""
        return self._access.get(header.removeprefix("Bearer "), 0.0) > time.monotonic()

    def too_fast(self, header: str) -> bool:
        """Count a call; whether it is more than the sliding window of 5 seconds allows."""
        if not self.rate:
            return False
        now = time.monotonic()
        calls = self._calls.setdefault(header, deque())
        while calls and calls[0] <= now - 5:
            calls.popleft()
        if len(calls) >= self.rate:
            return True
        calls.append(now)
        return False

    # ------------------------------------------------------------------------------------------------ addresses

    async def auth(self, request: Request) -> Response:
        """Redirects back with a code, as if a person had pressed Approve."""
        asked = request.query_params
        if asked.get("client_id") != self.client_id or asked.get("response_type") != "code":
            return _error("invalid_request", "Unknown client or response type", 400)
        code = secrets.token_urlsafe(16)
        target = asked.get("redirect_uri", "")
        self._codes[code] = (target, time.monotonic() + _CODE_SECONDS)
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{target}{'&' if '?' in target else '?'}{back}", 302)

    async def token(self, request: Request) -> Response:
        """A code or a refresh token for new tokens."""
        if not self._app(request.headers):
            return _error("invalid_client", "Invalid client credentials", 401)
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        kind = form.get("grant_type")
        if kind == "authorization_code":
            target, ends = self._codes.pop(form.get("code", ""), ("", 0.0))
            if ends < time.monotonic() or target != form.get("redirect_uri", ""):
                return _error("invalid_grant", "Authorization code doesn't exist or is invalid for the client", 400)
        elif kind == "refresh_token":
            if self._refresh.pop(form.get("refresh_token", ""), 0.0) < time.monotonic():
                return _error("invalid_grant", "Invalid refresh token", 400)
        else:
            return _error("unsupported_grant_type", "Unknown grant type", 400)
        return JSONResponse(self.issue())

    async def revoke(self, request: Request) -> Response:
        """A refresh token dies."""
        if not self._app(request.headers):
            return _error("invalid_client", "Invalid client credentials", 401)
        form = parse_qs((await request.body()).decode())
        self._refresh.pop(form.get("token", [""])[0], None)
        return JSONResponse({"revoked": True})

    def _app(self, headers: Mapping[str, str]) -> bool:
        try:
            said = base64.b64decode(headers.get("authorization", "").removeprefix("Basic ")).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return said == f"{self.client_id}:{self.client_secret}"


def _error(error: str, description: str, status: int) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
