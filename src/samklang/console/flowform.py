"""The form of one flow: how it writes, which fields, from when, and what its record type lets one choose, with the real
values of both systems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from samklang.connectors.contract import Choice, Manifest
from samklang.connectors.errors import Misconfigured
from samklang.console.frame import blame
from samklang.console.templatetags.words import words
from samklang.hub.guards import LIMITS
from samklang.hub.setup.choices import Listed
from samklang.hub.setup.config import FlowPart
from samklang.hub.setup.options import BRAKES, EVENTS, Option, options_of, pieces, times
from samklang.records import types_of_order
from samklang.records.base import record_class
from samklang.rules.kinds import field_types

_NOTHING = "-"
_HEX = re.compile("([0-9a-f]{2})+")
_MODES = (
    ("both", gettext_lazy("Create and update")),
    ("create", gettext_lazy("Only create; what is there stays as it is")),
    ("update", gettext_lazy("Only update; nothing new is made")),
)


class Real(NamedTuple):
    """The real values of an option: what the source or target lists, and what else the form needs of the target."""

    listed: Listed
    carriers: Listed | None = None


class MapRow(NamedTuple):
    """A row of a map: one side's value, the fields that say what it becomes, and whether nothing is said yet."""

    name: str | Promise
    title: str
    fields: list[forms.BoundField]
    unmapped: bool


