"""Plain words for what the code calls by short names, and figures, money and times as the reader writes them.

Every date, number and amount on a page goes through one of these filters. Times are shown in the zone that the view has
activated: the tenant's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from django import template
from django.utils import formats, timezone
from django.utils.dateformat import format as date_text
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy, ngettext

from samklang.hub.looks.rows import MANY
from samklang.people import retold
from samklang.people.lexicon import CHARGES, WORDS
from samklang.records.money import exponent

register = template.Library()
_GAP = "\N{NO-BREAK SPACE}"
_LONGEST = 22  # characters of a number that is kept on one line

#: A day and a time of day, by language: long enough to be clear anywhere, short enough to line up in a table.
_DAY = {"sv": "Y-m-d", "ru": "d.m.Y", "en": "j M Y"}
_SHORT_DAY = {"sv": "j b", "ru": "j b", "en": "j M"}
_DAY_AND_TIME = {"sv": "Y-m-d H:i", "ru": "d.m.Y H:i", "en": "j M Y, H:i"}


@register.filter
def words(name: object) -> str:
    """A record type, state or kind as people say it: order_status → order status."""
    known = WORDS.get(str(name))
    return str(known) if known is not None else str(name).replace("_", " ")


@register.filter
def known(value: object) -> object:
    """A value that is a word of ours in the reader's language, any other as it is."""
    word = WORDS.get(value) if isinstance(value, str) else None
    return value if word is None else str(word)


@register.filter
def charge(text: str) -> str:
    """The name of a charge, or its kind where it has none."""
    return str(CHARGES.get(text, text))


@register.filter
def named(name: str, kind: str) -> str:
    """A part of the configuration as changes name it: a flow by its type, "order → fortnox (se)"; a chain of rules by
    its way, "order → fortnox" out and "fortnox → order" in."""
    if kind == "flow":
        type_, _, rest = name.partition(" ")
        return f"{words(type_)} {rest}"
    if kind == "rules":
        connection, direction, type_ = name.rsplit(" ", 2)
        return f"{connection} → {words(type_)}" if direction == "in" else f"{words(type_)} → {connection}"
    return name


@register.filter
def sentence(text: object) -> str:
    """The text with its first letter large."""
    said = str(text)
    return said[:1].upper() + said[1:]


@register.filter
def code(text: object) -> str:
    """The class of a cell with this number or SKU: on one line, unless it is so long that a table would scroll."""
    return "code" if len(str(text)) <= _LONGEST else "break"


# ---------------------------------------------------------------------------------------------------- numbers


@register.filter
def number(value: object, places: int | None = None) -> str:
    """1234.50 → 1 234,5: grouped by thousands, `places` decimals (none = as many as there are)."""
    if value is None or value == "":
        return ""
    figure = value if isinstance(value, int | Decimal) else Decimal(str(value))
    if places is None and isinstance(figure, Decimal):
        places = max(0, -int(figure.normalize().as_tuple().exponent))
    text = formats.number_format(figure, places or 0, use_l10n=True, force_grouping=True)
    return text.replace(" ", _GAP).replace("-", "\N{MINUS SIGN}", 1)


@register.filter
def money(value: object, currency: str = "") -> str:
    """1249.9, SEK → 1 249,90 SEK; as many decimals as the currency has."""
    if value is None or value == "":
        return ""
    text = number(Decimal(str(value)), exponent(currency) if currency else 2)
    return f"{text}{_GAP}{currency}" if currency else text


@register.filter
def percent(value: object) -> str:
    """25 → 25 %."""
    sign = "%" if get_language() == "en" else f"{_GAP}%"
    return f"{number(value)}{sign}"


@register.filter
def bounded(value: int) -> str:
    """A count that was not made beyond 10,000: 10001 → more than 10 000."""
    if value > MANY:
        return gettext("more than %(count)s") % {"count": number(MANY)}
    return number(value)


@register.filter
def bounded_short(value: int) -> str:
    """The same where there is little room: 10 000+."""
    return f"{number(MANY)}+" if value > MANY else number(value)


@register.filter
def half(value: int) -> str:
    """Half of it, for drawings: with a point in every language."""
    return f"{value / 2:g}"


@register.filter
def said(text: object) -> str:
    """A sentence that the hub has stored in English, in the reader's language where the catalogue has it."""
    return retold.retold(str(text)) if text else ""


@register.filter
def happened(text: object) -> str:
    """What a step of a journey says: a sentence as `said` tells it; else parts with a dot between, of which those that
    are states of ours are told ("Utlevererad · shipped, confirmed") and a system's own words and numbers stay."""
    whole = said(text)
    if whole != str(text):
        return whole
    return " · ".join(", ".join(_part(word) for word in part.split(", ")) for part in whole.split(" · "))


