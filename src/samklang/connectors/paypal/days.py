"""The account's days, each as one paper: its transactions, and the balances that it begins and ends with.

Transactions are listed by when they began. A payment that waited (an eCheck) moves the balance on the day that it
clears, which only its time of change tells; that time also changes for other reasons. So the balances decide: only a
day that its own transactions do not explain is looked at again with those that waited. What even then does not add up
is given as it came; the reader refuses it, and a person sees by how much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from samklang.connectors.contract import Paper
from samklang.connectors.paypal.client import Client, Found, moment
from samklang.connectors.paypal.map import Balances, Info

_LATE = timedelta(hours=4)  # "a maximum of three hours for executed transactions to appear"
_WAITED = timedelta(days=30)  # the longest search there is, less a day
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_MONEY = ("S", "V")  # done; done and then reversed by another transaction


def papers(client: Client, now: float, zone: ZoneInfo, since: date, known: Callable[[str], bool]) -> Iterator[Paper]:
    """The days from `since` that have ended by `now` (seconds since the epoch), in the account's zone."""
    end = (datetime.fromtimestamp(now, zone) - _LATE).date()
    before = None
    for day in (since + _DAY * n for n in range((end - since).days)):
        name = f"paypal-{day}.json"
        if known(name):
            before = None
            continue
        first, last = _starts(day, zone), _starts(day + _DAY, zone) - _SECOND
        opening = before or client.balances(first - _SECOND)
        closing = before = client.balances(last)
        found = _of_day(client, first, last, _gained(opening[1], closing[1]))
        whole = {
            "day": day, "opening": opening[0], "closing": closing[0],
            "transactions": {"account_number": found.account, "transaction_details": found.rows},
        }  # fmt: skip
        nothing = not found.rows and not _gained(opening[1], closing[1])
        yield Paper(name, b"" if nothing else msgspec.json.encode(whole), day)


def _starts(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _gained(opening: Balances, closing: Balances) -> dict[str, Decimal]:
    """What each balance that changed has gained."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for balances, sign in ((opening, -1), (closing, 1)):
        for one in balances.balances or []:
            sums[one.currency] += sign * one.free
    return {currency: amount for currency, amount in sums.items() if amount}


def _moved(infos: Iterable[Info]) -> dict[str, Decimal]:
    """What transactions that are money moved of each balance, where that is not 0."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for info in infos:
        if info.transaction_status in _MONEY:
            fee = info.fee_amount.value if info.fee_amount else 0
            sums[info.transaction_amount.currency_code] += info.transaction_amount.value + fee
    return {currency: amount for currency, amount in sums.items() if amount}


def _of_day(client: Client, first: datetime, last: datetime, gained: dict[str, Decimal]) -> Found:
    """The transactions that explain what the balances gained; those that began on the day, if none do."""
    found = client.transactions(first, last)
    if _moved(detail.transaction_info for detail in found.details) == gained:
        return found
    before = client.transactions(first - _WAITED, first - _SECOND)
    cleared = _only(before, lambda info: info.transaction_status == "S" and first <= _changed(info) <= last)
    at_once = _only(found, lambda info: info.transaction_status != "S" or _changed(info) <= last)
    other = at_once.with_(cleared)
    return other if _moved(detail.transaction_info for detail in other.details) == gained else found


def _only(found: Found, meant: Callable[[Info], bool]) -> Found:
    pairs = [pair for pair in zip(found.rows, found.details, strict=True) if meant(pair[1].transaction_info)]
    return Found(found.account, [row for row, _ in pairs], [detail for _, detail in pairs])


def _changed(info: Info) -> datetime:
    return moment(info.transaction_updated_date or "", info.transaction_id)
