"""Approved vouchers take the hub's one road to the ledger; what became of them is read off their bindings.

A voucher is stored as a record of the shop whose sales it books, and wanted at the target of the channel's `voucher`
flow. Delivery never sends it twice: it has a key, and after doubt the ledger is asked for it first. Nothing here talks
to a ledger, and nothing is lost when a process dies between two steps: `send` and `collect` may always be repeated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from django.db import transaction
from django.utils import timezone

from samklang.connectors.errors import BadData
from samklang.hub import store
from samklang.hub.events import Happening, tell
from samklang.hub.models import Binding, Company, Connection, Flow, Step, Stored
from samklang.hub.setup.companies import part_of
from samklang.reconciliation import attaching
from samklang.reconciliation.companies import ledger_flow, shops, wake
from samklang.reconciliation.facts import sound
from samklang.reconciliation.models import Match, Voucher, VoucherRef
from samklang.reconciliation.sets import AT_ONCE
from samklang.records import content_hash, encode

_UNDER_WAY = (Voucher.State.APPROVED, Voucher.State.SENT)


def send(company: Company) -> int:
    """See that every approved voucher is stored and wanted at the ledger; gives how many newly are wanted.

    Without a flow to a ledger they are stored and wait for one. The caller has opened the transaction.
    """
    part = part_of(company)
    flow = ledger_flow(company, part)
    source = flow.source if flow else next((shop.connection for shop in shops(company, part)), None)
    if source is None or part.ledger == "file":
        return 0
    count = 0
    for some in _under_way(company):
        _store(company, source, some)
        if flow is not None:
            count += _want(company, flow, [row.key for row in some])
    return count


def collect(company: Company) -> int:
    """Take over what delivery has done: which vouchers the ledger has, and under which number. Gives how many are new.

    A voucher that takes back another ends that one.
    """
    flow = ledger_flow(company)
    if flow is None:
        return 0
    count = 0
    for some in _under_way(company):
        with transaction.atomic():
            count += _collect(company, flow, some)
    return count


def under_way(company: Company) -> bool:
    """Whether an approved voucher is not posted yet."""
    return Voucher.objects.filter(tenant=company.tenant_id, company=company, state__in=_UNDER_WAY).exists()


def withdraw(company: Company, pk: int, *, by: str) -> None:
    """Take an approval back while the ledger has not been asked: the voucher is a draft again, and the next run judges
    it. BadData when it is too late."""
    _ = by
    with transaction.atomic():
        row = Voucher.objects.select_for_update().filter(tenant=company.tenant_id, company=company, pk=pk).first()
        if row is None or row.state != Voucher.State.APPROVED:
            raise BadData("Only an approved voucher can be withdrawn", do_this="Post its reversal instead.")
        if let_go(company, [row.key]):
            raise BadData("The ledger has been asked already", do_this="Post its reversal instead.")
        row.state, row.approved_by, row.approved_at = Voucher.State.VALIDATED, "", None
        row.save(update_fields=["state", "approved_by", "approved_at"])
        wake(company)


def let_go(company: Company, keys: Sequence[str]) -> set[str]:
    """Take vouchers back from the way to a ledger; gives those that it has been asked to take, which stay. The caller
    has opened the transaction."""
    bindings = Binding.objects.filter(tenant=company.tenant_id, type="voucher", key__in=keys)
    # Locked: whoever claims it for sending comes before us, and we see that, or finds nothing.
    asked = {
        one.key
        for one in bindings.select_for_update()
        if one.state == "sending" or one.doubt or one.delivered is not None
    }
    free = [key for key in keys if key not in asked]
    bindings.filter(key__in=free).delete()
    Stored.objects.filter(tenant=company.tenant_id, type="voucher", key__in=free).delete()
    return asked


def _under_way(company: Company) -> Iterator[list[Voucher]]:
    """Approved vouchers that are not posted, oldest first, some at a time."""
    last = 0
    while True:
        rows = Voucher.objects.filter(tenant=company.tenant_id, company=company, state__in=_UNDER_WAY, pk__gt=last)
        some = list(rows.select_related("company").order_by("pk")[:AT_ONCE])
        if not some:
            return
        last = some[-1].pk
        yield some


def _store(company: Company, source: Connection, some: Sequence[Voucher]) -> None:
    there = Stored.objects.filter(
        tenant=company.tenant_id, connection=source, type="voucher", key__in=[row.key for row in some]
    )
    known = set(there.values_list("key", flat=True))
    fresh = {row.key: row for row in some if row.key not in known}
    bodies = [(record.key, encode(record)) for record in sound(fresh.values())[0]]
    rows = [(key, body, content_hash(body)) for key, body in bodies]
    # What was changed by hand since its approval stays here; the check of the books names it.
    approved = (row for row in rows if row[2] == bytes(fresh[row[0]].hash))
    store.keep_records(company.tenant_id, source.pk, "voucher", approved)


def _want(company: Company, flow: Flow, keys: Sequence[str]) -> int:
    place = (company.tenant_id, flow.target_id, "voucher")
    wanted = set(
        Binding.objects.filter(
            tenant=company.tenant_id, connection=flow.target_id, type="voucher", key__in=keys, wanted__isnull=False
        ).values_list("key", flat=True)
    )
    hashes = Stored.objects.filter(
        tenant=company.tenant_id, connection=flow.source_id, type="voucher", key__in=set(keys) - wanted
    ).values_list("key", "hash")
    rows = [store.Wanted(key, bytes(hash_)) for key, hash_ in hashes]
    return store.want(*place, flow.source_id, flow.pk, rows) if rows else 0


def _collect(company: Company, flow: Flow, some: Sequence[Voucher]) -> int:
    bindings = Binding.objects.filter(
        tenant=company.tenant_id, connection=flow.target_id, type="voucher", key__in=[row.key for row in some]
    )
    found = {row.key: row for row in bindings}
    now, changed, posted = timezone.now(), [], []
    for row in some:
        binding = found.get(row.key)
        if binding is None:
            continue
        done = binding.wanted is not None and binding.delivered is not None
        if done and bytes(binding.delivered or b"") == bytes(binding.wanted or b""):
            row.state, row.posted_at, row.number = Voucher.State.POSTED, now, (binding.external_id or "")[:80]
            posted.append(row)
        elif binding.state == "sending" and row.state != Voucher.State.SENT:
            row.state = Voucher.State.SENT
        else:
            continue
        changed.append(row)
    Voucher.objects.bulk_update(changed, ["state", "posted_at", "number"], batch_size=AT_ONCE)
    settle(company, posted, place=flow.target, ledger=flow.target.name)
    attaching.note(flow.target, posted)
    return len(posted)


def settle(company: Company, posted: Sequence[Voucher], *, place: Connection | None, ledger: str) -> None:
    """What follows from vouchers that a ledger has got: those that they take back end, their orders' journeys and
    subscribers hear of it. `place` is where the journey shows it."""
    ended = [row.reverses for row in posted if row.reverses]
    Voucher.objects.filter(tenant=company.tenant_id, company=company, key__in=ended, state=Voucher.State.POSTED).update(
        state=Voucher.State.REVERSED
    )
    if place is not None:
        _write_steps(company, place, posted)
    said = {"company": company.code, "ledger": ledger}
    tell(
        company.tenant_id,
        [Happening("voucher.posted", row.key, {**said, "voucher": row.key, "number": row.number}) for row in posted],
    )


def _write_steps(company: Company, ledger: Connection, posted: Sequence[Voucher]) -> None:
    """Every order that a voucher books has it as a step of its journey."""
    rows = VoucherRef.objects.filter(voucher__in=posted, kind__in=("payment", "statement_line"))
    refs = set(rows.values_list("voucher_id", "kind", "row"))
    lines = sorted({row for _, kind, row in refs if kind == "statement_line"})
    payments: defaultdict[str, set[str]] = defaultdict(set)
    for start in range(0, len(lines), AT_ONCE):
        matches = Match.objects.filter(
            tenant=company.tenant_id, company=company, line__in=lines[start : start + AT_ONCE]
        )
        for line, expected in matches.values_list("line", "expected"):
            payments[line].add(expected)
    orders: defaultdict[int, set[str]] = defaultdict(set)
    for pk, kind, row in refs:
        orders[pk] |= {name.partition("#")[0] for name in ({row} if kind == "payment" else payments[row])}
    now = timezone.now()
    Step.objects.bulk_create(
        (
            Step(
                tenant_id=company.tenant_id, order=order, at=now, connection=ledger, type="voucher", what="created",
                text=f"{voucher.number} {voucher.text}".strip(),
            )
            for voucher in posted
            for order in sorted(orders[voucher.pk])
        ),
        batch_size=AT_ONCE,
    )  # fmt: skip
