"""Logins by a key that stays and by a session that ends. OAuth 2 has a module of its own, HTTP basic the transport."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping


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
