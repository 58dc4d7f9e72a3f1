"""One flow, channels, and what a system's own status words mean: pages with forms whose answers go into the draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.connectors.contract import Choice
from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.console.flowform import FlowForm, Real, named, with_sent
from samklang.console.flows import edit
from samklang.console.frame import blame, go, is_part, show, told
from samklang.console.templatetags.words import words
from samklang.hub.models import Connection
from samklang.hub.setup import choices, drafts, edits
from samklang.hub.setup.config import ChannelPart, Config, FlowPart
from samklang.hub.setup.connecting import SHOPS
from samklang.hub.setup.drafts import Shown
from samklang.hub.setup.options import options_of
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right
from samklang.records.states import AXES, axes_of, states
from samklang.records.times import zone

_WHO = gettext_lazy("This flow")


@page(Right.SEE, post=Right.CONFIGURE)
def flow(request: PageRequest, channel: str, type_: str, target: str) -> HttpResponse:
    """How one flow flows."""
    shown = drafts.shown(request.tenant)
    part = edits.find_flow(shown.wanted, (channel, type_, target))
    if part is None:
        raise Http404
    place = shown.wanted.channels[channel]
    timezone.activate(zone(place.time_zone))
    source, theirs = (manifest(shown.wanted.connections[end].connector) for end in (part.source, target))
    form = FlowForm(part, source, theirs, _real(request, part), request.POST if request.method == "POST" else None)
    if form.is_valid():
        answered = form.answer(zone(place.time_zone))
        if answered is not None and _kept(request, form, part, answered):
            messages.success(request, _("It is in the draft. The plan shows what it does."))
            return go(request, "flows")
    chains = [
        ("in", part.source, edits.find_chain(shown.wanted, part.source, "in", type_)),
        ("out", target, edits.find_chain(shown.wanted, target, "out", type_)),
    ]
    return show(
        request, "parts/flow_form" if is_part(request) else "flow", 422 if form.errors else 200, zoned=place.time_zone,
        flow=part, form=form, shown=shown, source=source, target=theirs, seen=drafts.mark(part), chains=chains,
        live=edits.find_flow(shown.now, part.name()),
    )  # fmt: skip


def _kept(request: PageRequest, form: forms.Form, part: FlowPart, answered: FlowPart) -> bool:
    seen = request.POST.get("seen", "")

    def change(config: Config) -> None:
        drafts.unchanged(edits.find_flow(config, part.name()), seen, str(_WHO))
        edits.put_flow(config, answered)

    try:
        edit(request, drafts.flow_name(answered), change)
    except Misconfigured as error:
        blame(form, error)
        return False
    return True


def _real(request: PageRequest, part: FlowPart) -> dict[str, Real]:
    """The real values for the options of a flow."""
    rows = {
        row.name: row
        for row in Connection.objects.select_related("tenant").filter(
            tenant=request.tenant, name__in=[part.source, part.target]
        )
    }
    source, target = rows[part.source], rows[part.target]
    found = {}
    for option in options_of(part.type, manifest(source.connector), manifest(target.connector)):
        if option.what is None:
            continue
        listed = choices.choices(source if option.of == "source" else target, option.what)
        carriers = choices.choices(target, "carrier") if option.kind == "carrier map" else None
        found[option.name] = Real(listed, carriers)
    return found


@page(None, post=Right.CONFIGURE)
def anew(request: PageRequest, channel: str, type_: str, target: str) -> HttpResponse:
    """Ask both systems for their values again."""
    choices.forget()
    return go(request, "flow", channel, type_, target)


# ------------------------------------------------------------------------------------------------ channels


class ChannelForm(forms.Form):
    """A channel: a shop, or one of the shops behind one connection."""

    code = forms.SlugField(
        label=gettext_lazy("Code"), max_length=40, help_text=gettext_lazy("What its orders are tagged with. It stays.")
    )
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, required=False)
    connection = forms.ChoiceField(label=gettext_lazy("Connection to the shop"))
    country = forms.CharField(label=gettext_lazy("Country"), min_length=2, max_length=2, initial="SE")
    currency = forms.CharField(label=gettext_lazy("Currency"), min_length=3, max_length=3, initial="SEK")
    time_zone = forms.CharField(label=gettext_lazy("Time zone"), max_length=40, initial="Europe/Stockholm")
    dimension = forms.CharField(
        label=gettext_lazy("Result unit in the ERP"), max_length=40, required=False,
        help_text=gettext_lazy("Cost centre or project that this shop's sales are booked on (Q-15)."),
    )  # fmt: skip

    def __init__(self, shown: Shown, code: str, given: Any = None) -> None:
        part = shown.wanted.channels.get(code)
        initial = {**msgspec.structs.asdict(part), "code": code} if part else {}
        super().__init__(given, initial=initial)
        shops = [
            name for name, one in shown.wanted.connections.items() if manifest(one.connector).kind in SHOPS
            or (part and part.connection == name)
        ]  # fmt: skip
        cast("forms.ChoiceField", self.fields["connection"]).choices = [(name, name) for name in shops]
        if part:
            del self.fields["code"]

    def clean_time_zone(self) -> str:
        """A zone that there is."""
        try:
            zone(self.cleaned_data["time_zone"])
        except ValueError as error:
            raise forms.ValidationError(_("There is no such time zone.")) from error
        return str(self.cleaned_data["time_zone"])

    def part(self) -> ChannelPart:
        """What was answered."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "code"}
        given |= {name: given[name].upper() for name in ("country", "currency")}
        return ChannelPart(**given)


