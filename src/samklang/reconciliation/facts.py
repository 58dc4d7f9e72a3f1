"""What the tables hold of a company → the Facts that accounting/ derives everything from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, cast

import msgspec
from django.db.models import QuerySet

from samklang.accounting.bank.base import BankLine as BankLineRow
from samklang.accounting.books import Facts
from samklang.accounting.expected import Opening as OpeningItem
from samklang.accounting.matching import Match as LineMatch
from samklang.accounting.payouts import BankRow, bank_row
from samklang.accounting.payouts import PayoutMatch as PayoutRow
from samklang.accounting.sales import booked_payments, payment_id
from samklang.accounting.voucher import Ref, Source, Unbalanced
from samklang.accounting.voucher import Voucher as VoucherRecord
from samklang.accounting.voucher import VoucherLine as VoucherLineRow
from samklang.hub.models import Company, Stored
from samklang.hub.setup.companies import CompanyPart
from samklang.reconciliation.companies import shops, with_providers
from samklang.reconciliation.events_in import expired_cards, z_reports
from samklang.reconciliation.files import statement_rows
from samklang.reconciliation.models import (
    OPEN,
    BankLine,
    Decision,
    Match,
    Opening,
    PayoutMatch,
    Statement,
    Voucher,
    VoucherLine,
    VoucherRef,
)
from samklang.reconciliation.moved import moved, with_moved
from samklang.reconciliation.vat_numbers import checks, with_check
from samklang.records import Order, Shipment, content_hash, decode, encode
from samklang.records.times import business_date

_BATCH = 500


class Loaded(NamedTuple):
    """The facts, and what persons have decided about them."""

    facts: Facts
    decisions: Sequence[Decision]
    by_hand: Mapping[str, BankRow]  # bank lines that a decision books
    broken: Sequence[str]  # keys of approved vouchers whose rows are no voucher any more: somebody has changed them


def load(company: Company, part: CompanyPart) -> Loaded:
    """All facts of a company. Bank lines that a person has booked by hand are not among them."""
    decisions = list(Decision.objects.filter(tenant=company.tenant_id, company=company).order_by("id"))
    straight = {one.about for one in decisions if one.kind == Decision.Kind.STRAIGHT}
    lines = bank_lines(company)
    there, broken = sound(_posted(company))
    facts = Facts(
        orders=list(orders_of(company, part)),
        delivered=delivered_days(company, part),
        statements=statement_rows(Statement.objects.filter(tenant=company.tenant_id, company=company).order_by("id")),
        bank_rows=[row for row in lines if row.id not in straight],
        z_reports=z_reports(company),
        expired_cards=expired_cards(company),
        openings=[
            msgspec.json.decode(bytes(body), type=OpeningItem)
            for body in Opening.objects.filter(tenant=company.tenant_id, company=company).values_list("body", flat=True)
        ],
        matches=line_matches(company),
        payout_matches=payout_matches(company),
        posted=there,
    )
    by_hand = {row.id: row for row in lines if row.id in straight}
    return Loaded(facts, decisions, by_hand, [head.key for head in broken])


def orders_of(company: Company, part: CompanyPart) -> Iterator[Order]:
    """The orders of the company's channels, with what the hub has moved for them, at the providers that the settings
    name, and with what is known of their buyers' VAT numbers. Read some at a time, so that memory does not grow."""
    numbers = checks(company)
    for connection in sorted({shop.connection_id for shop in shops(company, part)}):
        rows = Stored.objects.filter(tenant=company.tenant_id, connection=connection, type="order").order_by("key")
        last = ""
        while page := dict(rows.filter(key__gt=last).values_list("key", "body")[:_BATCH]):
            last = max(page)
            ours = moved(company.tenant_id, page.keys())
            for body in page.values():
                order = cast(Order, decode("order", bytes(body)))
                if order.channel in part.channels:
                    yield with_check(with_providers(with_moved(order, ours), part), numbers)


def defers(part: CompanyPart) -> bool:
    """Whether a channel books what was paid before its delivery as a prepayment."""
    return any(channel.defer_until_delivery for channel in part.channels.values())


def delivered_days(company: Company, part: CompanyPart) -> dict[str, date]:
    """Order → the day of its last parcel, in the shop's zone, where a channel defers prepayments until then."""
    if not defers(part):
        return {}
    zones = {shop.code: shop.time_zone for shop in shops(company, part)}
    found: dict[str, date] = {}
    rows = Stored.objects.filter(tenant=company.tenant_id, type="shipment").values_list("body", flat=True)
    for body in rows.iterator(chunk_size=_BATCH):
        shipment = cast(Shipment, decode("shipment", bytes(body)))
        zone = zones.get(shipment.order.partition("/")[0])
        if zone and shipment.shipped_at is not None:
            day = business_date(shipment.shipped_at, zone)
            found[shipment.order] = max(day, found.get(shipment.order, day))
    return found


