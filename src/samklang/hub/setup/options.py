"""What can be set on a flow of each record type besides mode, fields and condition: for the console's forms and for
whoever calls the API. The names are keys of `Flow.options`; who reads each is said in its module."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from samklang.connectors.contract import ChoiceKind, Manifest
from samklang.connectors.errors import Misconfigured
from samklang.hub.projection import MAPPED

Kind = Literal["many", "one", "flag", "pieces", "times", "status map", "carrier map"]


class Option(NamedTuple):
    """One question. `kind`: several of a list, one of a list, yes or no, a number of pieces, or a map. `what` and `of`:
    whose real values the list shows (setup/choices.py). `fixed`: the list itself, where it is ours: (value, words)."""

    name: str
    kind: Kind
    title: str | Promise
    help: str | Promise = ""
    what: ChoiceKind | None = None
    of: Literal["source", "target"] = "source"
    fixed: tuple[tuple[str, str | Promise], ...] = ()
    default: Any = None


_STATUSES = Option(
    "statuses", "many", _("Statuses that let an order through"),
    _("The shop's own words. None chosen: every order goes, whatever its status."), "order_status",
)  # fmt: skip
_METHODS = Option(
    "methods", "many", _("Payment methods"), _("None chosen: all that only reserve the money."), "payment_method"
)

#: Record type → what can be set, in the order of the form.
OPTIONS: dict[str, tuple[Option, ...]] = {
    "order": (
        _STATUSES,  # J-10, Q-05
        Option(
            "document", "one", _("What it becomes in the ERP"),
            fixed=(("order", _("An order")), ("invoice", _("An invoice"))), default="order",
        ),
        Option("book", "flag", _("Book the invoice at once"), _("Else it stays open for a person to look at.")),
        Option(
            "carriers", "carrier map", _("Shipping methods and carriers"),  # O-12
            _("What the warehouse or transport system calls each of the shop's shipping methods."), "shipping_method",
        ),
    ),
    "order_status": (
        Option(
            "status_map", "status map", _("What each event sets"),  # Q-08, J-11
            _("Left: what has happened to the order. Right: the status that the target gets; it may mail the buyer."),
            "order_status", "target",
        ),
    ),
    "shipment": (
        Option("mail", "flag", _("Tell the buyer, with the tracking number"), _("The target mails the buyer.")),  # J-12
    ),
    "stock": (
        Option(
            "figure", "one", _("Figure that is told"),
            fixed=(("available", _("Available: on hand less reserved")), ("on_hand", _("On hand"))),
            default="available",
        ),
        Option("warehouses", "many", _("Warehouses that count"), _("None chosen: all."), "warehouse"),
        Option("buffer", "pieces", _("Pieces kept back"), _("Told figures are so much lower, never below 0.")),
    ),
    "capture": (
        _METHODS,
        Option(
            "hold", "flag", _("Do not tell that it was sent before the money is taken"), default=True,  # J-13
        ),
    ),
    "void": (_METHODS,),
    "refund": (
        Option(
            "reasons", "many", _("Returns that are paid back by themselves"),
            _("None chosen: a person decides each time."),
            fixed=(
                ("regret", _("Regretted in time")), ("complaint", _("Complaint")), ("uncollected", _("Not collected")),
                ("wrong", _("Wrong goods")),
            ),
        ),
    ),
    "release": (
        Option(
            "statuses", "many", _("Statuses that release an order"),
            _("The shop's own words. None chosen: only people release, or the set times."), "order_status",
        ),
        Option("times", "times", _("Times when what is in stock is released"), _("Such as 07:00, 13:00.")),
    ),
}  # fmt: skip

#: What a brake watches, by record type (hub/guards.py): risk, question.
BRAKES: dict[str, tuple[tuple[str, str | Promise], ...]] = {
    "stock": (("zero", _("going to zero stock")),),
    "price": (("price", _("changing price")),),
    "product": (("delete", _("disappearing or archived")),),
    "order_status": (("status", _("changing status")),),
}

#: What can have happened to an order, in words that a status map translates (OrderStatus.words), the first one last.
EVENTS: tuple[tuple[str, str | Promise], ...] = (
    ("received", _("received by the ERP")), ("released", _("released for picking")), ("picking", _("being picked")),
    ("partly_shipped", _("partly shipped")), ("shipped", _("shipped")), ("delivered", _("delivered to the buyer")),
    ("invoiced", _("invoiced")), ("paid", _("paid")), ("partly_returned", _("partly returned")),
    ("returned", _("returned")), ("cancelled", _("cancelled")),
)  # fmt: skip


def options_of(type_: str, source: Manifest, target: Manifest) -> list[Option]:
    """What can be set on a flow of this type between these two."""
    found = []
    for option in OPTIONS.get(type_, ()):
        if option.name in ("document", "book") and target.kind != "erp":
            continue
        if option.name == "carriers" and target.kind not in ("wms", "carrier", "erp"):
            continue
        if option.name == "warehouses" and not source.warehouses:
            continue
        found.append(option)
    return found


def check_maps(type_: str, options: Mapping[str, Any]) -> None:
    """Raise Misconfigured when an option `maps` is none."""
    given = options.get("maps") or {}
    known = [what for what, fields in MAPPED.items() if type_ in fields]
    for what, table in given.items() if isinstance(given, dict) else [("", given)]:
        if what not in known or not isinstance(table, dict) or not all(isinstance(new, str) for new in table.values()):
            raise Misconfigured(
                f"A flow of {type_} has no table {what!r} of that shape", where="maps",
                do_this=f"Tables are: {', '.join(known) or 'none'}; a line is the source's value and the target's.",
            )  # fmt: skip


def pieces(text: str, where: str) -> str:
    """A number of pieces as options hold it; "" for none. Misconfigured when it is none."""
    if not text.strip():
        return ""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise Misconfigured(f"{text!r} is no number of pieces", where=where) from None
    if not value.is_finite() or value < 0:
        raise Misconfigured(f"{text!r} is no number of pieces", where=where)
    return format(value.normalize(), "f") if value else ""


def times(text: str, where: str) -> list[str]:
    """Times of day as options hold them, in order. Misconfigured when one is none."""
    found = set()
    for part in text.replace(",", " ").split():
        try:
            found.add(time.fromisoformat(part.zfill(5)).strftime("%H:%M"))
        except ValueError:
            raise Misconfigured(f"{part!r} is no time of day", where=where, do_this="Write it as 07:00.") from None
    return sorted(found)
