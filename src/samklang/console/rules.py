"""Rules: chains of readable sentences, each with a form, played on a real record while they are edited. What is saved
goes into the draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from samklang.connectors.errors import Misconfigured
from samklang.connectors.registry import manifest
from samklang.console import phrases, ruletree
from samklang.console.flows import edit
from samklang.console.frame import go, is_part, show, told
from samklang.hub.models import Connection
from samklang.hub.rulesets import Direction
from samklang.hub.setup import drafts, edits, trying
from samklang.hub.setup.config import Config, RulesPart
from samklang.hub.setup.drafts import Shown
from samklang.people.access import PageRequest, page
from samklang.people.retold import retold
from samklang.people.rights import Right
from samklang.records import record_types
from samklang.rules import InvalidRules, describe, load


class Place(NamedTuple):
    """Where a chain stands, and its sentences."""

    connection: str
    direction: str
    type: str
    sentences: list[str]


def sentence(data: Mapping[str, Any]) -> str:
    """A rule as a sentence in the reader's language."""
    try:
        return describe(load([{**data, "on": ()}])[0], phrases.spoken())
    except InvalidRules as error:
        return retold(str(error))


@page(Right.SEE)
def rules(request: PageRequest) -> HttpResponse:
    """All chains, and the places on the way of a flow where there could be one."""
    shown = drafts.shown(request.tenant)
    places = {
        (part.connection, part.direction, part.type): [sentence(rule) for rule in part.rules]
        for part in shown.wanted.rules
    }
    for flow in shown.wanted.flows:
        places.setdefault((flow.source, "in", flow.type), [])
        places.setdefault((flow.target, "out", flow.type), [])
    order = record_types()
    found = sorted(places.items(), key=lambda one: (not one[1], order.index(one[0][2]), one[0]))
    every = [Place(*where, sentences) for where, sentences in found]
    ruled, bare = ([one for one in every if bool(one.sentences) == has] for has in (True, False))
    return show(request, "rules", shown=shown, places=every, ruled=ruled, bare=bare)


class _At:
    """A place with a chain, as a request names it. 404 where there is none."""

    def __init__(self, request: PageRequest, connection: str, direction: str, type_: str) -> None:
        self.shown: Shown = drafts.shown(request.tenant)
        part = self.shown.wanted.connections.get(connection)
        row = Connection.objects.select_related("tenant").filter(tenant=request.tenant, name=connection).first()
        if part is None or row is None or direction not in ("in", "out") or type_ not in record_types():
            raise Http404
        self.row, self.connection, self.type = row, connection, type_
        self.direction = cast("Direction", direction)
        self.facts = manifest(part.connector)
        self.chain = edits.find_chain(self.shown.wanted, connection, direction, type_)
        self.rules: list[dict[str, Any]] = list(self.chain.rules) if self.chain else []

    @property
    def place(self) -> tuple[str, str, str]:
        """For addresses."""
        return self.connection, self.direction, self.type

    def put(self, request: PageRequest, rules_: list[dict[str, Any]], what: str) -> None:
        """Let these be the rules of this place in the draft. Misconfigured when they cannot be, or when the chain is
        not as the reader saw it."""
        seen = request.POST.get("seen", "")

        def change(config: Config) -> None:
            there = edits.find_chain(config, *self.place)
            drafts.unchanged(there, seen, _("This chain of rules"))
            edits.put_chain(config, RulesPart(self.connection, self.direction, self.type, rules_))

        edit(request, f"{self.connection} {self.direction} {self.type}: {what}", change)

    def values(self) -> dict[str, Any]:
        """What every template about this place needs."""
        return {
            "at": self, "shown": self.shown, "seen": drafts.mark(self.chain), "place": self.place,
            "sentences": [(number, sentence(rule), rule) for number, rule in enumerate(self.rules)],
        }  # fmt: skip


@page(Right.SEE)
def chain(request: PageRequest, connection: str, direction: str, type_: str) -> HttpResponse:
    """A chain as sentences, and what it does to a real record."""
    at = _At(request, connection, direction, type_)
    if is_part(request):
        return _preview(request, at, at.rules)
    return show(request, "chain", **at.values(), **_tried(request, at, at.rules))


@page(None, post=Right.CONFIGURE)
def arrange(request: PageRequest, connection: str, direction: str, type_: str) -> HttpResponse:
    """Move a rule, switch it on or off, take it out."""
    at = _At(request, connection, direction, type_)
    verb, _blank, number_text = request.POST.get("act", "").partition(" ")
    number = int(number_text) if number_text.isdigit() else -1
    error = ""
    if 0 <= number < len(at.rules) and verb in _ARRANGE:
        try:
            at.put(request, _ARRANGE[verb](at.rules, number), f"rule {number + 1} {verb}")
        except Misconfigured as refused:
            error = told(refused)
        at = _At(request, connection, direction, type_)
    if not is_part(request):
        if error:
            messages.error(request, error)
        return go(request, "chain", *at.place)
    return show(request, "parts/chain", **at.values(), **_tried(request, at, at.rules), error=error)


