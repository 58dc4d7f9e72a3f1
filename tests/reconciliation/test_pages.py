"""The pages about books: looked at by an accountant, acted on by whoever may approve."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales
from tests.visitor import visitor


@pytest.fixture
def accountant(desk: Desk) -> Any:
    return visitor(desk.tenant, "accountant")


def at(desk: Desk, path: str) -> str:
    return f"/t/{desk.tenant.slug}/{path}"


def test_from_the_file_to_the_ledger(desk: Desk, accountant: Any) -> None:
    """D-21: handed in, looked at line by line, approved as it was seen."""
    desk.flow()
    desk.sells(*day_of_sales())
    number = desk.company.pk
    file = SimpleUploadedFile("klarna.csv", klarna())
    accountant.post(at(desk, f"books/{number}/upload"), {"files": [file]})
    desk.run()
    assert "XISA93DJ" in accountant.get(at(desk, "books")).content.decode()

    from samklang.reconciliation.models import Statement, Voucher

    payout = accountant.get(at(desk, f"books/payouts/{Statement.objects.get().pk}")).content.decode()
    assert "web/1001" in payout and "Klarna utbetalning XISA93DJ" in payout
    row = Voucher.objects.get(source="settlement")
    shown = accountant.get(at(desk, f"books/vouchers/{row.pk}?line=1")).content.decode()
    assert "1930" in shown or "1580" in shown
    listed = accountant.get(at(desk, f"books/{number}/vouchers")).content.decode()
    seen = [f"{one.pk}:{bytes(one.hash).hex()}" for one in Voucher.objects.filter(state="validated")]
    assert len(seen) == 2 and all(one in listed for one in seen)
    accountant.post(at(desk, f"books/{number}/approve"), {"seen": seen})
    desk.deliver()
    assert {one.state for one in desk.vouchers().values()} == {"posted"}
    assert len(desk.ledger.of("voucher")) == 2


def test_what_has_changed_since_it_was_seen_is_not_approved(desk: Desk, accountant: Any) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    row = next(iter(desk.vouchers().values()))
    start = visitor(desk.tenant).get(at(desk, "")).content.decode()
    assert f"books/{desk.company.pk}/vouchers?state=validated" in start and "1 voucher waits for approval" in start
    assert f'the oldest of <time datetime="{row.date}">{row.date:%-d %b %Y}</time>' in start
    assert "approval" not in visitor(desk.tenant, "reader").get(at(desk, "")).content.decode()
    answer = accountant.post(
        at(desk, f"books/{desk.company.pk}/approve"), {"seen": [f"{row.pk}:{'00' * 16}"]}, follow=True
    )
    assert "has changed since you saw it" in answer.content.decode()
    assert {one.state for one in desk.vouchers().values()} == {"validated"}


def test_a_file_that_cannot_be_read_says_so_and_leaves_nothing(desk: Desk, accountant: Any) -> None:
    from samklang.reconciliation.models import Statement

    file = SimpleUploadedFile("holiday.csv", b"a;b\n1;2\n")
    answer = accountant.post(at(desk, f"books/{desk.company.pk}/upload"), {"files": [file]}, follow=True)
    assert "holiday.csv" in answer.content.decode()
    assert not Statement.objects.exists()


def test_fees_that_nobody_has_decided_stand_out(desk: Desk, accountant: Any) -> None:
    page = accountant.get(at(desk, f"books/{desk.company.pk}/accounts")).content.decode()
    assert "must be decided" in page and "RC_EU" in page


def test_controls_are_a_page_a_workbook_and_a_document(desk: Desk, accountant: Any) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    address = at(desk, f"books/{desk.company.pk}/control")
    page = accountant.get(f"{address}?on=2026-03-31").content.decode()
    assert "Klarna" in page and "Not derived anew and compared yet" in page
    assert accountant.get(f"{address}.xlsx?on=2026-03-31").content[:2] == b"PK"
    assert accountant.get(f"{address}.pdf?on=2026-03-31").content[:4] == b"%PDF"


needs_pdftotext = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext is not installed (Debian: apt-get install poppler-utils)"
)


def text_of(pdf: bytes) -> str:
    """The document as another program reads it."""
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return done.stdout.decode()


@needs_pdftotext
def test_every_report_is_a_workbook_and_a_document_that_others_read(desk: Desk, accountant: Any) -> None:
    """Controls with the One Stop Shop and the opening list, a voucher with its itemised list, a statement."""
    from samklang.reconciliation.lists_in import take_openings
    from samklang.reconciliation.models import Statement

    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    take_openings(
        desk.company, b"provider,channel,order,day,amount,currency,booked\nklarna,web,77,2025-12-30,250,SEK,250\n"
    )
    desk.run()
    voucher = next(row for row in desk.vouchers().values() if row.source == "settlement")
    statement = Statement.objects.get()
    control = at(desk, f"books/{desk.company.pk}/control")
    found = {
        f"{control}.KIND?on=2026-03-31": ("klarna", "190,00", "DE", "77", "One Stop Shop"),
        at(desk, f"books/vouchers/{voucher.pk}.KIND"): ("1581", "2", "92,67", statement.reference),
        at(desk, f"books/payouts/{statement.pk}.KIND"): ("web/1001", "1", "rules 1"),
    }
    for address, words in found.items():
        document = text_of(accountant.get(address.replace("KIND", "pdf")).content)
        book = openpyxl.load_workbook(BytesIO(accountant.get(address.replace("KIND", "xlsx")).content))
        cells = " ".join(str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
        cells += " ".join(book.sheetnames)
        for word in words:
            assert word in document
            assert word.replace(",", ".").removesuffix("00").removesuffix(".") in cells
    assert accountant.get(at(desk, f"books/vouchers/{voucher.pk}.exe")).status_code == 404
    other = visitor(desk.tenant, "reader")
    assert other.get(at(desk, f"books/vouchers/{voucher.pk}.pdf")).status_code == 403


def test_the_page_of_controls_says_what_the_check_has_found(desk: Desk, accountant: Any) -> None:
    from samklang.reconciliation import check
    from samklang.reconciliation.models import LinesOfDay, VoucherLine

    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    address = at(desk, f"books/{desk.company.pk}/control")
    check.check(desk.company)
    assert "what was approved, and all sums" in accountant.get(address).content.decode()
    line = VoucherLine.objects.select_related("voucher").order_by("pk")[0]
    VoucherLine.objects.filter(pk=line.pk).update(text="something else")
    LinesOfDay.objects.filter(date=line.voucher.date).update(amount=1)
    check.check(desk.company)
    page = accountant.get(address).content.decode()
    assert f"{line.voucher.key} is no longer what was approved" in page and "was not what the orders" in page
    assert "what was approved, and all sums" not in page


def test_whoever_may_only_look_approves_nothing(desk: Desk) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    desk.run()
    row = next(iter(desk.vouchers().values()))
    consultant = visitor(desk.tenant, "consultant")
    assert consultant.get(at(desk, f"books/{desk.company.pk}/vouchers")).status_code == 200
    answer = consultant.post(
        at(desk, f"books/{desk.company.pk}/approve"), {"seen": [f"{row.pk}:{bytes(row.hash).hex()}"]}
    )
    assert answer.status_code == 403
    assert visitor(desk.tenant, "reader").get(at(desk, "books")).status_code == 403
    assert desk.vouchers()[row.key].state == "validated"


def test_the_books_of_others_are_not_there(desk: Desk) -> None:
    from samklang.hub.models import Tenant

    other = visitor(Tenant.objects.create(slug="other", name="Other"), "owner")
    for path in ("control", "vouchers", "matching", "accounts", "control.pdf"):
        assert other.get(f"/t/other/books/{desk.company.pk}/{path}").status_code == 404
