"""Errors with values in them, as readers of each language see them."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from samklang.accounting.problems import DO_THIS
from samklang.api.v1 import errors as api_errors
from samklang.connectors.errors import BadData, Rejected, tree
from samklang.console.frame import told
from samklang.console.templatetags.words import happened, place, said
from samklang.people import retold
from samklang.records import InvalidRecord
from samklang.records.money import decimal
from samklang.rules import InvalidRules, load
from tests.messages import messages
from tests.people.spoken import left
from tests.sentences import Message, in_told

KEY = "Two product records have the key '{}'"


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("sv", "Två poster av typen produkt har nyckeln ”A-1”"), ("ru", "У двух записей типа «товар» один ключ «A-1»"),
        ("en", "Two product records have the key 'A-1'"),
    ],
)  # fmt: skip
def test_a_sentence_with_values_is_shown_in_the_readers_language(language: str, shown: str) -> None:
    with translation.override(language):
        assert said(KEY.format("A-1")) == shown


def test_what_an_error_says_and_advises_is_told_in_one_line() -> None:
    error = BadData("The file is larger than 20 MB", do_this="Hand in XML.")
    with translation.override("sv"):
        assert told(error) == "Filen är större än 20 MB. Lämna in XML."
        assert told(Rejected("There is no order 7")) == "Det finns ingen order 7."
    assert error.what == "The file is larger than 20 MB"  # what is kept stays English


@pytest.mark.parametrize("value", ["{key}", "{0}%(x)s", 'it\'s "so" “so”', "one\ntwo", "", "\\1", "' '", "Открыть"])
def test_values_come_through_as_they_are(value: str) -> None:
    with translation.override("sv"):
        assert said(KEY.format(value)) == f"Två poster av typen produkt har nyckeln ”{value}”"


@pytest.mark.parametrize("text", ["Two product records have no key", "Something else", "", "x" * 10_000, "There is"])
def test_what_is_no_sentence_of_ours_stays(text: str) -> None:
    with translation.override("ru"):
        assert said(text) == text


def test_the_most_literal_sentence_wins() -> None:
    with translation.override("sv"):  # "There is no connection {name}" fits too
        assert said("There is no connection 'x' yet") == "Det finns ännu ingen anslutning 'x'"


def test_a_template_takes_a_sentence_apart_in_linear_time() -> None:
    one = retold.Template.of("{a} x {b} x {c} x {d} x {e}!", "{e}{a}")
    assert one.values("1 x 2 x 3 x 4 x 5 x 6!") == {"a": "1", "b": "2", "c": "3", "d": "4", "e": "5 x 6"}
    assert one.values(" x" * 100_000) is None
    assert retold.Template.of("a{v}a", "").values("a") is None  # nothing is counted twice
    assert one.filled({"a": "{e}", "e": "{a}"}) == "{a}{e}"


def test_sentences_are_read_out_of_the_code() -> None:
    source = """
KNOWN = "this or that"
def f(row, whole, rest):
    what = f"{row.name} of {row.names[0]}" if whole else "all of it"
    raise BadData(f"Two {row.type!r} of {whole} and {row.kind.type:.2f} {row[0]}".strip(), where=f"row {row.id}",
                  do_this=f"Do {KNOWN}: {rest} and {what}." if whole else "")
    other(f"No error {row}"), BadData(f"{row}: {rest}"), wrong(f"Is not {row}", do_this="")
