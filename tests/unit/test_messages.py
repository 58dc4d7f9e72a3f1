"""The catalogues: what the tools of tests/messages.py find, and that the files in the repository are what they say."""

from __future__ import annotations

import gettext
import io
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from tests.messages import (
    HEADER,
    Message,
    catalogues,
    compiled,
    in_python,
    in_template,
    messages,
    misfits,
    read,
    remembered,
    untranslated,
    updated,
    written,
)  # fmt: skip

AGAIN = "bring it up to date: ./run python -m tests.messages"
HEAD = '"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
PO = f"""msgid ""
msgstr ""
{HEAD}
#: a.html
#, python-format
msgid "%(n)s \\"order\\""
msgid_plural "%(n)s orders"
msgstr[0] "%(n)s beställning"
msgstr[1] "%(n)s beställningar"

#: a.py
msgctxt "door"
msgid "Open"
msgstr "Öppna"

#, fuzzy
msgid "Guessed"
msgstr "Gissad"

msgid "Two\\n"
"lines"
msgstr ""
"Två\\n"
"rader"

#~ msgid "Gone"
#~ msgstr "Borta"
"""


@pytest.mark.parametrize(("language", "path"), catalogues().items(), ids=list(catalogues()))
def test_what_is_shown_is_what_the_catalogue_says(language: str, path: Path) -> None:
    assert path.with_suffix(".mo").read_bytes() == compiled(read(path.read_text(encoding="utf-8"))), AGAIN


@pytest.mark.parametrize(("language", "path"), catalogues().items(), ids=list(catalogues()))
def test_translations_fit_their_messages(language: str, path: Path) -> None:
    assert misfits(read(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES if code != "en"])
def test_everything_is_translated(language: str) -> None:
    assert language in catalogues(), f"there is no catalogue of {language}"
    found = messages()
    left = untranslated(read(catalogues()[language].read_text(encoding="utf-8")), found)
    told = "\n".join(f"{one.id!r} in {', '.join(found[one])}" for one in left)
    assert not left, f"{len(left)} texts show in English; {AGAIN}, and translate:\n{told}"


def test_a_page_speaks_swedish() -> None:
    with translation.override("sv"):
        assert translation.gettext("Problems") == "Avvikelser"
        assert [translation.ngettext("%(n)s problem", "%(n)s problems", n) for n in (1, 2)] == [
            "%(n)s avvikelse", "%(n)s avvikelser",
        ]  # fmt: skip


def test_a_page_speaks_russian_with_its_three_plural_forms() -> None:
    with translation.override("ru"):
        assert translation.gettext("Problems") == "Проблемы"
        said = [translation.ngettext("%(n)s problem", "%(n)s problems", n) for n in (1, 2, 5, 11, 21, 22, 112)]
        one, few, many = "%(n)s проблема", "%(n)s проблемы", "%(n)s проблем"
        assert said == [one, few, many, many, one, few, many]


def test_messages_of_a_module_are_found() -> None:
    source = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext_lazy
A = _("One " "whole")
B = translation.gettext_noop("Noted")
def f(n, name):
    _(name), other("No message")
    return ngettext("%(n)s day", "%(n)s days", n), pgettext_lazy("door", "Open")
"""
    assert set(in_python(source)) == {
        Message("One whole"), Message("Noted"), Message("%(n)s day", "%(n)s days"), Message("Open", context="door"),
    }  # fmt: skip


def test_messages_of_a_template_are_found() -> None:
    source = """{% translate "It's on" %}{% translate "Open" context "door" %}{{ _("Said") }}
        {% blocktranslate count n=rows|length %}{{ n }} row{% plural %}{{ n }} rows{% endblocktranslate %}"""
    assert set(in_template(source)) == {
        Message("It's on"), Message("Open", context="door"), Message("Said"), Message("%(n)s row", "%(n)s rows"),
    }  # fmt: skip


def test_a_catalogue_survives_being_written_and_read() -> None:
    catalogue = read(PO)
    assert catalogue[Message("Two\nlines")] == ("Två\nrader",)
    again = written(catalogue, memory := remembered(PO), {})
    assert memory == {Message("Gone"): ("Borta",)}
    assert (read(again), remembered(again)) == (catalogue, memory)


def test_gettext_reads_what_was_compiled_and_falls_back_where_nothing_was() -> None:
    texts = gettext.GNUTranslations(io.BytesIO(compiled(read(PO))))
    assert texts.ngettext('%(n)s "order"', "%(n)s orders", 2) == "%(n)s beställningar"
    assert (texts.pgettext("door", "Open"), texts.gettext("Two\nlines")) == ("Öppna", "Två\nrader")
    assert texts.gettext("Guessed") == "Guessed"


def test_an_update_keeps_takes_and_remembers() -> None:
    plural, fresh = Message('%(n)s "order"', "%(n)s orders"), Message("Fresh")
    catalogue, memory = updated(read(PO), remembered(PO), [plural, fresh])
    assert set(catalogue) == {HEADER, plural, fresh}
    assert set(memory) == {Message("Open", context="door"), Message("Two\nlines"), Message("Gone")}
    assert updated(catalogue, memory, [plural, Message("Gone")])[0][Message("Gone")] == ("Borta",)
    assert untranslated(catalogue, [plural, fresh, Message("Unknown")]) == [fresh, Message("Unknown")]


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        (Message("%(n)s rows"), ("%(m)s rader",)), (Message("%(n)s rows"), ("rader",)), (Message(" and "), ("och",)),
        (Message("Set {a}"), ("Sätt {b}",)), (Message("%(n)s row", "%(n)s rows"), ("%(n)s rad",)),
    ],
)  # fmt: skip
def test_a_translation_that_does_not_fit_is_told(message: Message, texts: tuple[str, ...]) -> None:
    assert len(misfits({HEADER: read(PO)[HEADER], message: texts})) == 1
