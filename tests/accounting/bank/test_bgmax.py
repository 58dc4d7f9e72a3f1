"""BgMax: fixed columns, every sum and count proved (Bankgirot's manual, November 2019)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.reading import read_statement

from .files import BGMAX, bgmax, payment, section


def one(data: bytes) -> BankStatement:
    (made,) = read_statement(data)
    assert isinstance(made, BankStatement)
    return made


def refused(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_statement(data)
    return caught.value


def test_a_deposit_is_its_payments_less_its_deductions() -> None:
    made = one(BGMAX)
    (line,) = made.lines
    assert (made.kind, made.account, made.currency, made.test) == ("notice", "9912346", "SEK", False)
    assert (line.amount, line.booked_on, line.reference, line.row) == (2350, date(2026, 3, 6), "00074", 11)
    paid, deducted, several = line.details
    assert (paid.amount, paid.reference, paid.party, paid.ocr) == (1000, "655969", "Kalles Plåt AB", True)
    assert (deducted.amount, deducted.reference) == (-50, "1189853")
    assert (several.references, several.text, several.ocr) == (("657866", "658765"), "Betalning med extra refnr", False)


def test_each_section_is_a_statement() -> None:
    data = bgmax(
        section(payment(100), total=100, count=1),
        section(payment(200), total=200, count=1, currency="EUR", serial=75),
        payments=2,
    )
    sek, eur = read_statement(data)
    assert isinstance(sek, BankStatement) and isinstance(eur, BankStatement)
    assert (sek.currency, sek.lines[0].amount, eur.currency, eur.lines[0].amount) == ("SEK", 1, "EUR", 2)
    assert sek.key != eur.key


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: text.replace(" \r\n", "\r\n"), id="trimmed"),
        pytest.param(lambda text: "\r\n".join(line.rstrip() for line in text.splitlines()) + "\r\n", id="all trimmed"),
        pytest.param(lambda text: text.replace("\r\n", "\n"), id="LF"),
        pytest.param(lambda text: text + "\r\n\r\n\x1a", id="blank lines and Ctrl-Z at the end"),
        pytest.param(lambda text: text.replace("25Betal", "99unknown type\r\n25Betal"), id="an unknown record"),
        pytest.param(lambda text: text.replace("\r\n", "\r"), id="CR"),
        pytest.param(lambda text: text.replace(" \r\n", "     \r\n"), id="blanks beyond column 80"),
        pytest.param(lambda text: text.replace("331P ", "331P\t"), id="a tab behind all fields"),
        pytest.param(lambda text: "\ufeff" + text.replace("Plåt", "Plat"), id="byte order mark"),
    ],
)
def test_harmless_variety_reads_the_same(change: Callable[[str], str]) -> None:
    text = change(BGMAX.decode("iso-8859-1"))
    made, plain = one(text.encode("utf-8" if text.startswith("\ufeff") else "iso-8859-1")), one(BGMAX)
    assert [part.amount for part in made.lines[0].details] == [part.amount for part in plain.lines[0].details]
    assert made.key == plain.key


def test_utf8_is_taken_for_what_it_is() -> None:
    made = one(BGMAX.decode("iso-8859-1").encode())
    assert made.lines[0].details[0].party == "Kalles Plåt AB"


def test_a_tab_in_a_fixed_field_is_refused() -> None:
    lines = BGMAX.split(b"\r\n")
    lines[6] = lines[6].replace(b" " * 8, b"\t", 1)
    caught = refused(b"\r\n".join(lines))
    assert caught.row == 7 and "tab" in str(caught) and "editor" in caught.problem.do_this


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        (b"000000000000235000SEK", b"000000000000235001SEK", "amount"),
        (b"SEK00000003 ", b"SEK00000004 ", "count"),
        (b"700000000200000001", b"700000000300000001", "payments"),
        (b"0000000100000002", b"0000000200000002", "deductions"),
        (b"0000000200000001", b"0000000300000001", "references"),
        (b"20260306000", b"20261306000", "date"),
        (b"000000000000235000SEK", b"000000000000235000EUR", "currency"),
        (b"000000000000100000", b"0000000000001000X0", "amount"),
    ],
)
def test_what_does_not_add_up_is_refused_with_its_field(old: bytes, new: bytes, column: str) -> None:
    assert BGMAX.count(old) >= 1
    head, _, tail = BGMAX.rpartition(old)
    assert refused(head + new + tail).column == column


def test_a_file_cut_at_any_byte_is_refused_or_whole() -> None:
    plain = one(BGMAX)
    for place in range(1, len(BGMAX.rstrip())):
        try:
            made = one(BGMAX[:place])
        except Unreadable:
            continue
        assert made.lines == plain.lines, place


def test_amounts_are_minor_units_and_a_test_file_is_marked() -> None:
    made = one(BGMAX.replace(b"010331P", b"010331T"))
    assert made.test and made.lines[0].amount == Decimal("2350")


def test_extra_references_before_any_payment_are_refused() -> None:
    data = bgmax(section(payment(0, "1", type_="22"), payment(100), total=100, count=1), payments=1, references=1)
    assert "before any payment" in str(refused(data))


def test_a_line_end_inside_a_name_is_none() -> None:
    """ISO 8859-1 has characters that Python takes for the end of a line."""
    made = one(BGMAX.replace(b"Kalles Pl", b"Kalles\x85Pl"))
    assert made.lines[0].details[0].party.startswith("Kalles")


def test_files_put_together_are_read_one_by_one_and_parts_of_them_are_refused() -> None:
    other = bgmax(section(payment(100), total=100, count=1, serial=80), payments=1)
    assert [made.key[2] for made in read_statement(BGMAX + other)] == ["20260306/00074", "20260306/00080"]
    head, tail = BGMAX.rsplit(b"70000000", 1)
    assert "record 70 is missing before it" in str(refused(head + other))
    assert "No opening record 01" in str(refused(BGMAX + other.split(b"\r\n", 1)[1]))
    assert tail and "record 70 is missing" in str(refused(head))


def test_a_day_without_payments_is_no_statement() -> None:
    assert read_statement(bgmax(payments=0)) == ()


def test_more_than_eighty_columns_are_refused() -> None:
    caught = refused(BGMAX.replace(b"12345", b"12345".ljust(60) + b"x", 1))
    assert "columns, not 80" in str(caught) and caught.row == 5
