"""Who is told of events, at which address, signed with which secret. What is sent, and how: outbox.py."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext_noop as _

from samklang.connectors.errors import Misconfigured, Rejected
from samklang.connectors.transport import inside
from samklang.hub import problems
from samklang.hub.events import TYPES
from samklang.hub.links import allow_private
from samklang.hub.models import Message, Subscription, Tenant
from samklang.hub.secrets import seal, unseal

MOST = 20  # subscriptions of a tenant
_OVERLAP = 86_400.0  # seconds for which a new secret and the one before it both sign
_SIGN = "whsec_"


def subscribe(tenant: Tenant, name: str, url: str, types: Collection[str] = ()) -> tuple[Subscription, str]:
    """A new subscription and its secret, which is not shown again. Misconfigured (`where` says which answer) when the
    address cannot be called, a type is unknown, the name is taken, or there are too many."""
    _check(url, types)
    secret = _new_secret()
    with transaction.atomic():
        there = Subscription.objects.select_for_update().filter(tenant=tenant)
        names = list(there.values_list("name", flat=True))
        if name in names:
            raise Misconfigured(f"There is a webhook {name!r} already", where="name", do_this=_("Choose another name."))
        if len(names) >= MOST:
            raise Misconfigured(f"There are {MOST} webhooks already", do_this=_("Remove one that is not needed."))
        row = Subscription.objects.create(
            tenant=tenant, name=name, url=url, types=sorted(set(types)), secrets=seal({"now": secret})
        )
    return row, secret


def change(row: Subscription, name: str, url: str, types: Collection[str], on: bool) -> None:
    """Let a subscription say this from now on. What waits goes to the new address. Raises as `subscribe` does."""
    _check(url, types)
    if Subscription.objects.filter(tenant=row.tenant, name=name).exclude(pk=row.pk).exists():
        raise Misconfigured(f"There is a webhook {name!r} already", where="name", do_this=_("Choose another name."))
    row.name, row.url, row.types = name, url, sorted(set(types))
    row.save(update_fields=["name", "url", "types"])
    if on != (row.state == Subscription.State.ACTIVE):
        switch_on(row) if on else _switch(row, Subscription.State.OFF)


def switch_on(row: Subscription) -> None:
    """A person says that the receiver is there (again): what waits is sent."""
    _switch(row, Subscription.State.ACTIVE)
    Message.objects.filter(tenant=row.tenant, subscription=row, state=Message.State.DUE).update(due_at=time.time())


def remove(row: Subscription) -> None:
    """Forget a subscription and what was to be told to it."""
    with transaction.atomic():
        _well(row)
        row.delete()


def rotate(row: Subscription) -> str:
    """A new secret. For a day both sign, so that the receiver can change over without losing anything."""
    secret = _new_secret()
    row.secrets = seal({"now": secret, "before": unseal(row.secrets)["now"], "until": time.time() + _OVERLAP})
    row.save(update_fields=["secrets"])
    return secret


def keys(row: Subscription, at: float) -> list[bytes]:
    """What signs at a time (epoch seconds): the secret, and for a day after a rotation the one before it too."""
    kept = unseal(row.secrets)
    texts = [kept["now"], *([kept["before"]] if kept.get("until", 0) > at else [])]
    return [base64.b64decode(text.removeprefix(_SIGN)) for text in texts]


def give_up(row: Subscription, reason: str) -> None:
    """Tell it nothing more, and let a person know."""
    _switch(row, Subscription.State.GIVEN_UP, reason)
    what = f"The webhook '{row.name}' is told nothing more"
    do_this = "See that its receiver answers, then switch it on: what waits is sent, older events can be replayed."
    error = Rejected(what, where=reason, do_this=do_this)
    problems.report(row.tenant_id, None, [problems.Trouble("out", "webhook", _key(row), error)])


def _switch(row: Subscription, state: str, reason: str = "") -> None:
    with transaction.atomic():
        row.state, row.reason = state, reason
        row.failing_since, row.faults, row.open_until = None, 0, 0.0
        row.save(update_fields=["state", "reason", "failing_since", "faults", "open_until"])
        if state != Subscription.State.GIVEN_UP:
            _well(row)


def _well(row: Subscription) -> None:
    problems.clear(row.tenant_id, None, "out", "webhook", [_key(row)])


def _key(row: Subscription) -> str:
    return f"webhook:{row.pk}"


def _check(url: str, types: Collection[str]) -> None:
    example = _("Give one such as https://example.com/samklang.")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise Misconfigured(_("This is no web address"), where="url", do_this=example) from None
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.fragment:
        raise Misconfigured(_("This is no address that can be told"), where="url", do_this=example)
    try:
        ours = inside(host, 0, allow_private)
    except Misconfigured as error:
        raise Misconfigured(error.what, where="url", do_this=error.do_this) from error
    except (OSError, UnicodeError):
        raise Misconfigured(
            f"{host} leads nowhere", where="url", do_this=_("Check the address for typing errors.")
        ) from None
    if parts.scheme == "http" and not ours:
        raise Misconfigured(
            _("What goes over the internet is encrypted"), where="url", do_this=_("Give an https address.")
        )
    unknown = sorted(set(types) - TYPES.keys())
    if unknown:
        raise Misconfigured(
            f"There is no event {unknown[0]}", where="types", do_this=f"Choose among: {', '.join(TYPES)}."
        )


def _new_secret() -> str:
    return _SIGN + base64.b64encode(secrets.token_bytes(32)).decode()
