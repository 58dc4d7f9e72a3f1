"""Orders: the list with its filters, what is done to many of them, and the list as a file."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import SamklangError
from samklang.console import export
from samklang.console.frame import go, in_zone, show, told, wake
from samklang.console.query import midnight, place, with_values, word
from samklang.engine.port import bulk_job
from samklang.hub import bulk
from samklang.hub.looks import orders as looks
from samklang.hub.models import Channel, Flow
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.lexicon import WORDS
from samklang.people.rights import Right
from samklang.records.states import states

#: What a person may do to many orders: the button, and what the audit says.
ACTS: dict[str, tuple[object, str]] = {
    "release": (gettext_lazy("Release for picking"), gettext_noop("orders released")),
    "retry": (gettext_lazy("Try again"), gettext_noop("orders tried again")),
    "hold": (gettext_lazy("Hold"), gettext_noop("orders held")),
    "let go": (gettext_lazy("Let go"), gettext_noop("orders let go")),
}


def asked(request: PageRequest) -> looks.Asked:
    """The filters that the address names."""
    return looks.Asked(
        word(request, "q"), word(request, "channel"), word(request, "stand"), word(request, "delivery"),
        midnight(request, "since"), midnight(request, "until", 1),
    )  # fmt: skip


@page(Right.SEE)
def orders(request: PageRequest) -> HttpResponse:
    """A page of the list."""
    in_zone(request)
    wanted = asked(request)
    try:
        found = looks.orders(request.tenant, wanted, place(request))
    except ValueError:
        raise Http404 from None
    releasing = Flow.objects.filter(tenant=request.tenant, type="release", enabled=True).exists()
    acts = {name: title for name, (title, _) in ACTS.items() if name != "release" or releasing}
    return show(
        request, "orders", found=found, asked=wanted, acts=acts, stands=_stands(), chosen=_chosen(request, wanted),
        channels=list(Channel.objects.filter(tenant=request.tenant).order_by("code").values_list("code", "name")),
        first=with_values(request), more=with_values(request, after=found.after) if found.after else "",
        most=bulk.MOST,
    )  # fmt: skip


def _stands() -> list[tuple[object, list[tuple[str, object]]]]:
    """Choices of the filter by state, by axis."""
    names = {"fulfilment": _("Goods"), "payment": _("Money"), "lifecycle": _("Order")}
    return [
        (names[axis], [(f"{axis}:{state}", WORDS.get(state, state)) for state in some])
        for axis, some in sorted(states().items(), key=lambda one: list(names).index(one[0]))
    ]


def _chosen(request: PageRequest, wanted: looks.Asked) -> list[tuple[str, str]]:
    """Filters that are on, each with the address without it."""
    said = {
        "q": wanted.search and f"“{wanted.search}”",
        "channel": wanted.channel,
        "stand": str(WORDS.get(wanted.stand.partition(":")[2], wanted.stand)),
        "delivery": str(WORDS.get(wanted.delivery, _("not in step everywhere"))) if wanted.delivery else "",
        "since": word(request, "since") and _("from %(day)s") % {"day": word(request, "since")},
        "until": word(request, "until") and _("to %(day)s") % {"day": word(request, "until")},
    }
    return [(text, with_values(request, **{name: ""})) for name, text in said.items() if text]


@page(Right.SEE)
def orders_file(request: PageRequest, kind: str) -> HttpResponseBase:
    """The list, as it is filtered, as a file."""
    in_zone(request)
    wanted = asked(request)
    heads = [
        _("Order"), _("Channel"), _("Placed"), _("Customer"), _("E-mail"), _("Country"), _("Net"), _("VAT"), _("Total"),
        _("Currency"), _("Payment method"), _("Order state"), _("Goods"), _("Money"), _("On hold"), _("Where"),
    ]  # fmt: skip
    if kind not in export.TYPES:
        raise Http404
    return export.file(request, "orders", kind, heads, _cells(request, wanted))


def _cells(request: PageRequest, wanted: looks.Asked) -> Iterator[list[export.Cell]]:
    for look in looks.all_orders(request.tenant, wanted):
        order = look.order
        yield [
            order.order_no, order.channel, order.placed_at, order.customer.name, order.customer.email,
            (order.shipping.country or order.billing.country), order.net, order.tax, order.gross, order.currency,
            order.payment_method,
            *(str(WORDS.get(one, one)) for one in (look.lifecycle, look.fulfilment, look.payment)),
            _("yes") if look.held else "",
            ", ".join(f"{at.connection}: {at.external_id or WORDS.get(at.state, at.state)}" for at in look.targets),
        ]  # fmt: skip


@page(None, post=Right.OPERATE)
def orders_act(request: PageRequest) -> HttpResponse:
    """Do something to the orders that are ticked, or to all that the list shows."""
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise Http404
    in_zone(request)
    keys = request.POST.getlist("key")
    if request.POST.get("all") == "1":
        try:
            keys = looks.keys_asked(request.tenant, asked(request), bulk.MOST + 1)
        except ValueError:
            raise Http404 from None
    try:
        made = bulk.start(request.tenant.pk, act, request.user.email, keys, reason=request.POST.get("reason", ""))  # type: ignore[arg-type]
    except SamklangError as error:
        messages.error(request, told(error))
        return go(request, "orders")
    audit.note(request, ACTS[act][1], f"bulk {made.pk}", count=made.total)
    wake(bulk_job(request.tenant.pk, made.pk))
    return go(request, "bulk", made.pk)
