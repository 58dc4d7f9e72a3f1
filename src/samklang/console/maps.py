"""Tables between two systems: one page for each, with the real values of both; and the page that leads to all of them,
also to those that stand in a flow's own form (statuses, carriers, warehouses that count)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.connectors.contract import Choice
from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.console.flowform import named, titled, with_sent
from samklang.console.flows import edit
from samklang.console.frame import blame, go, show
from samklang.hub.models import Connection
from samklang.hub.setup import choices, drafts, maps
from samklang.hub.setup.config import Config, FlowPart
from samklang.hub.setup.options import options_of
from samklang.people.access import PageRequest, here, page
from samklang.people.rights import Right


class Words(NamedTuple):
    """A kind of table for people."""

    title: str | Promise
    says: str | Promise


WORDS: Mapping[str, Words] = {
    "price_list": Words(
        gettext_lazy("Price lists and customer groups"),
        gettext_lazy("Prices of a list, and the customers who have it, go into the list or customer group beside it."),
    ),
    "customer_group": Words(
        gettext_lazy("Customer groups"), gettext_lazy("Customers of a group get the group beside it.")
    ),
    "warehouse": Words(
        gettext_lazy("Warehouses"), gettext_lazy("Stock of a warehouse is told as that of the one beside it.")
    ),
    "payment_method": Words(
        gettext_lazy("Payment methods"),
        gettext_lazy("Orders paid in this way get the terms or the payment method beside it."),
    ),
    "shipping_method": Words(
        gettext_lazy("Shipping methods"), gettext_lazy("Orders sent in this way get the way of delivery beside it.")
    ),
}  # fmt: skip
_FEW = 4  # tables without lines that are listed with the others
#: Tables in a flow's own form, by the name of the option.
_IN_FLOWS: Mapping[str, str | Promise] = {
    "status_map": gettext_lazy("Statuses: what each event sets"),
    "statuses": gettext_lazy("Statuses that let an order through"),
    "carriers": gettext_lazy("Shipping methods and carriers"),
    "warehouses": gettext_lazy("Warehouses that count"),
}


class Entry(NamedTuple):
    """A line of the page that leads to all tables: what, between whom, how many lines it has, where it is edited."""

    title: str | Promise
    source: str
    target: str
    said: int
    address: str


@page(Right.SEE)
def tables(request: PageRequest) -> HttpResponse:
    """Every table that the tenant's flows can have, by channel."""
    shown = drafts.shown(request.tenant)
    found: dict[str, list[Entry]] = {code: [] for code in shown.wanted.channels}
    for one in maps.tables(shown.wanted):
        address = here(request, "console:map", *one.place)
        found[one.channel].append(Entry(WORDS[one.what].title, one.source, one.target, len(one.values), address))
    for flow in shown.wanted.flows:
        found[flow.channel].extend(_of_flow(request, shown.wanted, flow))
    words = [
        (name, len(part.status_words)) for name, part in shown.wanted.connections.items()
        if manifest(part.connector).feed_for("order_status")
    ]  # fmt: skip
    channels = [(code, *_folded(entries)) for code, entries in found.items()]
    return show(request, "maps", shown=shown, channels=channels, words=words)


def _folded(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those that are shown, and those without lines, which are folded where there are others and more than a few."""
    bare = [one for one in entries if not one.said]
    if len(bare) < _FEW or len(bare) == len(entries):
        return entries, []
    return [one for one in entries if one.said], bare


def _of_flow(request: PageRequest, config: Config, flow: FlowPart) -> list[Entry]:
    """The tables in the form of one flow."""
    ends = [manifest(config.connections[end].connector) for end in (flow.source, flow.target)]
    address = here(request, "console:flow", flow.channel, flow.type, flow.target)
    return [
        Entry(
            _IN_FLOWS[option.name], flow.source, flow.target, len(flow.options.get(option.name) or ()),
            f"{address}#{'option-' if option.kind.endswith('map') else 'id_o_'}{option.name}",
        )
        for option in options_of(flow.type, *ends) if option.name in _IN_FLOWS
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------ one table


class Row(NamedTuple):
    """A line on the page: the source's value, the field that says what it becomes, how it stands."""

    value: Choice
    field: forms.BoundField
    same: bool
    open: bool


class TableForm(forms.Form):
    """A line for each of the source's values, its field named after the value: lists may change while the form is open.
    Where the target lists nothing, its value is typed."""

    def __init__(self, lines: Sequence[maps.Line], theirs: Sequence[Choice], given: Any = None) -> None:
        super().__init__(given)
        there = {line.value.code: line for line in lines}
        values = with_sent([line.value for line in lines], "v", self.data)
        self.lines = [there.get(one.code) or maps.Line(one, "", False) for one in values]
        known = titled(theirs)
        for line in self.lines:
            name = named("v", line.value.code)
            label = _("%(value)s becomes") % {"value": line.value.name or line.value.code}
            if known:
                as_it_is = _("the same name there") if line.same else _("goes as it is")
                more = dict.fromkeys(one for one in (line.becomes, self.data.get(name)) if one)
                own = [(one, one) for one in more if one not in dict(known)]
                field: forms.Field = forms.ChoiceField(
                    label=label, required=False, initial=line.becomes, choices=[("", as_it_is), *known, *own]
                )
            else:
                field = forms.CharField(label=label, required=False, initial=line.becomes, max_length=200)
            self.fields[name] = field

    @property
    def rows(self) -> list[Row]:
        """For the page."""
        return [Row(line.value, self[named("v", line.value.code)], line.same, line.open) for line in self.lines]

    def answer(self) -> dict[str, str]:
        """The lines as they were answered."""
        return {line.value.code: self.cleaned_data[named("v", line.value.code)] for line in self.lines}


@page(Right.SEE, post=Right.CONFIGURE)
def table(request: PageRequest, channel: str, of: str, source: str, target: str) -> HttpResponse:
    """One table, with the real values of both systems."""
    shown = drafts.shown(request.tenant)
    place = (channel, of, source, target)
    one = maps.table(shown.wanted, place)
    rows = {
        row.name: row
        for row in Connection.objects.select_related("tenant").filter(tenant=request.tenant, name__in=(source, target))
    }
    if one is None or len(rows) < 2:
        raise Http404
    lines, ours, theirs = maps.lines(one, rows[source], rows[target])
    form = TableForm(lines, theirs.values, request.POST if request.method == "POST" else None)
    if form.is_valid():
        seen = request.POST.get("seen", "")

        def change(config: Config) -> None:
            there = maps.table(config, place)
            drafts.unchanged(there and dict(there.values), seen, _("This table"))
            assert there is not None, "it looks as it was seen"
            maps.put(config, there._replace(values=form.answer()))

        try:
            edit(request, f"{channel}: {of} {source} → {target}", change)
        except Misconfigured as error:
            blame(form, error)
        else:
            messages.success(request, _("It is in the draft. The plan shows what it does."))
            return go(request, "maps")
    unread = [(name, listed.error) for name, listed in ((source, ours), (target, theirs)) if listed.error]
    return show(
        request, "map_table", 422 if form.errors else 200, table=one, form=form, shown=shown, words=WORDS[of],
        source=rows[source], target=rows[target], unread=unread, seen=drafts.mark(dict(one.values)),
        open=sum(line.open for line in lines),
    )  # fmt: skip


@page(None, post=Right.CONFIGURE)
def anew(request: PageRequest, channel: str, of: str, source: str, target: str) -> HttpResponse:
    """Ask both systems for their values again."""
    choices.forget()
    return go(request, "map", channel, of, source, target)