class FlowForm(forms.Form):
    """One flow. `real` gives the real values for each option that has some."""

    enabled = forms.BooleanField(label=gettext_lazy("On"), required=False)
    mode = forms.ChoiceField(label=gettext_lazy("What it does at the target"), choices=_MODES, widget=forms.RadioSelect)
    fields_ = forms.MultipleChoiceField(
        label=gettext_lazy("Fields that are updated"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: all that the target can hold. A new record is always written whole."),
    )  # fmt: skip
    since = forms.DateTimeField(
        label=gettext_lazy("Orders placed from"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("The cut-over date: older orders are not sent. Times are the channel's."),
    )  # fmt: skip

    def __init__(
        self, flow: FlowPart, source: Manifest, target: Manifest, real: Mapping[str, Real], given: Any = None
    ) -> None:
        self.flow, self.target = flow, target
        self.options_ = options_of(flow.type, source, target)
        self.real = real
        super().__init__(given, initial=self._initial())
        how = target.writes[flow.type]
        if not how.update:
            self.fields["mode"].choices = _MODES[1:2]  # type: ignore[attr-defined]  # a ChoiceField
            self.fields["mode"].initial = "create"
        able = list(field_types(record_class(flow.type))) if "*" in how.fields else list(how.fields)
        names = [name for name in dict.fromkeys([*able, *flow.fields]) if name != "custom"]
        self.fields["fields_"].choices = [(name, words(name)) for name in names]  # type: ignore[attr-defined]  # as above
        if flow.type not in types_of_order() or flow.type != "order":
            del self.fields["since"]
        for option in self.options_:
            self._add(option)
        for risk, question in BRAKES.get(flow.type, ()):
            self._add_brake(risk, question)

    def _initial(self) -> dict[str, Any]:
        flow = self.flow
        return {"enabled": flow.enabled, "mode": flow.mode, "fields_": flow.fields, "since": flow.since}

    # ------------------------------------------------------------------------------------------------ options

    def _add(self, option: Option) -> None:
        value = self.flow.options.get(option.name, option.default)
        more: dict[str, Any] = {"label": option.title, "help_text": option.help, "required": False, "initial": value}
        name = f"o_{option.name}"
        match option.kind:
            case "many":
                listed = option.fixed or titled(self._listed(option).values)
                choices = [*listed, *((one, one) for one in value or () if one not in dict(listed))]
                if choices:
                    self.fields[name] = forms.MultipleChoiceField(
                        choices=choices, widget=forms.CheckboxSelectMultiple, **more
                    )
                else:  # nothing can be listed yet: it is typed
                    more["help_text"] = _("%(help)s One to a line.") % {"help": option.help}
                    self.fields[name] = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **more)
            case "one":
                self.fields[name] = forms.ChoiceField(choices=option.fixed, widget=forms.RadioSelect, **more)
            case "flag":
                self.fields[name] = forms.BooleanField(**{**more, "initial": bool(value)})
            case "pieces":
                self.fields[name] = forms.CharField(max_length=12, **more)
            case "times":
                self.fields[name] = forms.CharField(max_length=200, **{**more, "initial": ", ".join(value or ())})
            case "status map":
                self._add_events(option, value or {})
            case "carrier map":
                self._add_methods(option, value or {})

    def _listed(self, option: Option) -> Listed:
        return self.real[option.name].listed if option.name in self.real else Listed([])

    def _add_events(self, option: Option, value: Mapping[str, str]) -> None:
        how = self.target.writes[self.flow.type]
        known = titled(self._listed(option).values)
        known += [
            (word, word) for word in (*how.status_map.values(), *value.values()) if word and word not in dict(known)
        ]
        known = [(code, _("%(title)s (mails the buyer)") % {"title": title} if code in how.mails else title)
                 for code, title in dict(known).items()]  # fmt: skip
        for event, _title in EVENTS:
            default = how.status_map.get(event, "")
            usual = _("as usual: %(word)s") % {"word": default} if default else _("nothing")
            choices = [("", usual), *([(_NOTHING, _("nothing"))] if default else []), *known]
            chosen = (value[event] or (_NOTHING if default else "")) if event in value else ""
            self.fields[f"e_{event}"] = forms.ChoiceField(
                label=_("Status for %(event)s") % {"event": event}, choices=choices, required=False, initial=chosen
            )

    def _methods(self) -> list[Choice]:
        listed = self.real["carriers"].listed.values if "carriers" in self.real else []
        kept = [Choice(one) for one in self.flow.options.get("carriers") or {}]
        return with_sent([*listed, *kept], "c", self.data)

    def _add_methods(self, option: Option, value: Mapping[str, Mapping[str, str]]) -> None:
        real = self.real.get("carriers")
        theirs = titled(real.carriers.values) if real and real.carriers else []
        for method in self._methods():
            codes = value.get(method.code, {})
            label = _("Carrier for %(method)s") % {"method": method.name or method.code}
            carrier = codes.get("carrier", "")
            if theirs:
                own = dict.fromkeys(one for one in (carrier, self.data.get(named("c", method.code))) if one)
                more = [(one, one) for one in own if one not in dict(theirs)]
                field: forms.Field = forms.ChoiceField(
                    label=label, choices=[("", _("not chosen")), *theirs, *more], required=False, initial=carrier
                )
            else:
                field = forms.CharField(label=label, max_length=60, required=False, initial=carrier)
            self.fields[named("c", method.code)] = field
            service = _("Service for %(method)s") % {"method": method.name or method.code}
            self.fields[named("s", method.code)] = forms.CharField(
                label=service, max_length=60, required=False, initial=codes.get("service", "")
            )

    def _add_brake(self, risk: str, question: str | Promise) -> None:
        usual = LIMITS[risk]
        own = (self.flow.options.get("brakes") or {}).get(risk) or ["", "", ""]
        self.fields[f"b_{risk}_most"] = forms.IntegerField(
            label=_("Stop when more than … records are %(question)s") % {"question": question}, min_value=0,
            required=False, initial=own[0], widget=forms.NumberInput(attrs={"placeholder": usual.most}),
        )  # fmt: skip
        self.fields[f"b_{risk}_percent"] = forms.FloatField(
            label=_("… or more than … per cent of all"), min_value=0, max_value=100, required=False, initial=own[1],
            widget=forms.NumberInput(attrs={"placeholder": usual.percent}),
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------------ for the page

    @property
    def plain_options(self) -> list[forms.BoundField]:
        """Options that are one field each."""
        return [self[name] for name in self.fields if name.startswith("o_")]

    @property
    def brakes(self) -> list[forms.BoundField]:
        """Fields of the brakes."""
        return [self[name] for name in self.fields if name.startswith("b_")]

    @property
    def events(self) -> list[MapRow]:
        """Rows of the status map."""
        return [
            MapRow(title, event, [self[f"e_{event}"]], not self[f"e_{event}"].value() and not self._usual(event))
            for event, title in EVENTS
            if f"e_{event}" in self.fields
        ]

    @property
    def folds(self) -> int:
        """How many rows of the status map say nothing and are folded away; none where all say nothing, or one is
        answered wrongly."""
        rows = self.events
        nothing = sum(row.unmapped for row in rows)
        return 0 if nothing == len(rows) or any(row.fields[0].errors for row in rows) else nothing

    def _usual(self, event: str) -> str:
        return self.target.writes[self.flow.type].status_map.get(event, "")

    @property
    def unset_statuses(self) -> list[str]:
        """Real statuses of the target that no event sets."""
        set_ = {
            self[f"e_{event}"].value() or self._usual(event) for event, _title in EVENTS if f"e_{event}" in self.fields
        }
        listed = self.real["status_map"].listed.values if "status_map" in self.real else []
        return [one.name or one.code for one in listed if one.code not in set_]

    @property
    def carriers(self) -> list[MapRow]:
        """Rows of the carrier map."""
        if not self.maps_carriers:
            return []
        pairs = [(one, [self[named(what, one.code)] for what in "cs"]) for one in self._methods()]
        return [MapRow(one.name or one.code, one.code, fields, not fields[0].value()) for one, fields in pairs]

    @property
    def maps_carriers(self) -> bool:
        """Whether this flow has a carrier map at all."""
        return any(option.kind == "carrier map" for option in self.options_)

    @property
    def unread(self) -> list[str]:
        """Why lists of real values are missing."""
        listed = [one for real in self.real.values() for one in (real.listed, real.carriers) if one]
        return list(dict.fromkeys(one.error for one in listed if one.error))

    # ------------------------------------------------------------------------------------------------ the answer

    def answer(self, zone: Any) -> FlowPart | None:
        """The flow as it was answered; None when an answer is wrong (then the form says so)."""
        given = self.cleaned_data
        try:
            options = self._options(given)
        except Misconfigured as error:
            blame(self, error)
            return None
        since: datetime | None = self.flow.since
        if "since" in self.fields:
            since = given["since"]
        return msgspec.structs.replace(
            self.flow, enabled=given["enabled"], mode=given["mode"], fields=list(given["fields_"]), since=since,
            options=options,
        )  # fmt: skip

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(self.flow.options)
        for option in self.options_:
            value = self._value(option, given)
            if value in (None, "", [], {}) or value == option.default:
                found.pop(option.name, None)
            else:
                found[option.name] = value
        brakes = {}
        for risk, _question in BRAKES.get(self.flow.type, ()):
            most, percent = given.get(f"b_{risk}_most"), given.get(f"b_{risk}_percent")
            if most is not None or percent is not None:
                usual = LIMITS[risk]
                brakes[risk] = [
                    usual.most if most is None else most,
                    usual.percent if percent is None else percent,
                    usual.few,
                ]
        found.pop("brakes", None)
        return {**found, "brakes": brakes} if brakes else found

    def _value(self, option: Option, given: Mapping[str, Any]) -> Any:
        name = f"o_{option.name}"
        match option.kind:
            case "many":
                value = given[name]
                return _lines(value) if isinstance(value, str) else list(value)
            case "flag":
                return given[name] if option.default else given[name] or None
            case "pieces":
                return pieces(given[name], name)
            case "times":
                return times(given[name], name)
            case "status map":
                chosen = {event: given[f"e_{event}"] for event, _title in EVENTS}
                return {event: "" if word == _NOTHING else word for event, word in chosen.items() if word}
            case "carrier map":
                found = {
                    one.code: {"carrier": given[named("c", one.code)], "service": given[named("s", one.code)]}
                    for one in self._methods()
                }
                return {
                    method: {name: code for name, code in codes.items() if code}
                    for method, codes in found.items() if codes["carrier"]
                }  # fmt: skip
        return given[name]


def named(prefix: str, code: str, *more: str) -> str:
    """A field's name, after the value that it is about: a list may change while the form is open, and no answer may
    slip to a value that has taken another's place."""
    return "_".join([prefix, code.encode().hex(), *more])


def with_sent(values: Iterable[Choice], prefix: str, given: Mapping[str, Any]) -> list[Choice]:
    """The values, each once, and those that a sent form is about although they are listed no more."""
    names = (name.split("_") for name in given if name.startswith(f"{prefix}_"))
    sent = [Choice(bytes.fromhex(parts[1]).decode(errors="replace")) for parts in names if _HEX.fullmatch(parts[1])]
    found: dict[str, Choice] = {}
    for one in (*values, *sent):
        found.setdefault(one.code, one)
    return list(found.values())


def titled(values: Iterable[Choice]) -> list[tuple[str, str]]:
    """Real values for a select: code, and name with code where they differ."""
    return [(one.code, f"{one.name} ({one.code})" if one.name and one.name != one.code else one.code) for one in values]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
