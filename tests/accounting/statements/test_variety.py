"""Harmless variety reads the same; a file that was cut anywhere is refused, never half read (RECONCILIATION §8.6)."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Statement, StatementLine, Unreadable
from samklang.accounting.statements.reading import FORMATS, read_statement

from . import files

TABLES: dict[str, tuple[Callable[..., bytes], tuple[str, ...], list[dict[str, str]]]] = {
    "klarna": (lambda rows, columns: files.klarna(rows, columns), files.KLARNA_COLUMNS, files.KLARNA_ROWS),
    "stripe": (files.stripe, files.STRIPE_COLUMNS, files.STRIPE_ROWS),
    "shopify": (files.shopify, files.SHOPIFY_COLUMNS, files.SHOPIFY_ROWS),
    "adyen": (files.adyen, files.ADYEN_COLUMNS, files.ADYEN_ROWS),
    "paypal": (files.paypal, files.PAYPAL_COLUMNS, files.PAYPAL_ROWS),
}
TEXTS = [name for name, data in files.WHOLE.items() if not data.startswith((b"PK", b"{", b"["))]
#: A file cut between two rows is noticed by its totals or trailer; these two have none for their last rows, and say
#: so in docs/statements.md: each row of theirs stands alone, or the bank line proves the sum.
OPEN_ENDED = ("paypal activity", "shopify csv")


def bare(line: StatementLine) -> StatementLine:
    """The line without what depends on its place in the file."""
    return msgspec.structs.replace(line, row=0, cells={})


def told(statements: Iterable[Statement | BankStatement]) -> set[object]:
    """What the statements say, whatever the order of their rows."""
    result = set()
    for made in statements:
        assert isinstance(made, Statement)
        lines = frozenset((made.line_key(line), msgspec.json.encode(bare(line))) for line in made.lines)
        result.add((made.key, made.opening, made.closing, made.payout, made.start, made.end, lines, len(made.pending)))
    return result


def test_every_format_is_recognised_by_its_content() -> None:
    for name, data in files.WHOLE.items():
        (made, *_) = read_statement(data, "export.bin")
        assert made.format == name
    names = [form.name for form in FORMATS]
    assert len(set(names)) == len(names)


def test_every_format_is_described() -> None:
    page = (Path(__file__).parents[3] / "docs/statements.md").read_text().lower()
    assert [form.name for form in FORMATS if form.name.split()[0] not in page] == []


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Unreadable) as caught:
        read_statement(b"Datum;Belopp\n2026-03-02;10,00\n", "export.csv")
    assert all(form.name in str(caught.value) for form in FORMATS)


@pytest.mark.parametrize("name", TABLES)
@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_rows_and_columns_does_not_matter(name: str, chance: random.Random) -> None:
    make, columns, rows = TABLES[name]
    mixed_columns, mixed_rows = [*columns, "Something new"], list(rows)
    chance.shuffle(mixed_columns)
    chance.shuffle(mixed_rows)
    assert told(read_statement(make(mixed_rows, mixed_columns))) == told(read_statement(make(rows, columns)))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: text + "\n\n", id="blank lines at the end"),
        pytest.param(lambda text: text.rstrip("\n"), id="no newline at the end"),
    ],
)
def test_harmless_variety_reads_the_same(name: str, change: Callable[[str], str]) -> None:
    data = files.WHOLE[name]
    assert told(read_statement(change(data.decode()).encode())) == told(read_statement(data))


@pytest.mark.parametrize("name", ["stripe", "shopify", "adyen"])
def test_quoted_cells_and_other_delimiters_read_the_same(name: str) -> None:
    make, columns, rows = TABLES[name]
    plain = make(rows, columns)
    quoted = "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in plain.decode().splitlines())
    for other in (quoted, plain.decode().replace(",", ";"), plain.decode().replace(",", "\t")):
        assert told(read_statement(other.encode())) == told(read_statement(plain))
    assert told(read_statement(plain.decode().encode("utf-16"))) == told(read_statement(plain))


@pytest.mark.parametrize("name", ["stripe", "shopify", "adyen"])
def test_a_csv_saved_as_a_workbook_reads_the_same(name: str) -> None:
    make, columns, rows = TABLES[name]
    book = files.workbook(columns, [[row.get(column, "") for column in columns] for row in rows])
    assert told(read_statement(book)) == told(read_statement(make(rows, columns)))


def cuts(data: bytes) -> list[int]:
    """Every place in a small file where its transfer may have stopped."""
    return list(range(1, len(data.rstrip())))


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in OPEN_ENDED])
def test_a_text_cut_at_any_byte_is_refused_or_whole(name: str) -> None:
    data = files.WHOLE[name]
    whole = money(read_statement(data))
    for place in cuts(data):
        try:
            made = read_statement(data[:place])
        except Unreadable:
            continue
        assert money(made) == whole, f"cut at {place} of {len(data)}: {data[place - 20 : place]!r}"


def money(statements: Iterable[Statement | BankStatement]) -> list[object]:
    """Amounts and ids; a description that lost its last letters is no loss of money."""
    result: list[object] = []
    for made in statements:
        assert isinstance(made, Statement)
        result += [(made.key, line.kind, line.amount, line.provider_id) for line in made.lines]
    return result


@pytest.mark.parametrize("name", OPEN_ENDED)
def test_a_row_cut_in_two_is_refused_where_rows_have_no_total(name: str) -> None:
    data = files.WHOLE[name]
    last = data.rstrip().rfind(b"\n")
    header = data.split(b"\n", 1)[0]
    for place in range(last + 2, len(data.rstrip())):
        cells = data[last + 1 : place].count(b",") - data[last + 1 : place].count(b'"') // 2
        if cells + 1 >= header.count(b",") + 1:
            break  # only the last cell is shorter: a note, or an amount that is empty
        with pytest.raises(Unreadable):
            read_statement(data[:place])


@pytest.mark.parametrize("name", [name for name, data in files.WHOLE.items() if data.startswith((b"PK", b"{"))])
def test_a_document_cut_anywhere_is_refused(name: str) -> None:
    data = files.WHOLE[name]
    for place in range(1, len(data), 1 if len(data) < 3000 else 97):
        with pytest.raises(Unreadable):
            read_statement(data[:place])


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_anything_else_is_refused_and_never_breaks(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_statement(data)


@pytest.mark.parametrize("name", files.WHOLE)
@given(st.data())
@settings(max_examples=20, deadline=None)
def test_a_changed_byte_is_refused_or_says_something_else_but_never_breaks(name: str, chance: st.DataObject) -> None:
    data = bytearray(files.WHOLE[name])
    place = chance.draw(st.integers(0, len(data) - 1))
    data[place] = chance.draw(st.integers(0, 255))
    try:
        for made in read_statement(bytes(data)):
            assert isinstance(made, Statement)
            assert made.opening + sum(line.amount for line in made.lines) == made.closing
    except Unreadable as refused:
        assert refused.problem.do_this


def test_a_workbook_whose_extent_is_wrong_is_read_whole() -> None:
    book = openpyxl.load_workbook(io.BytesIO(files.WHOLE["wildberries realisation"]))
    assert book.active is not None
    rows = [[cell.value for cell in row] for row in book.active.iter_rows()]
    write_only = openpyxl.Workbook(write_only=True)  # states no extent
    sheet = write_only.create_sheet()
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    write_only.save(out)
    assert told(read_statement(out.getvalue())) == told(read_statement(files.WHOLE["wildberries realisation"]))


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value of a JSON document."""
    found = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in found:
        yield (*path, key)
        yield from places(value, (*path, key))


@pytest.mark.parametrize("name", [name for name, data in files.WHOLE.items() if data.startswith(b"{")])
@pytest.mark.parametrize("junk", [None, [], {}, "x", 1, True, "9" * 40, [1]], ids=repr)
def test_json_of_another_shape_is_refused_and_never_breaks(name: str, junk: object) -> None:
    for path in places(json.loads(files.WHOLE[name])):
        document = json.loads(files.WHOLE[name])
        inside = document
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = junk
        try:
            for made in read_statement(json.dumps(document).encode()):
                assert isinstance(made, Statement)
                assert made.opening + sum(line.amount for line in made.lines) == made.closing
        except Unreadable as refused:
            assert refused.problem.do_this
