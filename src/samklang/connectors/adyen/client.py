"""Address and login of Adyen's reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer
from samklang.connectors.transport import Basic, Transport


class Client:
    """The reports of one merchant account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        own = f"https://ca-{'test' if settings.get('test') else 'live'}.adyen.com"
        login = Basic(str(settings["user"]), str(settings["password"]))
        self.transport = Transport(str(settings.get("api_address") or own), limits, around, auth=login)
        self.account = str(settings["merchant_account"]).strip()

    def report(self, name: str) -> bytes | None:
        """The report of this name, None while there is none."""
        path = f"/reports/download/MerchantAccount/{quote(self.account, safe='')}/{name}"
        answer = self.transport.request("GET", path, headers={"Accept": "text/csv"}, expect=(404,))
        if answer.status == 404:
            return None
        if answer.body.lstrip()[:1] == b"<":
            raise BadAnswer(
                "Adyen answered with a page instead of a report", where=answer.where,
                do_this="See that the user is a report user of this company, and that the merchant account is right.",
            )  # fmt: skip
        return answer.body
