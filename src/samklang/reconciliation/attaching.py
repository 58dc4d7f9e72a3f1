"""The itemised list of a voucher, hung on it in the ledger as a PDF: whoever audits the ledger finds there what each
line comes from.

When the ledger has got a voucher, that its list is still to come is noted in the same transaction (`note`); `keep_up`
brings the lists. Each hangs there once, whatever happens: a file's id is kept as soon as it is known, and one that was
uploaded when we died is found by its name. What stands in the way of a list never stops a voucher or an order: it is a
problem of its own, and the list is tried again after an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone, translation

from samklang.connectors.contract import ATTACH_LISTS
from samklang.connectors.errors import Forbidden, LoginRefused, Retry, SamklangError
from samklang.connectors.registry import manifest
from samklang.hub.links import Link, open_link, usable, went_well, went_wrong
from samklang.hub.models import Company, Connection
from samklang.hub.setup.companies import part_of
from samklang.reconciliation import exceptions
from samklang.reconciliation.companies import ledger_flow
from samklang.reconciliation.models import Attachment, Voucher
from samklang.reconciliation.sets import AT_ONCE

_ROUND = 20  # lists in one round, of three or four calls each: orders want the ledger too
_AGAIN = timedelta(hours=1)
#: Who audits books reads their country's language.
_LANGUAGES = {"SE": "sv", "RU": "ru"}


def note(ledger: Connection, posted: Iterable[Voucher]) -> None:
    """These vouchers' lists are to hang on them, where the ledger takes files and a person has not said otherwise. The
    caller has opened the transaction."""
    facts = manifest(ledger.connector)
    setting = next((one.default for one in facts.settings if one.name == ATTACH_LISTS), True)
    if not ledger.settings.get(ATTACH_LISTS, setting):
        return
    Attachment.objects.bulk_create(
        [
            Attachment(tenant_id=row.tenant_id, voucher=row, connection=ledger)
            for row in posted
            if row.source in facts.attaches
        ],
        batch_size=AT_ONCE,
        ignore_conflicts=True,
    )


def keep_up(company: Company) -> int:
    """Bring lists that are to come, oldest first; gives how many hang now that did not. Never raises for what the
    ledger says."""
    flow = ledger_flow(company)
    if flow is None or not usable(flow.target):
        return 0
    now = timezone.now()
    waiting = Attachment.objects.filter(
        Q(tried_at=None) | Q(tried_at__lt=now - _AGAIN),
        tenant=company.tenant_id, voucher__company=company, connection=flow.target, at=None,
    )  # fmt: skip
    rows = list(waiting.select_related("voucher__company").order_by("pk")[:_ROUND])
    if not rows:
        return 0
    try:
        link = open_link(flow.target)
    except SamklangError as error:
        went_wrong(flow.target, error)
        return 0
    try:
        return sum(_brought(company, link, row) for row in rows if usable(flow.target))
    finally:
        link.capture.flush()


def state(voucher: Voucher) -> Attachment | None:
    """How far the voucher's list is; None when none is to hang on it."""
    return Attachment.objects.filter(voucher=voucher).select_related("connection").first()


def _brought(company: Company, link: Link, row: Attachment) -> bool:
    """Whether the list hangs there now. What the ledger says otherwise is kept with it."""
    try:
        _hang(link, row)
    except (Retry, LoginRefused) as error:  # about the system, not the list: it is tried again as all else is
        went_wrong(link.row, error)
        return False
    except SamklangError as error:
        said = _advised(error)
        row.tried_at, row.error = timezone.now(), said.what
        row.save(update_fields=["tried_at", "error"])
        exceptions.add_unattached(company, row.voucher.key, said)
        return False
    went_well(link.row)
    exceptions.settle_unattached(company, row.voucher.key)
    return True


def _hang(link: Link, row: Attachment) -> None:
    from samklang.reconciliation.papers import voucher_file  # its libraries load slowly

    voucher = row.voucher
    if not row.file:
        with translation.override(_LANGUAGES.get(part_of(voucher.company).country, "en")):
            paper = voucher_file(voucher)
        row.file = link.connector.upload(paper.name, paper.body)
        row.save(update_fields=["file"])
    link.connector.attach(row.file, voucher.number, voucher.date)
    row.at, row.tried_at, row.error = timezone.now(), None, ""
    row.save(update_fields=["at", "tried_at", "error"])


def _advised(error: SamklangError) -> SamklangError:
    """A login that covers no files goes on booking: only this is missing."""
    if not isinstance(error, Forbidden):
        return error
    return Forbidden(
        error.what, where=error.where, remote=error.remote,
        do_this="Give the app the right to keep files and log the connection in anew, or switch its setting for "
        "itemised lists off.",
    )  # fmt: skip
