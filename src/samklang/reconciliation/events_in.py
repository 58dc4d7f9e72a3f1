"""What no system tells the books, handed in as a CSV list: tills' Z-reports, and gift cards that have expired.

Tills: the columns channel, register, number, day; `taken NAME` for each means of payment (cash, terminal, gift_card, a
provider), `net RATE` and `vat RATE` for each rate; and if they are there `gift cards` (sold) and `counted` (cash).
Gift cards: the columns number, day, rest.

A row that comes again under its name is written over: what was posted of it is then corrected like anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
from django.db import transaction

from samklang.accounting.decisions import ExpiredCard
from samklang.accounting.pos import Taking, ZReport
from samklang.connectors.errors import BadData
from samklang.hub.models import Company
from samklang.hub.setup.companies import part_of
from samklang.reconciliation.companies import wake
from samklang.reconciliation.lists_in import a_day, a_number, named_rows
from samklang.reconciliation.models import Happened
from samklang.reconciliation.sets import upsert
from samklang.records import TaxTotal
from samklang.records.money import ZERO

_TAKEN, _NET = re.compile(r"taken (\w+)"), re.compile(r"net (\d+(?:\.\d+)?)")
_encode = msgspec.json.Encoder(decimal_format="string").encode
_LONGEST = 200


def take_tills(company: Company, data: bytes) -> int:
    """Keep the Z-reports of a list; gives how many. BadData, and nothing is kept, for a row that cannot be read."""
    return keep_tills(company, [_z_report(row) for row in named_rows(data, ("channel", "register", "number", "day"))])


def keep_tills(company: Company, reports: Iterable[ZReport]) -> int:
    """Keep Z-reports; gives how many. BadData, and none is kept, for a channel that is not there or one that is there
    twice."""
    channels = part_of(company).channels
    made: dict[str, ZReport] = {}
    for report in reports:
        if report.channel not in channels:
            raise BadData(f"{report.channel!r} is no channel of {company.code}", do_this="Correct the list.")
        if report.name in made:
            raise BadData(f"{report.name} is on the list twice", do_this="Take one of them away.")
        made[report.name] = report
    _keep(company, Happened.Kind.TILL, made)
    return len(made)


def _z_report(row: Mapping[str, str]) -> ZReport:
    takings, taxes = [], []
    for name in row:
        if (taken := _TAKEN.fullmatch(name)) and (amount := _amount(row, name)):
            takings.append(Taking(provider=taken[1], amount=amount))
        elif net := _NET.fullmatch(name):
            base, tax = _amount(row, name), _amount(row, f"vat {net[1]}")
            if base or tax:
                taxes.append(TaxTotal(Decimal(net[1]), base, tax))
    return ZReport(
        channel=row["channel"], register=row["register"], number=row["number"], day=a_day(row, "day"),
        takings=tuple(takings), taxes=tuple(taxes), gift_cards_sold=_amount(row, "gift cards"),
        counted=a_number(row, "counted") if row.get("counted") else None,
    )  # fmt: skip


def take_gift_cards(company: Company, data: bytes) -> int:
    """Keep the gift cards that have expired, with what was left on them; gives how many. BadData as for tills."""
    rows = named_rows(data, ("number", "day", "rest"))
    return keep_gift_cards(
        company,
        [ExpiredCard(number=row["number"], day=a_day(row, "day"), rest=a_number(row, "rest")) for row in rows],
    )


def keep_gift_cards(company: Company, cards: Iterable[ExpiredCard]) -> int:
    """Keep gift cards that have expired; gives how many. BadData, and none is kept, for one without a rest."""
    made: dict[str, ExpiredCard] = {}
    for card in cards:
        if not card.number or card.rest <= 0 or card.number in made:
            raise BadData(
                f"Gift card {card.number!r} has no rest, or is on the list twice", do_this="Correct the list."
            )
        made[card.number] = card
    _keep(company, Happened.Kind.GIFT_CARD, made)
    return len(made)


def z_reports(company: Company) -> list[ZReport]:
    """The Z-reports that were handed in."""
    return [msgspec.json.decode(body, type=ZReport) for body in _bodies(company, Happened.Kind.TILL)]


def expired_cards(company: Company) -> list[ExpiredCard]:
    """The gift cards that have expired."""
    return [msgspec.json.decode(body, type=ExpiredCard) for body in _bodies(company, Happened.Kind.GIFT_CARD)]


def _bodies(company: Company, kind: str) -> Iterable[bytes]:
    rows = Happened.objects.filter(tenant=company.tenant_id, company=company, kind=kind).order_by("day", "name")
    return (bytes(body) for body in rows.values_list("body", flat=True))


def _keep(company: Company, kind: str, made: Mapping[str, ZReport | ExpiredCard]) -> None:
    if too_long := next((name for name in made if len(name) > _LONGEST), ""):
        raise BadData(f"{too_long[:40]} is too long a name", do_this="Correct the list.")
    rows = [
        Happened(
            tenant_id=company.tenant_id, company=company, kind=kind, name=name, day=one.day, body=_encode(one)
        )
        for name, one in made.items()
    ]  # fmt: skip
    with transaction.atomic():
        upsert(Happened, rows, ("tenant", "company", "kind", "name"), ("day", "body"))
        wake(company)


def _amount(row: Mapping[str, str], name: str) -> Decimal:
    return a_number(row, name) if row.get(name) else ZERO
