"""Tags of the console's own pieces: icons, files, tones of states."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from samklang.console import statics
from samklang.console.statics import STYLESHEETS

register = template.Library()
_SYMBOL = re.compile(r'<symbol id="([^"]+)"[^>]*>(.*?)</symbol>')

#: How each state of ours looks: ok, wait, bad or info; what is missing here says neither.
_TONES = {
    "ok": (
        "idle ok done delivered active posted sent released created updated matched unchanged read shipped captured"
        " closed received booked paid yes"
    ),
    "wait": (
        "due sending waiting held wait paused running retry waits draft pending waiting_stock partly_shipped"
        " partly_captured validated applying reading"
    ),
    "bad": "stopped bad failed needs_person error rejected disputed charged_back expired",
    "info": "approved new open placed confirmed authorised ready picking",
}
_TONE = {state: tone for tone, states in _TONES.items() for state in states.split()}


@cache
def _icons() -> dict[str, str]:
    """The drawings of static/icons.svg by name."""
    return dict(_SYMBOL.findall((Path(__file__).parents[1] / "static" / "icons.svg").read_text()))


@register.simple_tag
def icon(name: str) -> SafeString:
    """A drawing that says nothing to a screen reader: the words stand beside it. KeyError for an unknown name."""
    drawing = mark_safe(_icons()[name])  # noqa: S308  out of our own file
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', drawing)


@register.simple_tag
def drawing(name: str) -> SafeString:
    """The same without its frame, for use inside another drawing."""
    return mark_safe(_icons()[name])  # noqa: S308  out of our own file


@register.filter
def tone(state: object) -> str:
    """The class of a pill for a state: ok, wait, bad, info or none."""
    return _TONE.get(str(state).lower().replace(" ", "_"), "")


@register.simple_tag
def asset(name: str) -> str:
    """The address of one of the console's own files."""
    return statics.asset(name)


@register.simple_tag
def stylesheets() -> SafeString:
    """All style sheets, in their order."""
    return format_html_join("\n", '<link rel="stylesheet" href="{}">', ((statics.asset(name),) for name in STYLESHEETS))
