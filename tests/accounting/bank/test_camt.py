"""camt.053 and camt.054: every version alike, balanced or refused (RECONCILIATION §6, edge cases of §7 by number)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from time import perf_counter

import pytest
from lxml import etree

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements.base import Unreadable
from samklang.accounting.statements.reading import read_statement
from tests.conftest import SPECS

from .files import NEW, OLD, balance, camt, detail, entry, statement

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
    since_version_8 = one(re.sub(rb"</ElctrncSeqNb><CreDtTm>[^<]*</CreDtTm>", b"</ElctrncSeqNb>", data))
    assert since_version_8.created == made.created, "the message says when"


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


def summary(**told: str) -> str:
    """What a statement says of all its entries."""
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in told.items())
    return f"<TxsSummry><TtlNtries>{inside}</TtlNtries></TxsSummry>"


def plain(amounts: str = "10.00", closing: str = "110.00") -> str:
    """A statement with one entry, as text."""
    return camt(statement(entry(amounts), closing=closing)).decode()


ENVELOPES = {
    "prefix": lambda text: re.sub(r"<(/?)(?=[A-Za-z])", r"<\1n:", text).replace("xmlns=", "xmlns:n="),
    "envelope with header": lambda text: text.replace(
        "<Document", '<e:Envelope xmlns:e="urn:bank"><AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.02"/>'
        f"<!--{'x' * 9000}--><Document",
    ).replace("</Document>", "</Document></e:Envelope>"),
    "no Document": lambda text: re.sub(r"</?Document[^>]*>", "", text),
    "no namespace": lambda text: re.sub(r' xmlns="[^"]*"', "", text),
    "CR": lambda text: text.replace("><", ">\r<"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENVELOPES)
def test_a_message_is_found_in_whatever_it_lies(name: str) -> None:
    made = one(ENVELOPES[name](plain()).encode())
    assert (made.lines[0].amount, made.closing) == (10, 110)


@pytest.mark.parametrize("written", ["10", "10.", "+10.0", "010.00000", "10.000000000000000"])
def test_an_amount_is_an_xml_decimal(written: str) -> None:
    assert one(plain(written).encode()).lines[0].amount == 10
    assert one(plain(".5", "100.5").encode()).lines[0].amount == Decimal("0.5")


@pytest.mark.parametrize("written", ["1 000.00", "1,000.00", "1e1", "", "-10", "10.0.0", "9" * 16, "NaN", "١٠"])
def test_an_amount_in_another_notation_is_refused(written: str) -> None:
    assert "is no amount" in str(refused(plain(written).encode()))


def test_of_several_balances_the_first_day_opens_and_the_last_one_closes() -> None:
    later = balance("CLBD", "130.00").replace("2026-03-06", "2026-03-07")
    between = balance("OPBD", "110.00").replace("2026-03-06", "2026-03-07")
    text = camt(statement(entry("10.00"), entry("20.00"), closing="110.00")).decode()
    for order in (f"{later}{between}<Ntry>", f"{between}{later}<Ntry>"):
        made = one(text.replace("<Ntry>", order, 1).encode())
        assert (made.opening, made.closing) == (100, 130)


def test_pages_of_a_statement_lead_from_balance_to_balance_and_stay_apart() -> None:
    def page(number: int, last: str, part: str) -> str:
        return part.replace(
            "</Id><Elc", f"</Id><StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{last}</LastPgInd></StmtPgntn><Elc"
        )

    first = page(1, "false", statement(entry("10.00"), closing="110.00").replace("CLBD", "ITBD"))
    middle = page(2, "false", statement(entry("10.00"), opening="110.00", closing="120.00").replace("OPBD", "ITBD"))
    last = page(3, "true", statement(entry("5.00"), opening="120.00", closing="125.00").replace("OPBD", "ITBD"))
    made = read_statement(camt(first, middle.replace("CLBD", "ITBD"), last))
    assert [(part.key[2], part.opening, part.closing) for part in made if isinstance(part, BankStatement)] == [
        ("S1", 100, 110), ("S1/2", 110, 120), ("S1/3", 120, 125),
    ]  # fmt: skip
    assert "closing balance (CLBD)" in str(
        refused(camt(page(1, "true", statement(entry("1.00"), closing="101.00").replace("CLBD", "ITBD"))))
    )


def test_a_notification_proves_the_sum_that_it_states() -> None:
    def notice(total: str) -> bytes:
        part = statement(entry("10.00"), entry("4.00", side="DBIT"), closing="1.00")
        part = part[: part.index("<Bal>")] + summary(NbOfNtries="2", Sum=total) + part[part.rindex("</Bal>") + 6 :]
        return camt(part.replace("Stmt>", "Ntfctn>"), kind="054")

    assert len(one(notice("14.00")).lines) == 2
    assert "entries sum to 14" in str(refused(notice("24.00")))


def test_invoice_numbers_of_a_remittance_are_references() -> None:
    paid = detail("10.00", reference="77").replace(
        "<Strd>", "<Strd><RfrdDocInf><Tp><CdOrPrtry><Cd>CINV</Cd></CdOrPrtry></Tp><Nb>F-12</Nb></RfrdDocInf>"
    )
    (part,) = one(camt(statement(entry("10.00", details=[paid]), closing="110.00"))).lines[0].details
    assert (part.reference, part.references) == ("77", ("F-12",))


def test_charges_and_another_currency_of_a_payment_change_nothing_of_the_entry() -> None:
    charge = '<Chrgs><Rcrd><Amt Ccy="SEK">1.50</Amt></Rcrd></Chrgs>'
    euros = f'<TxDtls><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{charge}</TxDtls>'
    (line,) = one(camt(statement(entry("10.00", details=[euros]), closing="110.00"))).lines
    assert (line.amount, line.details[0].amount, line.details[0].currency) == (10, 1, "EUR")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text.replace("<IBAN>SE3550000000054910000003</IBAN>", ""), "names no account"),
        (lambda text: text.replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>"), "intraday"),
        (lambda text: text.replace("</Acct>", f"</Acct>{summary(NbOfNtries='one')}"), "its summary says one"),
        (lambda text: text.replace("</Id><Elc", "</Id><StmtPgntn><PgNb>first</PgNb></StmtPgntn><Elc"), "PgNb"),
        (lambda text: text.replace("UTF-8", "no-such-charset"), "not whole XML"),
    ],
)  # fmt: skip
def test_other_faults_are_refused_in_words(change: Callable[[str], str], why: str) -> None:
    caught = refused(change(plain()).encode())
    assert why in str(caught) and caught.problem.do_this


def test_a_batch_of_thousands_takes_no_longer_per_payment() -> None:
    paid = detail("1.00", reference="77")

    def seconds(count: int) -> float:
        data = camt(statement(entry(f"{count}.00", details=[paid] * count), closing=f"{100 + count}.00"))
        start = perf_counter()
        assert len(one(data).lines[0].details) == count
        return perf_counter() - start

    assert seconds(3000) < 30 * seconds(300)  # in proportion it is 10; each asking for all of them made it 100
