"""What the audit says that something was done to ("order se/1001", "person kim@…"), in the reader's language: told, and
found by what the reader calls it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from samklang.people import retold
from samklang.people.lexicon import WORDS

_PLAIN = (
    "order", "connection", "company", "file", "voucher", "problem", "webhook", "token", "package", "configuration",
    "bulk", "line", "draft",
)  # fmt: skip
#: How a note's `about` begins → what people call that. What is done to a row of the books begins with the decision.
THINGS: Mapping[str, str | Promise] = {
    **{name: WORDS[name] for name in _PLAIN},
    "person": pgettext_lazy("audit", "person"), "plan": _("plan"), "brake": _("brake"),
    "statement line": WORDS["statement_line"],
    "ignore": _("no problem"), "straight": _("the provider's own line"), "lost": _("dispute lost"),
    "write off": _("written off"),
}  # fmt: skip


def subject(about: str) -> str:
    """The thing in the reader's language: its kind in words, its key as it is. Other texts as `retold.place` tells
    them."""
    kind = next((name for name in THINGS if about == name or about.startswith(f"{name} ")), "")
    return f"{THINGS[kind]}{about[len(kind) :]}" if kind else retold.place(about) if about else ""


def beginnings(wanted: str) -> frozenset[str]:
    """How the things begin that a reader means: by the stored text, by what their language calls the kind ("ansl",
    "anslutning shop"), or by the key alone ("se/1001"). Nothing for nothing."""
    wanted = wanted.strip()
    if not wanted:
        return frozenset()
    low = wanted.casefold()
    called = {name: str(word).casefold() for name, word in THINGS.items()}
    kinds = {name for name, word in called.items() if word.startswith(low)}
    keyed = {name + wanted[len(word) :] for name, word in called.items() if low.startswith(f"{word} ")}
    return frozenset({wanted} | kinds | (keyed or {f"{name} {wanted}" for name in THINGS}))
