"""Flows: the picture of who is master of what and where it goes, edited in place; presets. Nothing here takes effect:
edits collect in the draft (setup/drafts.py) until its plan is applied."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from samklang.connectors.errors import Misconfigured
from samklang.console.frame import go, is_part, show, told
from samklang.console.templatetags.words import words
from samklang.hub.flows import PRESETS
from samklang.hub.setup import drafts, edits, grid
from samklang.hub.setup.config import Config
from samklang.hub.setup.drafts import Shown
from samklang.people import audit
from samklang.people.access import PageRequest, page
from samklang.people.rights import Right


class PresetWords(NamedTuple):
    """A preset for people."""

    name: str
    title: str | Promise
    says: str | Promise


PRESET_WORDS = (
    PresetWords(
        "erp rules", gettext_lazy("The ERP rules"),
        gettext_lazy("Articles, prices and stock come from the ERP. Orders and customers go to it, their status back."),
    ),
    PresetWords(
        "shop rules", gettext_lazy("The shop rules"),
        gettext_lazy("Articles, prices, orders and customers come from the shop; the ERP gets them."),
    ),
    PresetWords(
        "combo", gettext_lazy("Both: articles from the shop, prices and stock from the ERP"),
        gettext_lazy("Articles come from the shop, prices and stock from the ERP. Orders go to it, their status back."),
    ),
    PresetWords(
        "till", gettext_lazy("A till"),
        gettext_lazy("The ERP rules articles, prices and stock; the till's sales count the stock down."),
    ),
)  # fmt: skip


_FEW = 3  # fewer unused rows or columns of the picture are shown with the others
#: What a cell of the picture can be, as the audit tells it.
STATES = (gettext_noop("master"), gettext_noop("gets"), gettext_noop("nothing"))


def edit(request: PageRequest, what: str, change: Callable[[Config], None]) -> Shown:
    """Change the draft in the reader's name, and write down who did it. Raises Misconfigured."""
    shown = drafts.edit(request.tenant, request.user.email, what, change)
    audit.note(request, gettext_noop("edited the draft"), what)
    return shown


@page(Right.SEE)
def flows(request: PageRequest) -> HttpResponse:
    """The picture of a channel, or how to begin."""
    return _picture(request, request.GET.get("channel", ""))


def _picture(request: PageRequest, channel: str, error: str = "", said: str = "") -> HttpResponse:
    shown = drafts.shown(request.tenant)
    codes = list(shown.wanted.channels)
    channel = channel if channel in codes else codes[0] if codes else ""
    picture = grid.grid(shown, channel) if channel else None
    folded = _folded(picture) if picture else ([], [])
    whole = bool(request.GET.get("whole") or request.POST.get("whole"))
    return show(
        request, "parts/picture" if is_part(request) else "flows", shown=shown, channels=codes, channel=channel,
        picture=picture, whole=whole, types=folded[0], systems=folded[1], presets=PRESET_WORDS, error=error,
        said=said, overview=_overview(shown.wanted),
    )  # fmt: skip


def _folded(picture: grid.Grid) -> tuple[list[str], list[str]]:
    """Record types and systems of the picture that nothing flows of; none where there are few of them, or all."""
    types = [line.type for line in picture.lines if not line.used]
    others = [column.name for column in picture.columns if not column.used]
    if len(types) < _FEW or len(types) == len(picture.lines):
        types = []
    return types, others if len(others) >= _FEW and types else []


def _overview(config: Config) -> list[tuple[str, list[tuple[str, str, list[str]]]]]:
    """For several channels: record type → (channel, master, targets) of each."""
    if len(config.channels) < 2:
        return []
    rows = []
    for type_ in dict.fromkeys(flow.type for flow in config.flows):
        cells = []
        for code in config.channels:
            flows = [flow for flow in config.flows if (flow.channel, flow.type) == (code, type_)]
            cells.append((code, flows[0].source if flows else "", [flow.target for flow in flows]))
        rows.append((type_, cells))
    return rows


@page(None, post=Right.CONFIGURE)
def cell(request: PageRequest, channel: str) -> HttpResponse:
    """Let a system be master of a type, get it, or neither."""
    given = request.POST
    type_, system, state = given.get("type", ""), given.get("system", ""), given.get("state", "")

    def change(config: Config) -> None:
        if channel not in config.channels or system not in config.connections:
            raise Misconfigured("This channel or system is not there any more")
        if state == "master":
            grid.rule(config, channel, type_, system)
        elif edits.find_flow(config, (channel, type_, system)) is None and state == "nothing":
            edits.set_master(config, channel, type_, "", [])  # it was the master
        else:
            grid.give(config, channel, type_, system, state == "gets")

    what = f"{channel}: {type_}, {system}: {state}"
    return _edited(request, channel, what, change)


@page(None, post=Right.CONFIGURE)
def preset(request: PageRequest, channel: str) -> HttpResponse:
    """Set the flows between a shop and an ERP up as one of the templates (J-01, J-02, J-03)."""
    name, erp = request.POST.get("preset", ""), request.POST.get("erp", "")
    left_out: list[str] = []

    def change(config: Config) -> None:
        if name not in PRESETS or channel not in config.channels or erp not in config.connections:
            raise Misconfigured("This preset, channel or system is not there")
        left_out[:] = edits.use_preset(config, channel, erp, name).left_out  # type: ignore[arg-type]  # a key of PRESETS

    return _edited(request, channel, f"{channel}: preset {name} with {erp}", change, left_out)


def _edited(
    request: PageRequest, channel: str, what: str, change: Callable[[Config], None], left_out: list[str] | None = None
) -> HttpResponse:
    error = said = ""
    try:
        edit(request, what, change)
    except Misconfigured as refused:
        error = told(refused)
    if left_out and not error:
        listed = ", ".join(words(type_) for type_ in left_out)
        said = _("One of the two systems cannot do these, so they are left out: %(types)s.") % {"types": listed}
    return _picture(request, channel, error, said)


@page(None, post=Right.CONFIGURE)
def drop(request: PageRequest) -> HttpResponse:
    """Forget every edit that has not been applied."""
    drafts.drop(request.tenant)
    audit.note(request, gettext_noop("dropped the draft"))
    return go(request, "flows")
