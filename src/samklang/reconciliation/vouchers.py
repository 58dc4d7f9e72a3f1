"""Vouchers in the tables: what a run wants to post is kept as drafts; a person approves, withdraws, or takes back.

    draft ─▶ validated ─▶ approved ─▶ sent ─▶ posted ─▶ reversed
    └── a run makes, changes, drops ──┘ └ handover.py ┘   └ by another voucher that takes it back

What is approved never changes again. When the facts have changed since, a run puts its reversal and the right voucher
beside it, and these wait for approval like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from samklang.accounting.voucher import Voucher as VoucherRecord
from samklang.accounting.voucher import base_key
from samklang.connectors.errors import BadData
from samklang.hub.events import Happening, tell
from samklang.hub.models import Company
from samklang.hub.setup.companies import CompanyPart
from samklang.reconciliation import handover
from samklang.reconciliation.ledger import judge_of
from samklang.reconciliation.models import OPEN, Voucher, VoucherLine, VoucherRef
from samklang.reconciliation.sets import AT_ONCE, insert, remove
from samklang.reconciliation.totals import keep_lines
from samklang.records import content_hash, encode


class Seen(NamedTuple):
    """A voucher as a person saw it: its row, and the hash of its content (hex)."""

    pk: int
    hash: str


class Vouchers:
    """The drafts of one company."""

    def __init__(self, company: Company, part: CompanyPart) -> None:
        self._company = company
        self._part = part
        self._judge = judge_of(company, part)
        self._mine = {"tenant_id": company.tenant_id, "company_id": company.pk}

    def keep(self, to_post: Sequence[VoucherRecord], days: Mapping[str, date]) -> None:
        """Make the drafts what is to be posted. `days` is the day of what a voucher books, by key; corrections have
        that of their original. The caller has opened the transaction."""
        there = {
            key: (pk, bytes(hash_), state, why, day)
            for key, pk, hash_, state, why, day in Voucher.objects.filter(**self._mine, state__in=OPEN).values_list(
                "key", "pk", "hash", "state", "why_draft", "date"
            )
        }
        fresh: list[tuple[VoucherRecord, bytes, str]] = []
        known = frozenset(there)
        judged: list[Voucher] = []
        for record in to_post:
            hash_, why = content_hash(encode(record)), self._why_draft(record)
            before = there.get(record.key)
            if before is None or before[1] != hash_:
                fresh.append((record, hash_, why))
                continue
            del there[record.key]
            if (before[2], before[3]) != (_state(why), why):
                judged.append(Voucher(pk=before[0], state=_state(why), why_draft=why))
        remove(Voucher.objects.filter(**self._mine, state__in=OPEN), "pk", [pk for pk, *_ in there.values()])
        Voucher.objects.bulk_update(judged, ["state", "why_draft"], batch_size=AT_ONCE)
        self._insert(fresh, days)
        company = self._company
        keep_lines(company, {day for *_, day in there.values()} | {record.date for record, _, _ in fresh})
        tell(
            company.tenant_id,
            [
                Happening(
                    "voucher.created", record.key,
                    {"company": company.code, "voucher": record.key, "state": _state(why)},
                )
                for record, _, why in fresh
                if record.key not in known
            ],
        )  # fmt: skip

    def _why_draft(self, record: VoucherRecord) -> str:
        """What must be done before it may be approved; "" when nothing must."""
        years = [(year.first, year.last) for year in self._part.years]
        if years and not any(first <= record.date <= last for first, last in years):
            return f"{record.date} lies in no fiscal year of the settings."
        return self._judge.refusal(record) if self._judge else ""

    def _insert(self, rows: Sequence[tuple[VoucherRecord, bytes, str]], days: Mapping[str, date]) -> None:
        heads = Voucher.objects.bulk_create(
            [
                Voucher(
                    **self._mine, key=record.key, series=record.series, date=record.date,
                    about=days.get(base_key(record.key), record.date), text=record.text[:300], source=record.source,
                    currency=record.currency, turnover=record.turnover, line_count=len(record.lines),
                    reverses=record.reverses, hash=hash_, state=_state(why), why_draft=why,
                )
                for record, hash_, why in rows
            ],
            batch_size=AT_ONCE,
        )  # fmt: skip
        tenant = self._company.tenant_id
        made = [(head.pk, record) for head, (record, _, _) in zip(heads, rows, strict=True)]
        insert(
            VoucherLine,
            (
                "tenant", "voucher", "number", "account", "name", "role", "amount", "text", "country", "percent",
                "party", "item", "foreign", "currency", "dimensions",
            ),
            (
                (
                    tenant, pk, number, line.account, line.name[:200], line.role, line.amount, line.text[:300],
                    line.country, _digits(line.percent), line.party, line.item, _digits(line.foreign), line.currency,
                    dict(line.dimensions),
                )
                for pk, record in made
                for number, line in enumerate(record.lines, 1)
            ),
        )  # fmt: skip
        insert(
            VoucherRef,
            ("tenant", "voucher", "line", "kind", "row", "amount"),
            (
                (tenant, pk, number, ref.kind, ref.id, f"{ref.amount:f}")
                for pk, record in made
                for number, line in enumerate(record.lines, 1)
                for ref in line.refs
            ),
        )


def approve(company: Company, seen: Iterable[Seen], *, by: str) -> int:
    """A person approves vouchers as they saw them; they go on their way. Gives how many.

    BadData, and nothing is approved, when one of them has changed since, is no longer there, or may not be approved.
    """
    wanted = {one.pk: one.hash for one in seen}
    with transaction.atomic():
        rows = list(
            Voucher.objects.select_for_update()
            .filter(tenant=company.tenant_id, company=company, pk__in=wanted)
            .order_by("pk")
        )
        for row in rows:
            if row.state not in OPEN or bytes(row.hash).hex() != wanted[row.pk]:
                raise BadData(f"{row.text} has changed since you saw it", do_this="Look at it again, then approve.")
            if row.state != Voucher.State.VALIDATED:
                raise BadData(f"{row.text} may not be approved yet: {row.why_draft}", do_this=row.why_draft)
        if len(rows) != len(wanted):
            raise BadData("A voucher is no longer there", do_this="Look at the list again, then approve.")
        now = timezone.now()
        for row in rows:
            row.state, row.approved_by, row.approved_at = Voucher.State.APPROVED, by[:150], now
        Voucher.objects.bulk_update(rows, ["state", "approved_by", "approved_at"], batch_size=AT_ONCE)
        handover.send(company)
    return len(rows)


def _state(why: str) -> str:
    return Voucher.State.DRAFT if why else Voucher.State.VALIDATED


def _digits(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
