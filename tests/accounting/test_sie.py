"""SIE out and in, judged by others: a foreign reader, known checksums, beancount, hledger (RECONCILIATION §6)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samklang.accounting.company import Channel
from samklang.accounting.daybook import book_sales
from samklang.accounting.settlement import book_statements
from samklang.accounting.sie import SieFile, checksum, read_sie, write_sie
from samklang.accounting.sie.lines import CHARSET, decode, encodable, rows
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.voucher import Voucher
from tests.conftest import SPECS

from .journal import account, hledger_journal, journal
from .month import Month
from .provider import row, statement
from .shop import company, exchange, line, order, paid
from .test_invariants import firm, keep
from .test_worked_sales import day_orders
from .test_worked_settlements import klarna_payout, known

MADE = date(2026, 3, 7)
FIRM = company(channels=[Channel(code="web", dimensions={"1": "WEB", "6": "Nöje 2026"})])


def vouchers() -> tuple[Voucher, ...]:
    """E1, E3 and E2, as in the document's own SIE example."""
    stripe = statement(
        "stripe", "po_1A", "2026-03-05", row("sale", "661", id_="ch_2"), row("fee", "-13.07"), row("payout", "-647.93")
    )
    made = [klarna_payout(), stripe]
    facts = known(day_orders(), made, FIRM, exchange())
    return (
        *book_sales(day_orders(), FIRM, exchange()).vouchers,
        *book_statements(made, facts, FIRM, exchange()).vouchers,
    )


def sie(numbered: bool = False) -> bytes:
    found = vouchers()
    numbers = {voucher.key: str(number) for number, voucher in enumerate(found, 1)} if numbered else None
    return write_sie(found, FIRM, MADE, sign="system", numbers=numbers)


def content(found: SieFile) -> list[tuple[date, str, list[tuple[str, Decimal]]]]:
    return [
        (voucher.day, voucher.text, sorted((part.account, part.amount) for part in voucher.lines))
        for voucher in found.vouchers
    ]


def test_what_is_written_is_read_back() -> None:
    found = read_sie(sie())
    assert content(found) == [
        (voucher.date, voucher.text, sorted((part.account, part.amount) for part in voucher.lines))
        for voucher in vouchers()
    ]
    assert found.company == "Övningsbutiken AB"
    assert found.org_no == "556334-3689"
    assert found.accounts["2645"] == "Beräknad ing moms utland"
    assert found.objects == {("1", "WEB"): "WEB", ("6", "Nöje 2026"): "Nöje 2026"}
    carried = {part.account: part.objects for voucher in found.vouchers for part in voucher.lines}
    assert carried["3001"] == {"1": "WEB", "6": "Nöje 2026"}, "result lines carry the channel's dimensions"
    assert carried["1581"] == {}


def test_the_file_is_pc8_with_crlf_and_only_what_4i_allows() -> None:
    data = sie()
    assert data.startswith(b"#FLAGGA 0\r\n#KSUMMA\r\n#PROGRAM")
    assert "Övningsbutiken".encode("cp437") in data
    assert data.count(b"\r\n") == data.count(b"\n")
    labels = [found.label for found in rows(decode(data))]
    assert not {"#IB", "#UB", "#RES", "#PSALDO", "#OMFATTN", "#BKOD"} & set(labels)
    assert {"#FLAGGA", "#PROGRAM", "#FORMAT", "#GEN", "#SIETYP", "#FNAMN"} <= set(labels)


def test_it_says_the_same_as_the_documents_example() -> None:
    example = SPECS / "domain" / "example_sie4i.si"
    if not example.exists():
        pytest.skip("the document's example is not here (SAMKLANG_SPECS)")
    ours, theirs = read_sie(sie()), read_sie(example.read_bytes())
    assert [(day, parts) for day, _, parts in content(ours)] == [(day, parts) for day, _, parts in content(theirs)]
    assert ours.accounts == theirs.accounts


