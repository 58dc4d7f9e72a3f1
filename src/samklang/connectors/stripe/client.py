"""Addresses, login, paging and errors of Stripe's API v1, under one version of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, Rejected
from samklang.connectors.kit.login import Key
from samklang.connectors.stripe.map import Balance, Listed, Refusal
from samklang.connectors.transport import Answer, Transport

#: What the readers of statements know; a later version of the API may call things otherwise.
VERSION = "2023-08-16"
_PAGE = 100  # most that Stripe gives at once


class Client:
    """One account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        headers = {"Authorization": f"Bearer {settings['key']}", "Stripe-Version": VERSION}
        if settings.get("account"):
            headers["Stripe-Account"] = str(settings["account"])
        base = str(settings.get("api_address") or "https://api.stripe.com")
        self.transport = Transport(base, limits, around, auth=Key(headers))

    def balance(self) -> Balance:
        """What the account holds; asking for it tries the key."""
        return self._get("/v1/balance").of(Balance)

    def listed(self, path: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """All rows of a list, newest first, as Stripe gives them."""
        after: str | None = None
        while True:
            page = self._get(path, **asked, limit=_PAGE, starting_after=after).of(Listed)
            yield from page.data
            if not page.has_more:
                return
            if not page.data:
                raise BadAnswer(f"{path} has more rows and gives none")
            after = str(page.data[-1]["id"])

    def _get(self, path: str, **asked: Any) -> Answer:
        answer = self.transport.request("GET", path, params=asked, expect=(400, 403, 404))
        if answer.status < 400:
            return answer
        said = answer.of(Refusal).error
        what = f"Stripe: {said.message or said.code or answer.status}"
        if answer.status == 403:
            raise Forbidden(what, where=answer.where, do_this="Give the key the right that Stripe names.")
        raise Rejected(what, where=answer.where)