"""
    found = {one.id for one in in_told(source, {"BadData"}) if one.context == retold.CONTEXT}
    assert found == {
        "Two {type} of {whole} and {type2} {value}", "Do this or that: {rest} and {name} of {value}.",
        "Do this or that: {rest} and all of it.", "Is not {row}",
    }  # fmt: skip


def test_a_fixed_sentence_stays_a_message_without_context() -> None:
    assert Message("There is nothing here") in set(in_told('BadData("There is nothing here")', {"BadData"}))


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_each_sentence_is_found_among_all_the_others(language: str) -> None:
    lost = []
    with translation.override(language):
        for message in (one for one in messages() if one.context == retold.CONTEXT):
            one = retold.Template.of(message.id, translation.pgettext(message.context, message.id))
            values = {name: f"‹{name}›" for name in one.names}
            text = re.sub(r"\{(\w+)\}", lambda hole, known=values: known[hole[1]], message.id)
            if not all(value in said(text) for value in values.values()) or said(text) == text:
                lost.append(message.id)
    assert lost == []


def test_what_is_wrong_with_a_field_is_told_within_its_sentence() -> None:
    with translation.override("sv"):
        assert said("Column 'Fee' is not amount − fee = 7.") == "Kolumnen 'Fee' är inte belopp − avgift = 7."


def test_what_a_journey_keeps_is_translated_with_its_advice() -> None:
    with translation.override("sv"):
        assert said("There is no file x.bak Name a file that `backup` wrote.") == (
            "Det finns ingen fil x.bak Ange en fil som `backup` har skrivit."
        )
        assert said("There is no channel 'Se' Known are: no, fi.") == "Det finns ingen kanal 'Se' Kända är: no, fi."
        assert said("Invalid SKU Correct the order in the shop.") == "Invalid SKU Rätta ordern i butiken."


# ---------------------------------------------------------------------------------------- records, rules, places


def complaint(text: str) -> str:
    """What a record says to a number that is none."""
    with pytest.raises(InvalidRecord) as wrong:
        decimal(text, "lines.quantity")
    return str(wrong.value)


def refused(rule: dict[str, object]) -> str:
    """What a rule for orders says that cannot be used."""
    with pytest.raises(InvalidRules) as wrong:
        load([rule], "order")
    return str(wrong.value)


def test_a_records_complaint_names_its_field_in_words() -> None:
    with translation.override("sv"):
        assert said(complaint("it's")) == "rader › antal ”it's”: är inget decimaltal"
        assert said("custom.x is '7': is no whole number above 0") == "custom.x ”7”: är inget heltal större än 0"
    with translation.override("ru"):
        assert said(complaint("many")) == "строки › количество «many»: не десятичное число"


@pytest.mark.parametrize(
    ("rule", "swedish"),
    [
        (
            {"name": "Två: x", "then": {"do": "set", "field": "lifecycle", "value": "so"}},
            "Regel 1 ”Två: x”, lifecycle: kan inte vara ”so”; tillåtna är",
        ),
        (
            {"then": {"do": "clear", "field": "lines[].nam"}},
            "Regel 1, lines[].nam: orderrad har inget fält ”nam”; det finns",
        ),
        ({"then": {"do": "jump"}}, "Regel 1, then.do: ”jump” är okänt; tillåtna är"),
        ({"then": {}}, "Regel 1, then.do: saknas; tillåtna är"),
        ({"then": {"do": "ignore"}, "on": ["ordr"]}, "Regel 1, on: ”ordr” är ingen posttyp; tillåtna är"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_rule_is_told_in_the_readers_language(rule: dict[str, object], swedish: str) -> None:
    with translation.override("sv"):
        assert said(refused(rule)).startswith(swedish)


def test_a_record_that_a_rule_stopped_is_told_with_rule_type_and_reason() -> None:
    text = "Rule 2 “Frakt” stopped order se/1: shipping_method: “DHL” is not in the table (PostNord)"
    with translation.override("ru"):
        assert said(text) == (
            "Правило 2 «Frakt» остановило запись «заказ» se/1: shipping_method: «DHL» нет в таблице (PostNord)"
        )


@pytest.mark.parametrize(
    ("where", "swedish"),
    [
        ("order se/1 shipping_method", "order se/1 fraktsätt"), ("product A-1: ids 4 and 5", "produkt A-1: id 4 och 5"),
        ("rules in of shop for price_list", "regler in från shop för prislista"), ("se/1", "se/1"),
        ("POST /orders", "POST /orders"), ("lines.sku", "rader › artikelnummer"),
        ("shop.example:443", "shop.example:443"),
    ],
)  # fmt: skip
def test_where_it_happened_is_told_in_the_readers_language(where: str, swedish: str) -> None:
    with translation.override("sv"):
        assert place(where) == swedish


@pytest.mark.parametrize("language", ["sv", "ru"])
def test_no_kind_of_error_is_left_in_english(language: str) -> None:
    kinds = {*tree(), *api_errors.Refused.__subclasses__()}
    with translation.override(language):
        told_of = [said((kind.__doc__ or "").split("\n")[0]) for kind in kinds] + [said(kind.do) for kind in kinds]
        told_of += [said(text) for text in DO_THIS.values()]
    assert len(told_of) > 60
    assert left(told_of, language) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Plockad · shipped, confirmed", "Plockad · skickad, bekräftad"),
        ("20116 · confirmed, invoice 4711", "20116 · bekräftad, faktura 4711"),
        ("249.00 SEK", "249.00 SEK"),
        ("2 × KOPP-1", "2 × KOPP-1"),
    ],
)
def test_a_step_of_a_journey_tells_our_states_and_leaves_the_systems_words(text: str, shown: str) -> None:
    with translation.override("sv"):
        assert happened(text) == shown
