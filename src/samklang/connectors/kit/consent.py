"""Connectors to systems where a person consents on a login page (OAuth 2): two servers, one login."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import SamklangError
from samklang.connectors.kit.system import System
from samklang.connectors.oauth import OAuth2
from samklang.connectors.transport import Answer, Transport


class Consented:
    """Base of such a system's client: its API (`transport`) behind the tokens that the login server gives.

    `api` and `login` are the vendor's addresses, which the settings `api_address` and `login_address` replace; `tokens`
    and `page` are the login server's paths, `asked` what its page is to be told besides who we are.
    """

    def __init__(
        self, settings: Mapping[str, Any], limits: Limits, around: Surroundings, *, api: str, login: str, tokens: str,
        page: str, refusal: Callable[[Answer], SamklangError | None] | None = None, **asked: str,
    ) -> None:  # fmt: skip
        self._login = Transport(str(settings.get("login_address") or login), Limits(), around)
        client_id, secret = str(settings["client_id"]), str(settings["client_secret"])
        self._page, self._asked = page, {"client_id": client_id, "response_type": "code", **asked}
        self.oauth = OAuth2(self._login, tokens, client_id, secret, around.tokens)
        self.transport = Transport(
            str(settings.get("api_address") or api), limits, around, auth=self.oauth, refusal=refusal
        )

    def login_page(self, redirect_uri: str, state: str) -> str:
        """Where an administrator of the company approves us; comes back with a code for `oauth.exchange`."""
        asked = {**self._asked, "redirect_uri": redirect_uri, "state": state}
        return f"{self._login.base}{self._page}?{urlencode(asked)}"

    def close(self) -> None:
        """Give back sockets."""
        self.transport.close()
        self._login.close()


class ConsentedSystem(System):
    """Base of the connector; `client` is set by the subclass."""

    client: Consented

    def login_page(self, redirect_uri: str, state: str) -> str:
        return self.client.login_page(redirect_uri, state)

    def log_in(self, code: str, redirect_uri: str) -> None:
        self.client.oauth.exchange(code, redirect_uri)

    def close(self) -> None:
        self.client.close()
