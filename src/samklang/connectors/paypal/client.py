"""Addresses, login, paging and errors of PayPal's Transaction Search API v1."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from samklang.connectors.contract import Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, Rejected
from samklang.connectors.kit.login import client_credentials
from samklang.connectors.kit.paging import by_number
from samklang.connectors.paypal.map import Balances, Detail, Refusal, Search
from samklang.connectors.transport import Answer, Transport

_PAGE = 500  # most that PayPal gives at once


class Found(msgspec.Struct):
    """All transactions of a period: as PayPal gives them, and what is understood of each."""

    account: str
    rows: list[dict[str, Any]]
    details: list[Detail]

    def with_(self, other: Found) -> Found:
        """Those of both."""
        return Found(self.account or other.account, self.rows + other.rows, self.details + other.details)


class Client:
    """One account."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        own = f"https://api-m.{'sandbox.' if settings.get('test') else ''}paypal.com"
        self.transport = Transport(str(settings.get("api_address") or own), limits, around)
        client = str(settings["client_id"]), str(settings["client_secret"])
        self.transport.auth = client_credentials(self.transport, "/v1/oauth2/token", client, "PayPal", basic=True)

    def balances(self, at: datetime | None = None) -> tuple[dict[str, Any], Balances]:
        """What the account holds now, or held at an instant, whole and as far as it is understood. BadAnswer when
        PayPal does not know that instant yet."""
        answer = self._get("balances", as_of_time=_instant(at) if at else None)
        known = answer.of(Balances)
        if at and known.as_of_time:
            _served(known.as_of_time, at, answer)
        return answer.of(dict[str, Any]), known

    def transactions(self, first: datetime, last: datetime) -> Found:
        """What was begun between two instants, both inside and at most 31 days apart."""
        found = Found("", [], [])
        totals: list[int] = []  # on later pages it may count the rest only

        def page(number: int) -> tuple[list[tuple[dict[str, Any], Detail]], int]:
            asked = {"start_date": _instant(first), "end_date": _instant(last), "page_size": _PAGE, "page": number + 1}
            answer = self._get("transactions", **asked)
            read = answer.of(Search)
            if read.end_date:
                _served(read.end_date, last, answer)
            totals.append(read.total_items)
            found.account = read.account_number or found.account
            rows = answer.of(dict[str, Any]).get("transaction_details") or []
            return list(zip(rows, read.transaction_details or [], strict=True)), totals[0]

        try:
            for some in by_number("transactions", page, _PAGE, self.transport):
                found.rows += [row for row, _ in some.rows]
                found.details += [detail for _, detail in some.rows]
        except Rejected as error:
            if error.remote != "RESULTSET_TOO_LARGE" or last <= first:
                raise
            middle = (first + (last - first) / 2).replace(microsecond=0)
            return self.transactions(first, middle).with_(self.transactions(middle + timedelta(seconds=1), last))
        return found

    def _get(self, what: str, **asked: object) -> Answer:
        answer = self.transport.request("GET", f"/v1/reporting/{what}", params=asked, expect=(400, 403, 404, 422))
        if answer.status < 400:
            return answer
        said = answer.of(Refusal)
        issues = "; ".join(one.issue or one.description for one in said.details or [])
        told = f"PayPal: {said.message or said.name or answer.status}{f' ({issues})' if issues else ''}"
        if answer.status == 403:
            raise Forbidden(
                told, where=answer.where,
                do_this="Switch on Transaction search for the app in PayPal's dashboard; it takes some hours.",
            )  # fmt: skip
        raise Rejected(told, where=answer.where, remote=said.name)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def moment(text: str, where: str = "") -> datetime:
    """An instant as PayPal writes it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        raise BadAnswer(f"{text!r} is no time", where=where) from None


def _served(text: str, wanted: datetime, answer: Answer) -> None:
    """PayPal answers with the last instant that it can tell of, where that is earlier than what was asked for."""
    if moment(text, answer.where) < wanted.replace(microsecond=0):
        raise BadAnswer(
            f"PayPal knows its transactions until {text} only", where=answer.where,
            do_this="Nothing: the day is asked for again.",
        )  # fmt: skip