def _part(word: str) -> str:
    kind, gap, number = word.partition(" ")
    return f"{known(kind)}{gap}{number}"


#: How a line of a statement was found to belong to its order (accounting/matching.py).
_MATCHED = {
    "id": gettext_lazy("by the payment's id"), "order": gettext_lazy("by the order's number"),
    "parts": gettext_lazy("by its parts"), "undone": gettext_lazy("undone by another line"),
    "person": gettext_lazy("by a person"),
}  # fmt: skip


@register.filter
def matched(rule: str) -> str:
    """By what a line and its order were put together."""
    return str(_MATCHED.get(rule, rule))


@register.filter
def place(where: object) -> str:
    """Where an error says that it happened, in the reader's language."""
    return retold.place(str(where)) if where else ""


# ---------------------------------------------------------------------------------------------------- times


def _moment(value: object) -> datetime | None:
    """A time in the reader's zone, out of a datetime or seconds since the epoch; None where there is none."""
    if isinstance(value, int | float) and value:
        value = datetime.fromtimestamp(value, UTC)
    return timezone.localtime(value) if isinstance(value, datetime) else None


def _shown(moment: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(timespec="seconds"),
        date_text(moment, f"{_pattern(_DAY)} H:i:s e"), text,
    )  # fmt: skip


def _pattern(patterns: dict[str, str]) -> str:
    return patterns.get(_language(), patterns["en"])


def _language() -> str:
    return (get_language() or "en")[:2]


@register.filter
def when(value: object) -> SafeString | str:
    """A day with its time: 2026-11-21 13:02."""
    moment = _moment(value)
    return _shown(moment, date_text(moment, _pattern(_DAY_AND_TIME))) if moment else ""


@register.filter
def day(value: object) -> SafeString | str:
    """A day: 2026-11-21."""
    moment = _moment(value)
    return _shown(moment, date_text(moment, _pattern(_DAY))) if moment else ""


@register.filter
def short_day(value: object) -> str:
    """A day on an axis: 21 Nov."""
    moment = value if isinstance(value, date) and not isinstance(value, datetime) else _moment(value)
    return date_text(moment, _pattern(_SHORT_DAY)) if moment else ""


@register.filter
def plain_day(value: date) -> SafeString:
    """A day that has no time in it."""
    return format_html('<time datetime="{}">{}</time>', f"{value:%Y-%m-%d}", date_text(value, _pattern(_DAY)))


@register.filter
def month(value: date) -> str:
    """A month: November 2026; in the midst of a sentence."""
    text = date_text(value, "F Y")
    return text.lower() if _language() == "ru" else text  # Django has the Russian months as a heading has them


@register.simple_tag
def today() -> str:
    """The day and the time now, in words: Saturday 21 November, 13:37."""
    return date_text(timezone.localtime(), {"sv": "l j F, H:i", "ru": "l, j E, H:i"}.get(_language(), "l j F, H:i"))


@register.simple_tag
def iso_today() -> str:
    """Today as an address writes it."""
    return timezone.localdate().isoformat()


@register.filter
def clock(value: object) -> SafeString | str:
    """A time of day: 13:02:11."""
    moment = _moment(value)
    return _shown(moment, date_text(moment, "H:i:s")) if moment else ""


@register.filter
def ago(value: object) -> SafeString | str:
    """How long since: 3 min ago; older than a month, the day."""
    moment = _moment(value)
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    if seconds > 30 * 86400:
        return day(value)
    return _shown(moment, gettext("%(time)s ago") % {"time": span(max(seconds, 0))})


@register.filter
def since(value: object) -> str:
    """How long since, in words that change once a minute: for what refreshes itself, and for drawings."""
    moment = _moment(value)
    if moment is None:
        return ""
    seconds = (timezone.now() - moment).total_seconds()
    return gettext("%(time)s ago") % {"time": span(seconds)} if seconds >= 120 else gettext("just now")


@register.filter
def span(seconds: float | None) -> str:
    """A stretch of time in one unit: 14 s, 3 min, 5 h, 2 days."""
    if seconds is None:
        return ""
    if seconds >= 48 * 3600:
        days = int(seconds // 86400)
        return ngettext("%(count)s day", "%(count)s days", days) % {"count": number(days)}
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{_GAP}{gettext(unit)}"
    if 0 < seconds < 1:
        return f"{round(seconds * 1000)}{_GAP}{gettext('ms')}"
    return f"{int(seconds)}{_GAP}{gettext('s')}"


@register.filter
def total(numbers: Iterable[int]) -> int:
    """The sum of some counts."""
    return sum(numbers)
