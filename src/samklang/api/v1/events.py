"""What no system tells the books (tills' Z-reports, gift cards that have expired), and what VIES has answered."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang.accounting.decisions import ExpiredCard
from samklang.accounting.pos import Taking, ZReport
from samklang.api.v1 import cursors
from samklang.api.v1.books import Code, Money, company_of
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.shapes import Answer, Page
from samklang.api.v1.webhooks import Count
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import events_in
from samklang.reconciliation.models import VatNumber
from samklang.records import TaxTotal

door = Door("events")
Short = Annotated[str, Field(min_length=1, max_length=40)]


class TakingItem(Input):
    """What a till took by `cash`, `terminal`, `gift_card` or a provider."""

    provider: Short
    amount: Money


class TaxItem(Input):
    """Net and VAT of a rate, as the till states them."""

    percent: Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
    net: Money
    tax: Money


class TillReport(Input):
    """A till's closing; channel, till and number name it. `counted`: cash that was really there."""

    channel: Short
    till: Short
    number: Short
    day: date
    takings: Annotated[list[TakingItem], Field(max_length=50)]
    taxes: Annotated[list[TaxItem], Field(max_length=20)]
    gift_cards_sold: Money = Decimal(0)
    counted: Money | None = None


class TillsInput(Input):
    """Z-reports; one that is there already is written over."""

    items: Annotated[list[TillReport], Field(max_length=5000)]


class CardItem(Input):
    """A multi-purpose gift card that has expired, with what was left on it."""

    number: Annotated[str, Field(min_length=1, max_length=100)]
    day: date
    rest: Money


class CardsInput(Input):
    """Expired gift cards; one that is there already is written over."""

    items: Annotated[list[CardItem], Field(max_length=20_000)]


class VatNumberRow(Answer):
    """The VAT number of an order's buyer and what VIES said; `valid` is null while nobody has said, `error` why."""

    order: str
    number: str
    valid: bool | None
    checked_at: datetime | None
    request_id: str
    tries: int
    next_at: datetime | None
    error: str


@door.post("/companies/{company}/z-reports", Right.APPROVE, Count)
def z_reports(call: Call, company: Code, payload: TillsInput) -> Any:
    """Hand in tills' Z-reports: one voucher each."""
    row = company_of(call, company)
    reports = [
        ZReport(
            channel=one.channel, register=one.till, number=one.number, day=one.day,
            takings=tuple(Taking(provider=t.provider, amount=t.amount) for t in one.takings),
            taxes=tuple(TaxTotal(t.percent, t.net, t.tax) for t in one.taxes),
            gift_cards_sold=one.gift_cards_sold, counted=one.counted,
        )
        for one in payload.items
    ]  # fmt: skip
    count = events_in.keep_tills(row, reports)
    audit.note(call.actor, gettext_noop("Z-reports read"), f"company {row.code}", count=count)
    return {"count": count}


@door.post("/companies/{company}/expired-gift-cards", Right.APPROVE, Count)
def expired_gift_cards(call: Call, company: Code, payload: CardsInput) -> Any:
    """Hand in gift cards that have expired: what was left on them is income of the day."""
    row = company_of(call, company)
    cards = [ExpiredCard(number=one.number, day=one.day, rest=one.rest) for one in payload.items]
    count = events_in.keep_gift_cards(row, cards)
    audit.note(call.actor, gettext_noop("expired gift cards read"), f"company {row.code}", count=count)
    return {"count": count}


@door.get("/companies/{company}/vat-numbers", Right.BOOKS, Page[VatNumberRow])
def vat_numbers(call: Call, company: Code, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """What VIES was asked about buyers without VAT in other EU countries, the newest first."""
    rows = VatNumber.objects.filter(tenant=call.tenant, company=company_of(call, company)).order_by("-pk")
    if before := cursors.row(cursor):
        rows = rows.filter(pk__lt=before)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.pk)