def bank_lines(company: Company) -> list[BankRow]:
    """The bank's lines under their names."""
    rows = BankLine.objects.filter(tenant=company.tenant_id, company=company).values_list("row", "body").order_by("row")
    return [bank_row(row, msgspec.json.decode(bytes(body), type=BankLineRow)) for row, body in rows.iterator()]


def line_matches(company: Company) -> list[LineMatch]:
    """Matches of statement lines, by whomever."""
    rows = Match.objects.filter(tenant=company.tenant_id, company=company).order_by("line", "expected")
    return [
        msgspec.convert(
            {"line": line, "expected": expected, "amount": amount, "rule": rule, "by": by}, LineMatch, strict=False
        )
        for line, expected, amount, rule, by in rows.values_list("line", "expected", "amount", "rule", "by")
    ]


def payout_matches(company: Company) -> list[PayoutRow]:
    """Matches of payouts with bank lines, by whomever."""
    fields = ("payout", "bank_line", "amount", "rule", "kept", "converted", "by")
    rows = PayoutMatch.objects.filter(tenant=company.tenant_id, company=company).order_by("payout", "bank_line")
    return [msgspec.convert(row, PayoutRow, strict=False) for row in rows.values(*fields)]


def in_vouchers(company: Company, orders: Iterable[Order]) -> set[str]:
    """Of these orders: the payments that stand in vouchers which the ledger has."""
    payments = [payment_id(order, payment) for order in orders for payment in booked_payments(order)]
    found: set[str] = set()
    for start in range(0, len(payments), _BATCH):
        some = payments[start : start + _BATCH]
        refs = VoucherRef.objects.filter(tenant=company.tenant_id, row__in=some, kind="payment")
        found |= set(refs.exclude(voucher__state__in=OPEN).values_list("row", flat=True))
    return found


def _posted(company: Company) -> QuerySet[Voucher]:
    """The vouchers that the ledger has, or will have because they are approved."""
    rows = Voucher.objects.filter(tenant=company.tenant_id, company=company).exclude(state__in=OPEN)
    return rows.select_related("company").order_by("id")


def records(vouchers: Iterable[Voucher]) -> list[VoucherRecord]:
    """Vouchers out of their tables, in the order given. Unbalanced where the rows of one are no voucher any more."""
    heads = list(vouchers)
    lines = _lines_of(heads)
    return [_record(head, lines[head.pk]) for head in heads]


def sound(vouchers: Iterable[Voucher]) -> tuple[list[VoucherRecord], list[Voucher]]:
    """Vouchers out of their tables, in the order given; and those whose rows are no voucher any more."""
    heads = list(vouchers)
    lines = _lines_of(heads)
    found: list[VoucherRecord] = []
    broken: list[Voucher] = []
    for head in heads:
        try:
            found.append(_record(head, lines[head.pk]))
        except Unbalanced:
            broken.append(head)
    return found, broken


def changed(heads: Sequence[Voucher]) -> list[str]:
    """Keys of those whose rows are no longer what was derived and approved: none, ever."""
    found, broken = sound(heads)
    now = {record.key: record for record in found}
    return [
        *(head.key for head in broken),
        *(
            head.key
            for head in heads
            if (record := now.get(head.key)) is not None
            and (content_hash(encode(record)) != bytes(head.hash) or head.line_count != len(record.lines))
        ),
    ]


def _lines_of(heads: Sequence[Voucher]) -> Mapping[int, Sequence[VoucherLineRow]]:
    """Voucher → its lines with their source rows."""
    refs: dict[tuple[int, int], list[Ref]] = {}
    lines: dict[int, list[VoucherLineRow]] = {head.pk: [] for head in heads}
    for start in range(0, len(heads), _BATCH):
        some = [head.pk for head in heads[start : start + _BATCH]]
        for pk, number, kind, row, amount in (
            VoucherRef.objects.filter(voucher__in=some)
            .order_by("id")
            .values_list("voucher_id", "line", "kind", "row", "amount")
            .iterator(chunk_size=5000)
        ):
            refs.setdefault((pk, number), []).append(Ref(kind, row, Decimal(amount)))
        for line in VoucherLine.objects.filter(voucher__in=some).order_by("voucher_id", "number"):
            lines[line.voucher_id].append(_line(line, refs.get((line.voucher_id, line.number), ())))
    return lines


def _record(head: Voucher, lines: Sequence[VoucherLineRow]) -> VoucherRecord:
    return VoucherRecord(
        company=head.company.code, series=head.series, date=head.date, text=head.text,
        source=cast("Source", head.source), key=head.key, currency=head.currency, lines=tuple(lines),
        reverses=head.reverses,
    )  # fmt: skip


def _line(line: VoucherLine, refs: Iterable[Ref]) -> VoucherLineRow:
    return VoucherLineRow(
        account=line.account, name=line.name, role=line.role, amount=line.amount.normalize(), refs=tuple(refs),
        text=line.text, country=line.country, percent=Decimal(line.percent) if line.percent else None,
        party=line.party, item=line.item, foreign=Decimal(line.foreign) if line.foreign else None,
        currency=line.currency, dimensions=line.dimensions,
    )  # fmt: skip