@page(Right.SEE)
def channels(request: PageRequest) -> HttpResponse:
    """All channels."""
    shown = drafts.shown(request.tenant)
    flows = [flow.channel for flow in shown.wanted.flows]
    rows = [(code, part, flows.count(code)) for code, part in shown.wanted.channels.items()]
    return show(request, "channels", shown=shown, rows=rows)


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def channel(request: PageRequest, code: str = "") -> HttpResponse:
    """A new channel, or one that there is."""
    shown = drafts.shown(request.tenant)
    there = shown.wanted.channels.get(code)
    if code and there is None:
        raise Http404
    form = ChannelForm(shown, code, request.POST if request.method == "POST" else None)
    if form.is_valid():
        name, part, seen = code or form.cleaned_data["code"], form.part(), request.POST.get("seen", "")

        def change(config: Config) -> None:
            if not code and name in config.channels:
                raise Misconfigured(f"There is a channel {name} already", where="code")
            drafts.unchanged(config.channels.get(name), seen, _("This channel"))
            edits.put_channel(config, name, part)

        try:
            edit(request, f"channel {name}", change)
        except Misconfigured as error:
            blame(form, error)
        else:
            return go(request, "channels")
    return show(
        request, "channel", 422 if form.errors else 200, form=form, code=code, seen=drafts.mark(there), shown=shown
    )


@page(None, post=Right.CONFIGURE)
def channel_gone(request: PageRequest, code: str) -> HttpResponse:
    """Take a channel away, with its flows."""
    try:
        edit(request, f"channel {code} gone", lambda config: edits.remove_channel(config, code))
    except Misconfigured as error:
        messages.error(request, told(error))
    return go(request, "channels")


# ------------------------------------------------------------------------------------------------ status words


class WordsForm(forms.Form):
    """What each of a system's own status words says of an order: one choice for each axis, or that it says nothing."""

    def __init__(self, found: list[Choice], chosen: Mapping[str, list[str]], given: Any = None) -> None:
        super().__init__(given)
        self.found = with_sent(found, "w", self.data)
        for one in self.found:
            said = axes_of(chosen.get(one.code, ()))
            for axis, known in states().items():
                self.fields[named("w", one.code, axis)] = forms.ChoiceField(
                    label=f"{one.name or one.code}: {words(axis)}", required=False, initial=said.get(axis, ""),
                    choices=[("", "–"), *((state, words(state)) for state in known)],
                )  # fmt: skip
            self.fields[named("i", one.code)] = forms.BooleanField(
                label=_("%(word)s says nothing") % {"word": one.name or one.code}, required=False,
                initial=chosen.get(one.code) == ["ignore"],
            )  # fmt: skip

    @property
    def rows(self) -> list[tuple[Choice, list[forms.BoundField], forms.BoundField, bool]]:
        """For the page: word, its choices, the box that it says nothing, and whether nobody has said anything yet."""
        rows = []
        for one in self.found:
            fields = [self[named("w", one.code, axis)] for axis in AXES]
            ignored = self[named("i", one.code)]
            rows.append((one, fields, ignored, not ignored.value() and not any(field.value() for field in fields)))
        return rows

    def answer(self) -> dict[str, list[str]]:
        """Word → states, as a connection's part of the configuration has it."""
        table: dict[str, list[str]] = {}
        given = self.cleaned_data
        for one in self.found:
            chosen = {axis: given[named("w", one.code, axis)] for axis in AXES}
            said = [f"{axis}:{state}" for axis, state in chosen.items() if state]
            ignored = given[named("i", one.code)]
            if ignored or said:
                table[one.code] = ["ignore"] if ignored else said
        return table


@page(Right.SEE, post=Right.CONFIGURE)
def status_words(request: PageRequest, name: str) -> HttpResponse:
    """What a system's own status words mean for an order."""
    shown = drafts.shown(request.tenant)
    row = Connection.objects.select_related("tenant").filter(tenant=request.tenant, name=name).first()
    part = shown.wanted.connections.get(name)
    if row is None or part is None:
        raise Http404
    listed = choices.choices(row, "order_status")
    found = [*listed.values, *map(Choice, part.status_words)]
    form = WordsForm(found, part.status_words, request.POST if request.method == "POST" else None)
    if form.is_valid():
        table, seen = form.answer(), request.POST.get("seen", "")

        def change(config: Config) -> None:
            drafts.unchanged(config.connections[name].status_words, seen, _("This table"))
            config.connections[name].status_words = table

        try:
            edit(request, f"status words of {name}", change)
        except Misconfigured as error:
            blame(form, error)
        else:
            messages.success(request, _("It is in the draft. The plan shows what it does."))
            return go(request, "connection", name)
    return show(
        request, "status_words", 422 if form.errors else 200, row=row, form=form, shown=shown, listed=listed,
        seen=drafts.mark(part.status_words), axes=AXES,
    )  # fmt: skip