@pytest.mark.parametrize(
    ("path", "known_sum"),
    [
        ("samples/sie/sie4sdk__Sie4I1ksumma.SI", 2089216536),
        ("specs/sie/Norstedts_Bokslut_SIE_4I.si", 1573150874),
        ("domain/example_sie4i.si", 3522626663),
    ],
)
def test_the_checksum_reproduces_those_of_other_programs(path: str, known_sum: int) -> None:
    if not (SPECS / path).exists():
        pytest.skip("the sample files are not here (SAMKLANG_SPECS)")
    found = list(rows(decode((SPECS / path).read_bytes())))
    first, last = (place for place, part in enumerate(found) if part.label == "#KSUMMA")
    assert checksum(found[first + 1 : last]) == known_sum == int(found[last].text(0))


REFUSED = {
    "barsoom__sie_file.se": "differs by -40.00",
    "sie4j__BLBLOV_SIE4_UTF_8_IMBALANCED.SI": "differs by 0.55",
    "sie4sdk__Sie4E1ksumma.SI": "checksum is 123456789",
}
READS = frozenset(
    """BL0001_typ4.SE BL0001_typ4I.SI FAKT.SI MAMUT_SIE1_EXPORT.SE MAMUT_SIE4_EXPORT.SE Norstedts_Bokslut_SIE_4I.si
    SIE-fil_fran_Visma_Eget_Aktiebolag_2010.se SIE4_Exempelfil_med_underdim.SE SIE4_Visma_Anlaggningsregister.si
    SIE_exempelfil.se Sie4.se Sie4.si magenta_bokforing_SIE4I.se typ4.se typ4si.si sie4j__BLBLOV_SIE4.SI
    sie4j__BLBLOV_SIE4_UTF_8_with_iso_voucher_date.SI sie4j__Quotes_test.si sie4sdk__Sie4E1.SI sie4sdk__Sie4I1.SI
    sie4sdk__Sie4I1ksumma.SI""".split()
)
FOLDERS = [SPECS / "specs" / "sie", SPECS / "samples" / "sie"]


@pytest.mark.skipif(
    not all(folder.exists() for folder in FOLDERS), reason="sample files are elsewhere (SAMKLANG_SPECS)"
)
@pytest.mark.parametrize(
    "path", [path for folder in FOLDERS for path in sorted(folder.glob("*"))], ids=lambda p: p.name
)
def test_files_of_other_programs_are_read_or_refused_for_their_fault(path: Path) -> None:
    if path.name in REFUSED:
        with pytest.raises(Unreadable, match=REFUSED[path.name]):
            read_sie(path.read_bytes())
        return
    try:
        found = read_sie(path.read_bytes())
    except Unreadable as caught:  # a file that has come to the collection, and that nobody has judged yet
        assert path.name not in READS, caught
        assert caught.problem.what and caught.problem.do_this
        return
    # A count made without the reader: #VER at the beginning of a line.
    written = sum(part.lstrip().upper().startswith(b"#VER") for part in path.read_bytes().splitlines())
    assert len(found.vouchers) == written
    assert found.company
    assert not any(
        "\ufffd" in voucher.text for voucher in found.vouchers if path.name != "SIE4_Exempelfil_med_underdim.SE"
    )


@pytest.mark.parametrize("charset", ["cp437", "latin-1", "utf-8", "utf-8-sig"])
def test_the_charset_is_found_whatever_the_file_says(charset: str) -> None:
    data = sie().decode("cp437").encode(charset)
    assert read_sie(data).company == "Övningsbutiken AB"


def test_one_stray_byte_does_not_make_a_pc8_file_latin_1() -> None:
    assert decode(b"F\x94rs\x84ljning \xc5") == "Försäljning ┼"
    assert decode("Försäljning Å".encode("latin-1")) == "Försäljning Å"