def _up(rules_: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    first = max(0, number - 1)
    return [*rules_[:first], rules_[number], *(one for n, one in enumerate(rules_) if n >= first and n != number)]


def _down(rules_: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return _up(rules_, number + 1) if number + 1 < len(rules_) else rules_


def _toggle(rules_: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    rule = {**rules_[number], "enabled": not rules_[number].get("enabled", True)}
    if rule["enabled"]:
        del rule["enabled"]
    return [*rules_[:number], rule, *rules_[number + 1 :]]


def _remove(rules_: list[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return [*rules_[:number], *rules_[number + 1 :]]


_ARRANGE: dict[str, Callable[[list[dict[str, Any]], int], list[dict[str, Any]]]] = {
    "up": _up, "down": _down, "toggle": _toggle, "remove": _remove,
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ one rule's form


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def rule(request: PageRequest, connection: str, direction: str, type_: str, number: int) -> HttpResponse:
    """The form of a rule; `number` counts from 0, one beyond the last is a new one.

    Sent with `act`, the form comes back with a field more or less; as a part with `try`, only what the chain would do;
    else it is saved.
    """
    at = _At(request, connection, direction, type_)
    if number > len(at.rules):
        raise Http404
    new = number == len(at.rules)
    if request.method != "POST":
        data = {"then": {"do": "set"}} if new else at.rules[number]
        return _rule_form(request, at, number, data)
    data = _sent(request.POST, {} if new else at.rules[number])
    wish = request.POST.get("act", "")
    if wish:
        ruletree.act(data, wish) if wish != "kind" else None
        return _rule_form(request, at, number, data)
    wanted = [*at.rules[:number], data, *at.rules[number + 1 :]]
    if request.POST.get("try"):
        return _preview(request, at, wanted, number)
    try:
        load([data], at.type)
        at.put(request, wanted, sentence(data))
    except InvalidRules as error:
        return _rule_form(request, at, number, data, retold(error.reason), error.field)
    except Misconfigured as error:
        return _rule_form(request, at, number, data, told(error))
    messages.success(request, _("It is in the draft. The plan shows what it does."))
    return go(request, "chain", *at.place)


def _sent(post: Any, before: Mapping[str, Any]) -> dict[str, Any]:
    """A rule out of a form. What the form does not show stays as it was."""
    tree = ruletree.sent(post, "r")
    data: dict[str, Any] = {name: before[name] for name in ("on",) if name in before}
    if name := str(tree.get("name", "")).strip():
        data["name"] = name
    if each := str(tree.get("each", "")).strip():
        data["each"] = each
    if "off" in tree:
        data["enabled"] = False
    when = ruletree.condition_data(tree["when"]) if isinstance(tree.get("when"), dict) else {}
    if when:
        data["when"] = when
    data["then"] = ruletree.action_data(tree["then"] if isinstance(tree.get("then"), dict) else {})
    return data


def _rule_form(
    request: PageRequest, at: _At, number: int, data: Mapping[str, Any], error: str = "", wrong: str = ""
) -> HttpResponse:
    wanted = [*at.rules[:number], dict(data), *at.rules[number + 1 :]]
    place = wrong.replace("[", ".").replace("]", "")
    return show(
        request, "parts/rule_form" if is_part(request) else "rule", 422 if error else 200, **at.values(), number=number,
        new=number == len(at.rules), rule=data, error=error, wrong=wrong, paths=ruletree.paths(at.type),
        when=ruletree.condition_node(data.get("when"), "r.when", place), rows=ruletree.rows_of(at.type),
        then=ruletree.action_node(data.get("then") or {}, "r.then", place), **_tried(request, at, wanted, number),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ preview


def _preview(request: PageRequest, at: _At, rules_: list[dict[str, Any]], number: int = -1) -> HttpResponse:
    return show(request, "parts/preview", **at.values(), **_tried(request, at, rules_, number))


def _tried(request: PageRequest, at: _At, rules_: list[dict[str, Any]], number: int = -1) -> dict[str, Any]:
    """What the rules do to a real record; `number` is the one that is being edited."""
    asked = request.POST.get("key", request.GET.get("key", ""))
    keys = trying.offered(at.row, at.direction, at.type, asked)
    key = asked if asked in keys else keys[0] if keys else ""
    one = trying.sample(at.row, at.direction, at.type, key) if key else None
    tried = trying.tried(rules_, one.record, at.connection, at.direction) if one else None
    return {"sample": one, "keys": keys, "asked": asked, "tried": tried, "edited": number + 1}


# ------------------------------------------------------------------------------------------------ a flow's condition


@page(Right.CONFIGURE, post=Right.CONFIGURE)
def flow_when(request: PageRequest, channel: str, type_: str, target: str) -> HttpResponse:
    """Which records a flow takes: the form of its condition, and how many of the newest it takes."""
    shown = drafts.shown(request.tenant)
    part = edits.find_flow(shown.wanted, (channel, type_, target))
    if part is None:
        raise Http404
    source = Connection.objects.select_related("tenant").get(tenant=request.tenant, name=part.source)
    when, error = part.when, ""
    if request.method == "POST":
        tree = ruletree.sent(request.POST, "r").get("when")
        data: dict[str, Any] = {"when": ruletree.condition_data(tree if isinstance(tree, dict) else {}) or None}
        wish = request.POST.get("act", "")
        if wish and wish != "kind":
            ruletree.act(data, wish)
        when = data["when"] or None
        error = retold(trying.refuse(when, type_)) if when else ""
        if not wish and not error:
            seen = request.POST.get("seen", "")

            def change(config: Config) -> None:
                there = edits.find_flow(config, (channel, type_, target))
                drafts.unchanged(there, seen, _("This flow"))
                assert there is not None, "it looks as it was seen"
                there.when = when

            try:
                edit(request, f"{drafts.flow_name(part)}: condition", change)
            except Misconfigured as refused:
                error = told(refused)
            else:
                return go(request, "flow", channel, type_, target)
        error = "" if wish else error
    counted = trying.counted(source, type_, when) if when and not trying.refuse(when, type_) else None
    return show(
        request, "parts/when_form" if is_part(request) else "when", 422 if error else 200, flow=part, shown=shown,
        when=ruletree.condition_node(when, "r.when"), paths=ruletree.paths(type_), error=error, counted=counted,
        seen=drafts.mark(part), words=phrases.condition(when) if when and not trying.refuse(when, type_) else "",
    )  # fmt: skip
