"""What the engine does for a company's books, again and again: take what lies in its folder, see what the ledger has
done, keep the books when something has happened, check them at night, send what is approved or leave it as files."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

import structlog
from django.db import transaction
from django.utils import timezone

from samklang.connectors.errors import SamklangError
from samklang.hub.models import Company
from samklang.reconciliation import attaching, check, exports, handover, inbox, ledger, looks, run, vat_numbers
from samklang.reconciliation.companies import ledger_flow, wake

log = structlog.get_logger()
#: A run that takes long is not begun again at once only because orders come in: at most a twentieth of the time is
#: spent on it. What a person or a file has brought is seen at once.
_SHARE, _LONGEST = 20, timedelta(minutes=15)


class Kept(NamedTuple):
    """What was done, and where there is something to deliver (connection, or 0)."""

    files: int
    posted: int
    report: run.Report | None
    deliver: int


def keep_up(company: Company) -> Kept:
    """One round. Never raises for what a company's settings or files are: it is kept with the books and shown there."""
    taken = inbox.take_in(company)
    posted = handover.collect(company)
    if posted or ledger.refresh(company):
        wake(company)
    report = None
    if _due(company):
        try:
            report = run.run(company)
        except SamklangError as error:
            log.warning("books stand still", company=company.code, code=error.code)
    vat_numbers.ask(company)
    if check.due(company):
        check.check(company)
    with transaction.atomic():
        handover.send(company)
    exports.keep_up(company)
    attaching.keep_up(company)
    flow = ledger_flow(company) if handover.under_way(company) else None
    return Kept(taken, posted, report, flow.target_id if flow else 0)


def _due(company: Company) -> bool:
    books = looks.books(company)
    if books is None or books.wanted != books.done:
        return True
    pause = min(_LONGEST, timedelta(seconds=books.seconds * _SHARE))
    if books.ran_at is not None and timezone.now() < books.ran_at + pause:
        return False
    return run.due(company)