def changed(old: bytes, new: bytes) -> bytes:
    """Our file with something replaced and without its checksum."""
    data = b"\r\n".join(part for part in sie().split(b"\r\n") if not part.startswith(b"#KSUMMA"))
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2765.01", "differs by 0.01"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2765,00", "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2765.001", "two decimals"),
        (b"20260302", b"20260230", "YYYYMMDD"),
        (b"#KONTO", b"KONTO", "begins with #"),
        (b"#TRANS 1581 {} 2765.00", b'#TRANS "" {} 2765.00', "names no account"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS {} 2765.00", "names no account"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581", "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2.765e3", "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2765.00-", "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} (2765.00)", "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b'#TRANS 1581 {} "2 765.00"', "decimal point"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {1} 2765.00", "dimension without object"),
        (b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {1 A 2765.00", "not closed"),
        (b"20260302", b"2026W101", "YYYYMMDD"),
        (b"20260302", b"260302", "YYYYMMDD"),
        (b"20260302", b'""', "no date"),
    ],
)
def test_a_faulty_file_is_refused_whole(old: bytes, new: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read_sie(changed(old, new))


@settings(deadline=None)
@given(st.data())
def test_31_a_file_that_is_cut_off_is_never_half_read(data: st.DataObject) -> None:
    whole = sie()
    cut = data.draw(st.integers(1, len(whole) - len(b"\r\n") - 1))
    with pytest.raises(Unreadable):
        read_sie(whole[:cut])


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_survives_as_pc8(text: str) -> None:
    written = encodable(text)
    written.encode(CHARSET)
    assert not any(ord(character) < 32 for character in written)
    named = msgspec.structs.replace(FIRM, name=text)
    assert read_sie(write_sie(vouchers(), named, MADE)).company == written


def test_a_foreign_reader_reads_the_same_vouchers(tmp_path: Path) -> None:
    path = tmp_path / "fakt.si"
    path.write_bytes(sie(numbered=True))
    script = (
        "import sys, json, pandas; from pysie_accounting.pysie import PySIE; p = PySIE(); p.sie_encoding = 'cp437'; "
        "p.dftrans = pandas.DataFrame(columns=['SRU', 'Ink2']); p.open(sys.argv[1]); "
        "print(json.dumps([p.fnamn, p.verifikat]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    name, found = json.loads(done.stdout)
    assert name == "Övningsbutiken AB"
    assert [
        (day, text, sorted((account, amount) for account, _, amount in parts)) for day, text, _, parts in found.values()
    ] == [
        (f"{voucher.date:%Y%m%d}", voucher.text, sorted((part.account, f"{part.amount:.2f}") for part in voucher.lines))
        for voucher in vouchers()
    ]


def bean_check(data: bytes, folder: Path) -> subprocess.CompletedProcess[str]:
    path = folder / "journal.beancount"
    path.write_text(journal(data))
    tool = Path(sys.executable).parent / "bean-check"
    return subprocess.run([str(tool), "--no-cache", str(path)], capture_output=True, text=True, check=False)


def test_beancount_accepts_our_vouchers(tmp_path: Path) -> None:
    text = journal(sie())
    assert text.count(" * ") == 3
    assert text.count("SEK\n  title") == 22, "as many accounts as the document's example declares"
    done = bean_check(sie(), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_beancount_rejects_an_unbalanced_voucher_and_an_undeclared_account(tmp_path: Path) -> None:
    unbalanced = bean_check(changed(b"#TRANS 1581 {} 2765.00", b"#TRANS 1581 {} 2765.01"), tmp_path)
    assert unbalanced.returncode == 1
    assert "does not balance" in unbalanced.stderr
    undeclared = bean_check(changed(b"#KONTO 1581 ", b"#KONTO 1599 "), tmp_path)
    assert undeclared.returncode == 1
    assert "A1581" in undeclared.stderr


needs_hledger = pytest.mark.skipif(
    shutil.which("hledger") is None, reason="hledger is not installed (Debian: apt-get install hledger)"
)


def hledger_check(text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["hledger", "-f", "-", "check", "--strict"], input=text, capture_output=True, text=True, check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def journal_of(vouchers: Iterable[Voucher], without: str = "") -> str:
    """Our vouchers as hledger's journal, without the SIE writer between; all accounts declared but one."""
    made = list(vouchers)
    names = sorted({account(part.account) for voucher in made for part in voucher.lines} - {without})
    lines = ["commodity 1000.00 SEK", *(f"account {name}" for name in names), ""]
    for voucher in made:
        lines.append(f"{voucher.date} * {voucher.text}  ; {voucher.key}")
        lines += [f"  {account(part.account)}  {part.amount:.2f} SEK" for part in voucher.lines]
        lines.append("")
    return "\n".join(lines)


@needs_hledger
@pytest.mark.parametrize("model", ["day", "invoice"])
def test_hledger_accepts_a_month_of_vouchers_and_rejects_what_is_wrong(model: str) -> None:
    """As they are, and as another reads our SIE; every rejection names what is wrong."""
    kept = keep(Month(150), model)
    sie_of_month = write_sie(kept.vouchers, firm(model), MADE)
    for text in (journal_of(kept.vouchers), hledger_journal(sie_of_month)):
        assert text.count(" * ") == len(kept.vouchers)
        done = hledger_check(text)
        assert (done.returncode, done.stderr) == (0, "")
    undeclared = hledger_check(journal_of(kept.vouchers, without=account("1581")))
    assert undeclared.returncode == 1
    assert "A1581" in undeclared.stderr
    amount = next(f"{part.amount:.2f} SEK" for part in kept.vouchers[0].lines)
    off = hledger_check(journal_of(kept.vouchers).replace(amount, "0.01 SEK", 1))
    assert off.returncode == 1
    assert "unbalanced" in off.stderr or "balance" in off.stderr
    foreign = hledger_check(hledger_journal(sie_of_month).replace("commodity 1000.00 SEK", ""))
    assert foreign.returncode == 1, "a currency that nobody has declared"


def test_braces_in_the_wild_and_truncated_vouchers() -> None:
    text = (
        "#FLAGGA 0\n#FNAMN Bolaget\n#VER A 1 2026-03-02 Kaffe\n#TRANS 1930 -10\n#BTRANS 1930 {} 5\n#TRANS 4010 {} 10\n"
    )
    (voucher,) = read_sie(text.encode()).vouchers
    assert (voucher.day, [part.amount for part in voucher.lines]) == (date(2026, 3, 2), [-10, 10])
    with pytest.raises(Unreadable, match="inside a voucher"):
        read_sie(text.replace("Kaffe\n", "Kaffe\n{\n").encode())


#: Ways of writing that mean the same.
SAME = {
    "CR": lambda data: data.replace(b"\r\n", b"\r"),
    "tabs": lambda data: data.replace(b"#TRANS ", b"\t#TRANS\t"),
    "lower case": lambda data: data.replace(b"#TRANS", b"#trans").replace(b"#VER", b"#Ver"),
    "empty lines": lambda data: data.replace(b"}\r\n", b"}\r\n\r\n \r\n"),
    "quoted fields": lambda data: data.replace(b"} 2765.00", b'} "2765.00"').replace(b"1581 {", b'"1581" {'),
    "trailing fields and labels of others": lambda data: data.replace(
        b"2765.00", b'2765.00 20260302 "text" 1 sign more'
    ).replace(b"#VER", b"#OWN x\r\n#VER"),
    "corrected lines": lambda data: data.replace(
        b"#TRANS 1581 {} 2765.00", b"#BTRANS 1581 {} 9.00\r\n#RTRANS 1581 {} 2765.00\r\n#TRANS 1581 {} 2765.00"
    ),
    "noughts": lambda data: data.replace(b"2765.00", b"2765.0000").replace(b"661.00", b"661."),
    "end of file mark": lambda data: data + b"\x1a",
}


@pytest.mark.parametrize("name", SAME)
def test_ways_of_writing_do_no_harm(name: str) -> None:
    plain = changed(b"#FNAMN", b"#FNAMN")
    other = SAME[name](plain)
    assert other != plain
    assert content(read_sie(other)) == content(read_sie(plain))


def test_a_foreign_voucher_is_no_part_of_the_file() -> None:
    sold = order("1", [line("10")], paid("klarna", "10", "2026-03-02", "k"))
    (voucher,) = book_sales([sold], FIRM, exchange()).vouchers
    with pytest.raises(ValueError, match="EUR"):
        write_sie([msgspec.structs.replace(voucher, currency="EUR")], FIRM, MADE)
