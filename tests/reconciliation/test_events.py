"""What no system tells the books: Z-reports and expired gift cards, from the list to the voucher; what stands apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.accounting.cases import amounts
from tests.accounting.shop import assert_golden
from tests.reconciliation.conftest import Desk

TILLS = b"""channel;register;number;day;taken cash;taken terminal;net 25;vat 25;counted
web;1;214;2026-03-14;1000;4000;4000;1000;
web;1;215;2026-03-15;100;0;60;20;
"""
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def test_25_a_tills_report_becomes_its_voucher_and_one_that_does_not_add_up_a_problem(desk: Desk) -> None:
    from samklang.reconciliation.control import vat
    from samklang.reconciliation.events_in import take_tills

    desk.flow()
    assert take_tills(desk.company, TILLS) == 2
    desk.run()
    (voucher,) = desk.records()
    assert_golden(voucher, "E11a")
    assert desk.problems() == {"AMOUNT_DIFF": ["web/1/215"]}
    assert [(one.vouchers, one.orders, one.apart, one.difference) for one in vat(desk.company, *MARCH)] == [
        (Decimal(1000), 0, Decimal(1000), 0)
    ]
    desk.approve()
    desk.deliver()
    assert take_tills(desk.company, TILLS.replace(b"60;20", b"80;20")) == 2
    desk.run()
    assert desk.problems() == {}
    states = {key: made.state for key, made in desk.vouchers().items()}
    assert states == {"ov/pos/web/1/214": "posted", "ov/pos/web/1/215": "validated"}, "read again, nothing is doubled"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"web;1;215", b"shop;1;215", "no channel"), (b"web;1;215", b"web;1;214", "twice"),
        (b"2026-03-15", b"15/3", "no date"), (b";60;", b";6o;", "no number"), (b"register;", b"till;", "no column"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_read_leaves_nothing(desk: Desk, old: bytes, new: bytes, reason: str) -> None:
    from samklang.connectors.errors import BadData
    from samklang.reconciliation.events_in import take_tills, z_reports

    with pytest.raises(BadData, match=reason):
        take_tills(desk.company, TILLS.replace(old, new))
    assert z_reports(desk.company) == []


def test_38_gift_cards_that_expire_are_income_of_the_day(desk: Desk) -> None:
    from samklang.reconciliation.events_in import take_gift_cards

    desk.flow()
    take_gift_cards(desk.company, b"number,day,rest\ngc1,2026-03-31,100\ngc2,2026-03-31,50.50\n")
    desk.run()
    (voucher,) = desk.records()
    assert (str(voucher.date), amounts(voucher)) == ("2026-03-31", {"2421": "150.50", "3990": "-150.50"})
    assert [ref.id for ref in voucher.lines[0].refs] == ["gc1", "gc2"]
