"""Charts as SVG that the server draws. The table with the same figures always stands behind them."""

from __future__ import annotations

from datetime import date
from html import unescape
from math import ceil, log10
from typing import Any, NamedTuple

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from samklang.console.templatetags.words import number, short_day
from samklang.hub.looks.charts import Daily

register = template.Library()
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 10, 22  # room around the bars, for the labels
_WIDTH = 960
_SERIES = 6  # colours; what comes after is summed up as the last


class Bar(NamedTuple):
    """One piece of a bar."""

    x: float
    y: float
    width: float
    height: float
    series: int


class Column(NamedTuple):
    """A day: its pieces, what they say together, and its label under the axis ("" = left out)."""

    x: float
    width: float
    bars: list[Bar]
    title: str
    label: str
    middle: float


class Line(NamedTuple):
    """A line of the grid with its figure."""

    y: float
    text: str


def ceiling(most: int) -> int:
    """The round figure at which the axis ends: 1, 2 or 5 times a power of ten, at least `most`."""
    if most <= 4:
        return max(most, 1)
    size: int = 10 ** int(log10(most))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= most)


@register.inclusion_tag("console/parts/bars.html")
def bars(daily: Daily, height: int = 200) -> dict[str, Any]:
    """Stacked bars by day, a colour for each name."""
    names = list(daily.series)[:_SERIES]
    rows = [daily.series[name] for name in names]
    for name in list(daily.series)[_SERIES:]:  # together with the last
        rows[-1] = [a + b for a, b in zip(rows[-1], daily.series[name], strict=True)]
    totals = [sum(row[n] for row in rows) for n in range(len(daily.days))]
    top = ceiling(max(totals, default=0))
    inner, tall = _WIDTH - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    step = inner / max(len(daily.days), 1)
    every = ceil(len(daily.days) / 10)
    columns = [
        _column(day, n, [row[n] for row in rows], names, top, step, tall, every, len(daily.days))
        for n, day in enumerate(daily.days)
    ]
    marks = sorted({0, top // 2 if top > 1 else 0, top})
    return {
        "width": _WIDTH, "height": height, "left": _LEFT, "right": _WIDTH - _RIGHT, "base": height - 6,
        "columns": columns, "lines": [Line(_TOP + tall - tall * mark / top, number(mark)) for mark in marks],
        "names": list(enumerate(names, 1)), "many": len(names) > 1, "daily": daily,
    }  # fmt: skip


def _column(
    day: date, n: int, counts: list[int], names: list[str], top: int, step: float, tall: float, every: int, days: int
) -> Column:
    wide = min(step * 0.68, 44)
    x = _LEFT + n * step + (step - wide) / 2
    y = float(_TOP + tall)
    found = []
    for series, count in enumerate(counts, 1):
        size = tall * count / top
        y -= size
        if count:
            found.append(Bar(round(x, 1), round(y, 1), round(wide, 1), round(max(size, 1.0), 1), series))
    said = ", ".join(f"{name} {number(count)}" for name, count in zip(names, counts, strict=True) if count)
    label = short_day(day) if (days - 1 - n) % every == 0 else ""
    return Column(
        round(_LEFT + n * step, 1), round(step, 1), found, f"{short_day(day)}: {said or number(0)}", label,
        round(x + wide / 2, 1),
    )  # fmt: skip


@register.filter
def by_day(daily: Daily) -> list[tuple[date, list[int], int]]:
    """Rows of the table behind the bars, the newest day first: the day, each count, the sum."""
    rows = [(day, [counts[n] for counts in daily.series.values()]) for n, day in enumerate(daily.days)]
    return [(day, counts, sum(counts)) for day, counts in reversed(rows)]


# ---------------------------------------------------------------------------------------------- words in drawings

#: Widths of characters in Inter at the weight of names, in em, measured in a browser; ordinary text is 7 % narrower.
_WIDTHS = (
    ("ijlI.,:;'|!·", 0.3), ("ftr ()-/", 0.4), ("mwжшщюыфм", 0.9), ("MWШЩЖЮФ@%", 1.0), ("_", 0.5),
)  # fmt: skip
_CAPITAL, _OTHER = 0.74, 0.62
_CUT = "…"


def wide(text: str, size: float) -> float:
    """About how many pixels a text takes at a size of the font; rather too many than too few."""
    return size * sum(
        next((width for those, width in _WIDTHS if char in those), _CAPITAL if char.isupper() else _OTHER)
        for char in text
    )


def _fitted(text: str, size: float, room: float) -> str:
    if wide(text, size) <= room:
        return text
    while text and wide(text + _CUT, size) > room:
        text = text[:-1]
    return text.rstrip() + _CUT


@register.filter
def fit(text: object, how: str) -> str:
    """A text cut to its room, for drawings, where nothing wraps: `fit:"15.5 153"` is font size and pixels."""
    size, room = map(float, how.split())
    return _fitted(str(text), size, room)


@register.simple_block_tag
def beside(content: str, name: str, size: float, room: float) -> SafeString:
    """A name and what is said of it in one line of a drawing; the name is what is cut, or left out."""
    said = f" · {unescape(content.strip())}"
    left = room - wide(said, size)
    if left < min(wide(name, size), 5 * size):
        return format_html("{}", _fitted(said[3:], size, room))
    return format_html("{}{}", _fitted(name, size, left), said)


@register.filter
def share(value: float, most: float) -> int:
    """How much of `most` a value is, in thousandths: the width of a lying bar."""
    return round(1000 * value / most) if most else 0
