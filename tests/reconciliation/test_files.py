"""Files come in whole or not at all, once, and are kept so that only who has the key can read them."""

from __future__ import annotations

from typing import Any

import pytest

from samklang.connectors.errors import BadData, SamklangError
from tests.accounting.bank.files import camt, detail, entry, statement
from tests.accounting.statements.files import KLARNA_ROWS, klarna, klarna_json, stripe
from tests.reconciliation.conftest import Desk


def test_the_same_bytes_again_are_nothing_new(desk: Desk) -> None:
    """Edge case 29."""
    first = desk.takes(klarna(), "klarna.csv")
    again = desk.takes(klarna(), "another name.csv")
    assert (first.new, first.known) == (("klarna/K123456/XISA93DJ/SEK",), ())
    assert (again.new, again.known, again.file.pk) == ((), first.new, first.file.pk)


def test_the_same_payout_in_another_file_is_known(desk: Desk) -> None:
    """Edge case 29: portal and API."""
    desk.takes(klarna())
    again = desk.takes(klarna_json())
    assert (again.new, again.known, again.problems) == ((), ("klarna/K123456/XISA93DJ/SEK",), ())


def test_other_content_under_a_known_payout_is_a_problem_and_changes_nothing(desk: Desk) -> None:
    """STATEMENT_CHANGED."""
    from samklang.reconciliation.models import StatementLine

    desk.takes(klarna())
    before = list(StatementLine.objects.order_by("id").values_list("line", "amount"))
    rows = [dict(row) for row in KLARNA_ROWS]
    rows[0]["merchant_reference1"] = "9999"
    again = desk.takes(klarna(rows))
    assert [problem.code for problem in again.problems] == ["STATEMENT_CHANGED"]
    assert list(StatementLine.objects.order_by("id").values_list("line", "amount")) == before
    assert set(desk.problems()) == {"STATEMENT_CHANGED"}


def test_a_cut_file_leaves_nothing_but_its_reason_and_may_come_again(desk: Desk) -> None:
    """Edge case 31: all or nothing."""
    from samklang.reconciliation.models import Statement, StatementFile

    cut = b"\n".join(klarna().splitlines()[:-2])
    with pytest.raises(SamklangError) as refused:
        desk.takes(cut)
    assert refused.value.code == "STATEMENT_UNBALANCED"
    assert not Statement.objects.exists()
    kept = StatementFile.objects.get()
    assert (kept.state, kept.error[:20]) == ("refused", "STATEMENT_UNBALANCED")
    with pytest.raises(SamklangError):
        desk.takes(cut)
    assert StatementFile.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02binary", "not known"),
        (b"a;b\n1;2\n", "format is not known"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
    ],
    ids=["empty", "a program", "another table", "entities"],
)
def test_what_is_no_statement_is_refused_with_words(desk: Desk, data: bytes, what: str) -> None:
    with pytest.raises(SamklangError, match=what):
        desk.takes(data)


def test_a_file_of_another_provider_than_was_said_is_refused(desk: Desk) -> None:
    with pytest.raises(BadData, match="from klarna, not from stripe"):
        desk.takes(klarna(), provider="stripe")
    assert desk.takes(klarna(), provider="klarna").new


def test_a_file_of_an_account_that_is_not_this_companys_is_refused(desk: Desk) -> None:
    """X-07: several legal entities."""
    desk.company = desk.settings(accounts_at={"klarna": ["K999"]})
    with pytest.raises(BadData, match="K123456 at klarna is none of ov's"):
        desk.takes(klarna())
    desk.company = desk.settings(accounts_at={"klarna": ["K999", "K123456"]})
    assert desk.takes(klarna()).new


def test_what_a_file_leaves_open_the_settings_say(desk: Desk) -> None:
    desk.company = desk.settings(files={"stripe": {"account": "acct_1"}})
    assert desk.takes(stripe(), provider="stripe").new == ("stripe/acct_1/po_1A/SEK",)


def test_a_refused_file_that_nobody_waits_for_becomes_a_problem_until_it_is_read(desk: Desk) -> None:
    from samklang.reconciliation.files import Handed, import_file

    def drop(data: bytes) -> Any:
        return import_file(desk.company, "klarna.csv", data, Handed("folder", "folder"))

    with pytest.raises(SamklangError):
        drop(b"\n".join(klarna().splitlines()[:-2]))
    assert set(desk.problems()) == {"STATEMENT_UNBALANCED"}
    drop(klarna())
    assert desk.problems() == {}


def test_files_are_kept_encrypted_and_come_back_as_they_were(desk: Desk) -> None:
    from samklang.hub import secrets
    from samklang.reconciliation.kept import raw
    from samklang.reconciliation.models import StatementFile

    desk.takes(klarna())
    kept = StatementFile.objects.get()
    assert b"XISA93DJ" not in bytes(kept.body)
    assert raw(kept) == klarna()
    before = bytes(kept.body)
    secrets.rotate()
    kept.refresh_from_db()
    assert bytes(kept.body) != before
    assert raw(kept) == klarna()


def bank(*entries: str, closing: str, id_: str = "S1") -> bytes:
    return camt(statement(*entries, opening="100.00", closing=closing, id_=id_))


def test_a_bank_line_is_kept_once_in_whatever_files_it_comes(desk: Desk) -> None:
    """Edge case 30: overlapping exports."""
    from samklang.reconciliation.models import BankLine

    first = entry("2649.16", details=[detail("2649.16", "XISA93DJ")])
    second = entry("10.00", text="Swish")
    desk.takes(bank(first, closing="2749.16"))
    desk.takes(bank(first, second, closing="2759.16", id_="S2"))
    assert BankLine.objects.count() == 2
    assert BankLine.objects.get(amount="2649.16").provider == "klarna"
