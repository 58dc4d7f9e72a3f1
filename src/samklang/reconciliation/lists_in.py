"""Lists that a person hands in as CSV: exchange rates, and what was open when the books began.

Rates: the European Central Bank's own file (one column per currency, all per euro), or the columns currency, day, rate.
Openings: the columns provider, channel, order, day, amount, currency, booked, and if there is one, id.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Any

import msgspec
from django.db import transaction

from samklang.accounting.expected import Opening as OpeningItem
from samklang.connectors.errors import BadData
from samklang.hub.keeping import uploads
from samklang.hub.models import Company, Tenant
from samklang.reconciliation.companies import wake
from samklang.reconciliation.models import Opening, Rate
from samklang.reconciliation.sets import upsert

_CSV: tuple[uploads.Kind, ...] = ("text",)
_LONGEST, _MOST = 200, Decimal("1e15")  # characters of an item's id; amounts are below it
_DIGITS = 12  # of a rate that is the quotient of two published ones
_encode = msgspec.json.Encoder(decimal_format="string").encode


def take_rates(tenant: Tenant, home: str, data: bytes, *, since: date, source: str = "") -> int:
    """Keep the rates of a file towards the ledger's currency, from a day on; gives how many. BadData for another."""
    rows = _rows(data)
    names = rows[0] if rows else []
    if "Date" in names and home in names:
        found = list(_of_central_bank(rows, home, since))
        source = source or "ECB"
    elif {"currency", "day", "rate"} <= set(names):
        found = [
            (row["currency"].upper(), a_day(row, "day"), a_number(row, "rate"))
            for row in _named(rows)
            if a_day(row, "day") >= since
        ]
    else:
        raise BadData(
            f"The file holds no rates towards {home}",
            do_this="Hand in the ECB's eurofxref-hist.csv, or columns currency, day, rate.",
        )
    kept = {(code, day): Rate(tenant=tenant, home=home, currency=code, day=day, rate=f"{rate:f}", source=source)
            for code, day, rate in found if code != home}  # fmt: skip
    upsert(Rate, list(kept.values()), ("tenant", "home", "currency", "day"), ("rate", "source"))
    return len(kept)


def _of_central_bank(rows: list[list[str]], home: str, since: date) -> Iterator[tuple[str, date, Decimal]]:
    for row in _named(rows):
        day = a_day(row, "Date")
        if day < since or row[home] in ("", "N/A"):
            continue
        ours = a_number(row, home)
        yield "EUR", day, ours
        for code, text in row.items():
            if len(code) == 3 and code.isupper() and code != home and text not in ("", "N/A"):
                yield code, day, round(ours / a_number(row, code), _DIGITS)


def take_openings(company: Company, data: bytes) -> int:
    """Replace the opening list of a company; gives how many items it has. BadData when a row cannot be read."""
    items = []
    columns = ("provider", "channel", "order", "day", "amount", "currency", "booked")
    for number, row in enumerate(named_rows(data, columns), 1):
        items.append(
            opening(
                number, row["provider"], row["channel"], row["order"], day=a_day(row, "day"),
                amount=a_number(row, "amount"), currency=row["currency"], booked=a_number(row, "booked"),
                provider_id=row.get("id", ""),
            )
        )  # fmt: skip
    keep_openings(company, items)
    return len(items)


def opening(number: int, provider: str, channel: str, order_no: str, **more: Any) -> OpeningItem:
    """The item at a place (from 1) of the list. Where the provider's own id is not known, the place tells it apart."""
    id_ = f"opening/{provider}/{channel}/{order_no}/{more['provider_id'] or number}"
    return OpeningItem(id=id_, provider=provider, channel=channel, order_no=order_no, **more)


def keep_openings(company: Company, items: Sequence[OpeningItem]) -> None:
    """Let these be the opening list of a company. BadData, and the old one stays, when it cannot be kept."""
    seen: set[str] = set()
    for number, item in enumerate(items, 1):
        if item.id in seen:
            raise BadData(f"Item {number} is on the list already: {item.order_no}", do_this="Take one of them away.")
        seen.add(item.id)
        if len(item.id) > _LONGEST or len(item.provider) > 40 or len(item.currency) != 3:
            raise BadData(f"Item {number} has a name that is too long, or no currency", do_this="Correct the item.")
        if not max(abs(item.amount), abs(item.booked)) < _MOST:
            raise BadData(f"The amount of item {number} cannot be", do_this="Correct the item.")
    with transaction.atomic():
        Opening.objects.filter(tenant=company.tenant_id, company=company).delete()
        Opening.objects.bulk_create(
            Opening(
                tenant_id=company.tenant_id, company=company, item=item.id, provider=item.provider, day=item.day,
                amount=item.amount, currency=item.currency, body=_encode(item),
            )
            for item in items
        )  # fmt: skip
        wake(company)


def named_rows(data: bytes, columns: Iterable[str]) -> Iterator[Mapping[str, str]]:
    """The rows of a CSV list by the names in its header. BadData without one of these columns."""
    for row in _named(_rows(data)):
        if missing := set(columns) - set(row):
            raise BadData(f"The list has no column {', '.join(sorted(missing))}", do_this="Add it to the file.")
        yield row


def _rows(data: bytes) -> list[list[str]]:
    body = uploads.checked("list.csv", data, _CSV).body
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData("The file is not UTF-8", do_this="Save it as CSV in UTF-8.") from error
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    return [[cell.strip() for cell in row] for row in csv.reader(StringIO(text), delimiter=delimiter) if any(row)]


def _named(rows: Iterable[list[str]]) -> Iterator[Mapping[str, str]]:
    heads: list[str] = []
    for row in rows:
        if not heads:
            heads = row
        elif len(row) < len(heads):
            raise BadData(f"A row has {len(row)} cells, its header {len(heads)}", do_this="Export the file again.")
        else:
            yield dict(zip(heads, row, strict=False))


def a_day(row: Mapping[str, str], name: str) -> date:
    """The day in a cell. BadData for what is none."""
    try:
        return date.fromisoformat(row[name])
    except ValueError:
        raise BadData(f"{row[name]!r} in {name} is no date", do_this="Write dates as 2026-12-31.") from None


def a_number(row: Mapping[str, str], name: str) -> Decimal:
    """The number in a cell, with a point. BadData for what is none."""
    try:
        number = Decimal(row[name])
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise BadData(f"{row[name]!r} in {name} is no number", do_this="Write numbers with a point: 1234.50.")
    return number
