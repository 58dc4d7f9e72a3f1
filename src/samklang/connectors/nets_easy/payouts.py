"""Nexi's payouts with their payment actions, at the Reporting API v1: each as one paper that proves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Paper
from samklang.connectors.kit.paging import by_number
from samklang.connectors.nets_easy.client import Client

_PAGE = 100  # the documents name no limit, only this as the usual size
_LIST = "/report/v1/payouts"


class Listed(msgspec.Struct, rename="camel"):
    """A page of the list of payouts: each with its id and date, and with sums that are asked for again."""

    number_of_payouts: int
    payouts: list[dict[str, Any]]


class Actions(msgspec.Struct, rename="camel"):
    """A page of a payout's actions. They stay as they came: what they mean is the statement reader's business."""

    number_of_payment_actions: int
    payment_actions: list[dict[str, Any]]


def papers(client: Client, now: float, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
    """What was paid out from the day until `now` (seconds since the epoch), oldest first."""
    asked = {"fromDate": f"{since}", "toDate": f"{datetime.fromtimestamp(now, UTC).date()}"}

    def page(number: int) -> tuple[list[dict[str, Any]], int]:
        found = client.report(_LIST, **asked, pageNumber=number, pageSize=_PAGE).of(Listed)
        return found.payouts, found.number_of_payouts

    rows = [row for some in by_number("payouts", page, _PAGE, client.transport) for row in some.rows]
    for day, id_ in sorted({(row["date"], row["id"]) for row in rows}):
        if not known(f"nets-{id_}.json"):
            yield Paper(f"nets-{id_}.json", _whole(client, id_), date.fromisoformat(day))


def _whole(client: Client, id_: str) -> bytes:
    """The payout with the actions of all its pages."""
    heads: list[dict[str, Any]] = []

    def page(number: int) -> tuple[list[dict[str, Any]], int]:
        answer = client.report(f"{_LIST}/{quote(id_, safe='')}", pageNumber=number, pageSize=_PAGE)
        heads.append(answer.of(dict[str, Any]))
        found = answer.of(Actions)
        return found.payment_actions, found.number_of_payment_actions

    actions = [one for some in by_number("payment actions", page, _PAGE, client.transport) for one in some.rows]
    return msgspec.json.encode({**heads[0], "paymentActions": actions})
