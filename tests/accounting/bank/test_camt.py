"""camt.053 and camt.054: every version alike, balanced or refused (RECONCILIATION §6, edge cases of §7 by number)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.reading import read_statement
from tests.conftest import SPECS

from .files import NEW, OLD, camt, detail, entry, statement

KLARNA = "KLARNA XISA93DJ"


def one(data: bytes) -> BankStatement:
    (made,) = read_statement(data)
    assert isinstance(made, BankStatement)
    return made


def refused(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_statement(data)
    return caught.value


def both(version: str) -> bytes:
    """A payout, a batch of two payments and a fee, in one version."""
    batch = [
        detail("300.00", reference="1234567", version=version, name="Anna"),
        detail("200.00", "Faktura 7", version=version, name="Bo"),
    ]
    return camt(
        statement(
            entry("2649.16", KLARNA, version=version),
            entry("500.00", version=version, details=batch),
            entry("5.00", version=version, side="DBIT"),
            closing="3244.16",
        ),
        version=version,
    )


@pytest.mark.parametrize("version", [OLD, NEW])
def test_the_test_files_follow_the_standards_own_schema(version: str) -> None:
    schema = SPECS / f"specs/iso20022/camt.053.001.{version}.xsd"
    if not schema.exists():
        pytest.skip("the ISO 20022 schemas are not here (SAMKLANG_SPECS)")
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.fromstring(both(version)))


@pytest.mark.parametrize("version", [OLD, NEW, "04", "13"])
def test_versions_read_alike(version: str) -> None:
    made = one(both(version if version == NEW else OLD).replace(b".001.02", f".001.{version}".encode()))
    assert made.format == f"camt.053.001.{version}"
    assert (made.kind, made.account, made.currency) == ("statement", "SE3550000000054910000003", "SEK")
    assert (made.opening, made.closing, made.number) == (100, Decimal("3244.16"), "12")
    payout, batch, fee = made.lines
    assert (payout.amount, payout.text, payout.booked_on) == (Decimal("2649.16"), KLARNA, date(2026, 3, 6))
    assert (payout.code, payout.reference, payout.value_on) == ("PMNT/RCDT/DMCT", "BANK-2649.16", date(2026, 3, 7))
    assert [(part.amount, part.party, part.reference) for part in batch.details] == [
        (300, "Anna", "1234567"), (200, "Bo", ""),
    ]  # fmt: skip
    assert "1234567" in batch.text and "Faktura 7" in batch.text
    assert fee.amount == -5


def test_a_single_payment_has_the_entrys_amount_where_it_states_none() -> None:
    made = one(both(OLD))
    (part,) = made.lines[0].details
    assert (part.amount, part.currency, part.party_account) == (Decimal("2649.16"), "SEK", "SE4550000000058398257466")


def test_entries_that_do_not_lead_to_the_closing_balance_are_refused() -> None:
    caught = refused(camt(statement(entry("10.00"), closing="111.00")))
    assert (caught.problem.code, caught.problem.amount, caught.problem.currency) == ("STATEMENT_UNBALANCED", -1, "SEK")
    no_balance = statement(entry("10.00"), closing="110.00").replace("CLBD", "CLAV")
    assert "closing balance (CLBD)" in str(refused(camt(no_balance)))
    euros = statement(entry("10.00", currency="EUR"), closing="110.00")
    assert refused(camt(euros)).problem.code == "CURRENCY_DIFF"


def test_a_previous_closing_balance_opens_and_overdrafts_are_negative() -> None:
    made = one(camt(statement(entry("10.00"), opening="-100.00", closing="-90.00").replace("OPBD", "PRCD")))
    assert (made.opening, made.closing) == (-100, -90)


@pytest.mark.parametrize("version", [OLD, NEW])
def test_only_booked_entries_count(version: str) -> None:
    waiting = [entry("7.00", version=version, status=status) for status in ("PDNG", "INFO")]
    made = one(camt(statement(entry("10.00", version=version), *waiting, closing="110.00"), version=version))
    assert ([line.amount for line in made.lines], [line.amount for line in made.pending]) == ([10], [7, 7])


def test_46_a_payout_taken_back_is_a_reversal() -> None:
    data = camt(statement(entry("50.00", KLARNA), entry("50.00", KLARNA, side="DBIT", reversal=True), closing="100.00"))
    came, went = one(data).lines
    assert (came.amount, came.reversal, went.amount, went.reversal) == (50, False, -50, True)


def test_22_two_equal_lines_stay_two() -> None:
    made = one(camt(statement(entry("50.00", KLARNA), entry("50.00", KLARNA), closing="200.00")))
    assert [line.amount for line in made.lines] == [50, 50]


def test_several_statements_in_a_file_are_read_apart() -> None:
    data = camt(
        statement(entry("10.00"), closing="110.00"),
        statement(entry("1.00"), opening="110.00", closing="111.00", id_="S2"),
    )
    assert [made.key[2] for made in read_statement(data) if isinstance(made, BankStatement)] == ["S1", "S2"]


def test_a_notification_is_a_notice_and_needs_no_balances() -> None:
    part = statement(entry("10.00", KLARNA), closing="1.00")
    part = part[: part.index("<Bal>")] + part[part.rindex("</Bal>") + 6 :]
    data = camt(part.replace("Stmt>", "Ntfctn>"), kind="054")
    made = one(data)
    assert (made.kind, made.format, made.opening, made.lines[0].amount) == ("notice", "camt.054.001.02", None, 10)
    undated = one(data.replace(b"<BookgDt><Dt>2026-03-06</Dt></BookgDt><ValDt><Dt>2026-03-07</Dt></ValDt>", b""))
    assert undated.lines[0].booked_on == date(2026, 3, 7)


def test_the_count_of_entries_is_proved() -> None:
    def counted(number: int) -> bytes:
        summary = f"<TxsSummry><TtlNtries><NbOfNtries>{number}</NbOfNtries></TtlNtries></TxsSummry>"
        return camt(statement(entry("10.00"), closing="110.00", summary=summary))

    assert len(one(counted(1)).lines) == 1
    assert "its summary says 2" in str(refused(counted(2)))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("CRDT</CdtDbtInd><Sts>", "CREDIT</CdtDbtInd><Sts>", "neither CRDT nor DBIT"),
        ('<Ntry><Amt Ccy="SEK">10.00', '<Ntry><Amt Ccy="SEK">10,00', "no amount"),
        ('<Ntry><Amt Ccy="SEK">10.00', '<Ntry><Amt Ccy="SEK">-10.00', "no amount"),
        ('<Ntry><Amt Ccy="SEK">', '<Ntry><Amt Ccy="KRONA">', "no currency"),
        ("<Sts>BOOK</Sts>", "", "lacks Sts"),
        ("<BookgDt><Dt>2026-03-06", "<BookgDt><Dt>6 March", "no date"),
        ("<Id>S1</Id>", "", "lacks Id"),
    ],
)
def test_what_is_unclear_is_refused_with_its_element(old: str, new: str, why: str) -> None:
    data = camt(statement(entry("10.00"), closing="110.00")).decode()
    assert old in data
    assert why in str(refused(data.replace(old, new, 1).encode()))


def test_a_document_type_and_its_entities_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("secret") / "secret.txt"
    secret.write_text("1000.00")
    text = camt(statement(entry("10.00", "TEXT"), closing="110.00")).decode()
    head, body = text.split("\n", 1)
    for declared, used in (
        (f'<!ENTITY x SYSTEM "file://{secret}">', "&x;"),
        ('<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY x "&b;&b;">', "&x;"),
    ):
        data = f"{head}\n<!DOCTYPE Document [{declared}]>\n{body.replace('TEXT', used)}"
        assert "document type" in str(refused(data.encode()))


def test_a_file_cut_at_any_byte_is_refused() -> None:
    data = both(OLD)
    for place in range(1, len(data) - 1):
        assert refused(data[:place]).problem.code == "STATEMENT_UNBALANCED"


def test_comments_prefixes_and_charsets_do_no_harm() -> None:
    plain = one(both(OLD))
    text = both(OLD).decode()
    prefixed = etree.tostring(etree.fromstring(both(OLD)), encoding="iso-8859-1", xml_declaration=True)
    commented = text.replace("<Ntry>", "<!-- a comment --><Ntry>")
    for data in (
        prefixed,
        commented.encode(),
        b"\xef\xbb\xbf" + both(OLD),
        text.replace("UTF-8", "UTF-16").encode("utf-16"),
    ):
        made = one(data)
        assert [line.amount for line in made.lines] == [line.amount for line in plain.lines]
