"""What other programs may want to hear of: written down in the transaction of the fact itself, sent later (outbox.py).

An event says what happened to which thing, and where to ask for more; never a buyer's data, never a system's own words
(they may quote a buyer's). Whoever hears of it asks the API, which answers by the asker's rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext_noop

from samklang.hub.models import Event, Message, Subscription, Transfer

#: Every type of event, and what it says.
TYPES: Mapping[str, str] = {
    "order.created": gettext_noop("A channel has an order that was not known before."),
    "order.changed": gettext_noop("An order, or its status in a system, has changed."),
    "order.transferred": gettext_noop("A system has taken an order, an edit or a status of it."),
    "order.stopped": gettext_noop("An order, or something of it, cannot go on without a person."),
    "order.released": gettext_noop("An order may be picked."),
    "order.held": gettext_noop("A person keeps an order from the other systems."),
    "order.let_go": gettext_noop("A person has ended an order's hold."),
    "order.amended": gettext_noop("A person has corrected an order on its way to the other systems."),
    "order.skipped": gettext_noop("A person has given up a delivery of an order."),
    "shipment.created": gettext_noop("Goods of an order leave, or are planned to."),
    "shipment.changed": gettext_noop("A shipment has another state, or parcels and numbers that it had not before."),
    "shipment.transferred": gettext_noop("A system has been told of a shipment."),
    "return.created": gettext_noop("Goods of an order come back, or are announced to."),
    "return.changed": gettext_noop("A return has another state."),
    "capture.created": gettext_noop("An amount is to be captured at the payment provider."),
    "capture.transferred": gettext_noop("The payment provider has taken a capture."),
    "refund.created": gettext_noop("An amount is to be refunded."),
    "refund.transferred": gettext_noop("The payment provider has taken a refund."),
    "payout.reconciled": gettext_noop("Every line of a payout, or of a day at a provider, has its order."),
    "voucher.created": gettext_noop("There is a new voucher to look at; its state says whether it may be approved."),
    "voucher.posted": gettext_noop("The ledger has taken a voucher."),
    "problem.opened": gettext_noop("Something needs a person."),
    "problem.closed": gettext_noop("The last record of a problem is well."),
    "transfer.failed": gettext_noop("A read or a delivery ended with an error."),
    "connection.paused": gettext_noop("A system is no longer read or written to."),
    "connection.resumed": gettext_noop("A system is in use again."),
    "brake.on": gettext_noop("A mass change waits for a person."),
    "brake.released": gettext_noop("A person has let a mass change go, or it was taken back."),
    "brake.rejected": gettext_noop("A person has let a mass change fall."),
    "configuration.changed": gettext_noop("The configuration has a new version."),
    "webhook.test": gettext_noop("Somebody tries whether a webhook arrives."),
}

#: Types of records that are told of as their order; the others that an order's way knows, under their own name.
_OF_ORDER = frozenset({"order", "order_status", "order_edit", "release"})
_TAKEN = frozenset({"created", "updated", "matched"})


class Happening(NamedTuple):
    """One event: its type, the thing it is about (a key or number), and what is told of it beside that."""

    type: str
    about: str
    data: Mapping[str, Any]


def tell(tenant: int, happenings: Iterable[Happening]) -> None:
    """Write events down for whoever has subscribed to them. Belongs into the transaction of what they tell."""
    happenings = list(happenings)
    if not happenings:
        return
    to = list(Subscription.objects.filter(tenant_id=tenant))
    heard = [one for one in happenings if any(row.hears(one.type) for row in to)]
    events = Event.objects.bulk_create(
        [Event(tenant_id=tenant, type=one.type, about=one.about[:300], data=dict(one.data)) for one in heard]
    )
    Message.objects.bulk_create(
        Message(tenant_id=tenant, subscription=row, event=event)
        for row in to
        if row.state == Subscription.State.ACTIVE
        for event in events
        if row.hears(event.type)
    )


def transfer_ended(transfer: Transfer) -> None:
    """Tell of a run that failed."""
    if transfer.result == "failed":
        data = {
            "transfer": transfer.pk, "connection": transfer.connection.name, "direction": transfer.direction,
            "what": transfer.what,
        }  # fmt: skip
        tell(transfer.tenant_id, [Happening("transfer.failed", str(transfer.pk), data)])


def of_steps(
    connection: str, type_: str, steps: Sequence[tuple[str, str, str]], fresh: frozenset[str] = frozenset()
) -> list[Happening]:
    """What steps of orders' ways (record key, what, text) say to others; `fresh` are the keys that are new here."""
    found = []
    family = "order" if type_ in _OF_ORDER else type_
    for key, what, _ in steps:
        if what == "read":
            name = f"{family}.created" if key in fresh and family == type_ else f"{family}.changed"
        elif what in _TAKEN:
            name = f"{family}.transferred"
        else:
            name = f"order.{what.replace(' ', '_')}"
        if name in TYPES:
            about = {"order": key.split("#")[0], "key": key, "record": type_, "connection": connection}
            found.append(Happening(name, key, about))
    return found
