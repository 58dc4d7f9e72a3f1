"""Making, keeping and sending mails; the engine asks for it each half minute.

An owner is told once when 80 % and when all of a month's orders are used (packages/watch.py).

What blocks orders is told a minute after it began (much mends itself, and equal news comes together), each problem
once, and then nothing for a quarter of an hour. The report comes in the morning, by the clock of the tenant's first
channel, and only when somebody must look at something.
"""

from __future__ import annotations

import smtplib
import time
from datetime import timedelta
from email.utils import make_msgid

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from samklang.connectors.errors import Unreachable
from samklang.hub import leases, problems
from samklang.hub.looks.rows import time_zone
from samklang.hub.models import Problem, Tenant
from samklang.mails import choices, letters
from samklang.mails.models import Letter, Round, Told
from samklang.packages.models import Warned

log = structlog.get_logger()
Kind = Letter.Kind

WAIT = timedelta(minutes=1)
QUIET = timedelta(minutes=15)
MORNING = 6  # o'clock
PAUSES = (60, 300, 900, 3600)  # seconds before a mail is tried again; then hourly
STALE = timedelta(days=2)  # a mail that could not be sent for so long is no news
KEPT = timedelta(days=30)
_SPOKEN_OF = 3  # tries before it becomes a problem that a person sees in the console
_AT_ONCE = 200


def work() -> None:
    """Write what is to be told now, and send what is due. Nothing where no server takes our mails."""
    if not settings.MAIL:
        return
    now = timezone.now()
    Letter.objects.filter(at__lt=now - KEPT).delete()
    Letter.objects.filter(at__lt=now - STALE, sent_at=None).delete()
    for tenant in _concerned():
        with leases.holding(tenant.pk, "mails") as held:
            if held:
                _write_at_once(tenant)
                _write_report(tenant)
                _write_quota(tenant)
                _send(tenant)


def _concerned() -> list[Tenant]:
    """Tenants with anything to tell or to send. Reports come once a day: who may get one is looked at each time."""
    day = (timezone.now() + timedelta(hours=14)).date()  # the newest that there is anywhere
    told = set(Round.objects.filter(day=day).values_list("tenant", flat=True))
    fresh = set(_untold().values_list("tenant", flat=True)) | set(_unwarned().values_list("tenant", flat=True))
    due = set(Letter.objects.filter(sent_at=None, due_at__lte=time.time()).values_list("tenant", flat=True))
    return [tenant for tenant in Tenant.objects.order_by("pk") if tenant.pk in fresh | due or tenant.pk not in told]


def _untold() -> QuerySet[Problem]:
    """What blocks orders, over all tenants, and has not been told of yet."""
    return letters.blocking(Problem.objects.filter(closed_at=None, told=None, first_at__lte=timezone.now() - WAIT))


def _unwarned() -> QuerySet[Warned]:
    """Warnings of used orders that no letter has been written of, unless they are no news any more."""
    return Warned.objects.filter(mailed=False, at__gt=timezone.now() - STALE)


# ------------------------------------------------------------------------------------------------ writing


def _write_at_once(tenant: Tenant) -> None:
    """Tell what blocks orders and has not been told of yet."""
    now = timezone.now()
    with transaction.atomic():
        round_, _ = Round.objects.select_for_update().get_or_create(tenant=tenant)
        if round_.at_once and now - QUIET < round_.at_once <= now:
            return
        fresh = _untold().filter(tenant=tenant)
        numbers = list(fresh.values_list("pk", flat=True))
        if not numbers:
            return
        told = letters.tell(Problem.objects.filter(pk__in=numbers))
        zone = time_zone(tenant)
        readers = choices.readers(tenant, Kind.AT_ONCE)
        Letter.objects.bulk_create(letters.write(member, Kind.AT_ONCE, told, zone) for member in readers)
        Told.objects.bulk_create(Told(tenant=tenant, problem_id=number) for number in numbers)
        round_.at_once = now
        round_.save(update_fields=["at_once"])


def _write_report(tenant: Tenant) -> None:
    """The morning's report, once a day."""
    zone = time_zone(tenant)
    now = timezone.now()
    local = now.astimezone(zone)
    if local.hour < MORNING:
        return
    with transaction.atomic():
        round_, _ = Round.objects.select_for_update().get_or_create(tenant=tenant)
        if round_.day == local.date():
            return
        told = letters.report(tenant, now)
        if not told.empty:
            readers = choices.readers(tenant, Kind.NIGHTLY)
            Letter.objects.bulk_create(
                letters.write(member, Kind.NIGHTLY, told, zone, local.date()) for member in readers
            )
        round_.day = local.date()
        round_.save(update_fields=["day"])


def _write_quota(tenant: Tenant) -> None:
    """Tell owners how many of the month's orders are used."""
    with transaction.atomic():
        for warned in _unwarned().filter(tenant=tenant).select_for_update().order_by("pk"):
            readers = choices.readers(tenant, Kind.QUOTA)
            Letter.objects.bulk_create(letters.write_quota(member, warned) for member in readers)
            warned.mailed = True
            warned.save(update_fields=["mailed"])


# ------------------------------------------------------------------------------------------------ sending


def _send(tenant: Tenant) -> None:
    due = Letter.objects.filter(tenant=tenant, sent_at=None, due_at__lte=time.time())
    rows = list(due.select_related("member__user").order_by("due_at", "pk")[:_AT_ONCE])
    if not rows:
        return
    server = get_connection()
    try:
        for number, letter in enumerate(rows):
            if not _post(letter, server):
                _later(rows[number + 1 :], letter.error)  # the server itself is not well: the others need not try
                break
    finally:
        server.close()
    tried = max(row.attempts for row in rows)
    if all(row.sent_at for row in rows):
        problems.clear(tenant.pk, None, "out", "mail", ["mail"])
    elif tried >= _SPOKEN_OF:
        where = next(row.error for row in rows if not row.sent_at)
        error = Unreachable("The mail server does not take our mails", where=where, do_this=_DO_THIS)
        problems.report(tenant.pk, None, [problems.Trouble("out", "mail", "mail", error)])


_DO_THIS = gettext_noop("Check SAMKLANG_MAIL, the server and its login. Samklang tries again by itself.")


def _post(letter: Letter, server: BaseEmailBackend) -> bool:
    """Send one; False when the server takes none at all just now."""
    message = EmailMultiAlternatives(
        letter.subject, letter.text, to=[letter.member.user.email], connection=server, headers=_headers(letter)
    )
    message.attach_alternative(letter.html, "text/html")
    try:
        message.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:  # this one only
        _later([letter], type(error).__name__)
        return True
    except OSError as error:  # SMTP's other errors are such, too
        log.warning("mails cannot be sent", error=type(error).__name__)
        _later([letter], type(error).__name__)
        return False
    letter.sent_at, letter.error = timezone.now(), ""
    letter.save(update_fields=["sent_at", "error"])
    return True


def _later(rows: list[Letter], error: str) -> None:
    for letter in rows:
        letter.attempts += 1
        letter.due_at = time.time() + PAUSES[min(letter.attempts, len(PAUSES)) - 1]
        letter.error = error[:100]
    Letter.objects.bulk_update(rows, ["attempts", "due_at", "error"])


def _headers(letter: Letter) -> dict[str, str]:
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">")
    stop = choices.stop_address(letter.member, Kind(letter.kind))
    return {
        "Message-ID": f"<{letter.number}@{host}>" if host else make_msgid(),
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        "Auto-Submitted": "auto-generated",
    }
