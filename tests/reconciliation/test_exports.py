"""A ledger that takes files: each approved voucher in one SIE file, numbered without gaps, left once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from samklang.accounting.sie import read_sie
from samklang.connectors.errors import BadData, Misconfigured, RemoteFault
from tests.accounting.statements.files import klarna
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales
from tests.visitor import visitor


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """A day of sales waits for approval; the ledger takes files."""
    desk.settings(ledger="file")
    desk.company.refresh_from_db()
    desk.sells(*day_of_sales())
    desk.run()
    return desk


def test_each_voucher_is_in_one_file_under_a_number_without_gaps(ready: Desk) -> None:
    """J-17: what the ledger cannot be told over a line goes as SIE 4I, once."""
    from samklang.reconciliation import exports

    assert exports.export(ready.company, by="anna") is None, "nothing is approved"
    ready.approve()
    first = exports.export(ready.company, by="anna")
    assert first is not None and exports.export(ready.company, by="anna") is None
    ready.takes(klarna())
    ready.run()
    ready.approve()
    second = exports.export(ready.company, by="anna")
    assert second is not None
    read = [read_sie(exports.content(one)) for one in (first, second)]
    assert [[(v.series, v.number, v.text) for v in one.vouchers] for one in read] == [
        [("I", "1", "Dagsförsäljning 2026-03-02")], [("I", "2", "Klarna utbetalning XISA93DJ")],
    ]  # fmt: skip
    rows = ready.vouchers().values()
    assert {row.state for row in rows} == {"posted"}
    assert [row.number for row in rows] == ["I 1/2026", "I 2/2026"]
    assert exports.gaps(ready.company) == []


def test_a_file_can_be_had_again_byte_for_byte_whatever_has_changed_since(ready: Desk) -> None:
    from samklang.reconciliation import exports

    ready.approve()
    made = exports.export(ready.company, by="anna")
    assert made is not None
    before = exports.content(made)
    ready.settings(ledger="file", name="Annat AB", org_no="")
    again = exports.content(exports.the_file(ready.company, 1))
    assert again == before and again.startswith(b"#FLAGGA 0\r\n#KSUMMA\r\n")
    with pytest.raises(BadData, match="no file 2"):
        exports.the_file(ready.company, 2)


def test_a_number_that_is_in_no_file_is_seen(ready: Desk) -> None:
    """As after a backup was restored, or when somebody has deleted a row."""
    from samklang.reconciliation import exports
    from samklang.reconciliation.models import Exported

    ready.takes(klarna())
    ready.run()
    ready.approve()
    exports.export(ready.company, by="anna")
    Exported.objects.get(number=1).delete()
    (gap,) = exports.gaps(ready.company)
    assert (gap.series, gap.year.year, gap.number) == ("I", 2026, 1)


def test_what_another_ledger_was_asked_to_take_is_in_no_file(desk: Desk) -> None:
    """The settings are changed from a flow to files while a voucher is on its way: it is booked once."""
    from samklang.hub.models import Binding
    from samklang.reconciliation import exports

    desk.flow()
    desk.sells(*day_of_sales())
    desk.takes(klarna())
    desk.run()
    desk.approve()
    asked = Binding.objects.filter(type="voucher", key__contains="/sales/")
    asked.update(state="sending")
    company = desk.settings(ledger="file")
    made = exports.export(company, by="anna")
    assert made is not None and made.vouchers == 1
    assert list(Binding.objects.filter(type="voucher").values_list("key", flat=True)) == [asked.get().key]


def test_only_a_ledger_that_takes_files_gets_some(desk: Desk) -> None:
    from samklang.hub.setup.companies import check, part_of
    from samklang.reconciliation import exports

    with pytest.raises(BadData, match="takes no files"):
        exports.export(desk.company, by="anna")
    company = desk.settings(ledger="file", keeps_invoices=True)
    with pytest.raises(Misconfigured, match="keeps no invoices"):
        check({"ov": part_of(company)}, {"web": None})


def test_files_are_left_at_a_connection_once_even_when_the_line_breaks(
    ready: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What broke off is finished, what was left is not left again, and what is in the way is said."""
    from samklang.connectors.kit.files import Folder
    from samklang.hub.models import Connection
    from samklang.reconciliation import exports
    from samklang.reconciliation.work import keep_up

    company = ready.settings(ledger="file", files_to="box")
    ready.approve()
    keep_up(company)
    assert "no connection box" in exports.files(company)[0].error
    box = tmp_path / "box"
    for name in ("out", "in", "kept"):
        (box / name).mkdir(parents=True)
    (box / ".samklang").write_text("ordet")
    monkeypatch.setenv("SAMKLANG_FILES", str(tmp_path))
    from samklang.hub import secrets

    Connection.objects.create(
        tenant=ready.tenant, name="box", connector="file_transport", settings={"place": "folder", "path": "box"},
        secrets=secrets.seal({"word": "ordet"}),
    )  # fmt: skip
    move, broken = Folder.move, []

    def breaks(self: Any, old: str, new: str) -> bool:
        if new.startswith("out/") and not broken:
            broken.append(new)
            raise RemoteFault("the line broke")
        return move(self, old, new)

    monkeypatch.setattr(Folder, "move", breaks)
    keep_up(company)
    assert list((box / "out").iterdir()) == [] and "the line broke" in exports.files(company)[0].error
    for _ in range(2):
        keep_up(company)
    (file,) = (box / "out").iterdir()
    assert (file.name, file.read_bytes()) == ("ov-00001.si", exports.content(exports.the_file(company, 1)))
    (row,) = exports.files(company)
    assert (row.place, row.error) == ("box", "") and row.left_at
    file.unlink()  # the ledger has fetched it
    keep_up(company)
    assert list((box / "out").iterdir()) == []


def test_files_are_made_and_downloaded_on_a_page(ready: Desk) -> None:
    number = ready.company.pk
    accountant = visitor(ready.tenant, "accountant")
    place = f"/t/{ready.tenant.slug}/books/{number}/files"
    ready.approve()
    assert "1 approved voucher is in no file yet" in accountant.get(place).content.decode()
    assert "1 voucher is in ov-00001.si" in accountant.post(place, follow=True).content.decode()
    assert "Nothing is new" in accountant.post(place, follow=True).content.decode()
    answer = accountant.get(f"{place}/1")
    assert answer["Content-Disposition"] == 'attachment; filename="ov-00001.si"'
    assert len(read_sie(answer.content).vouchers) == 1
    assert accountant.get(f"{place}/2").status_code == 404
    looks_only = visitor(ready.tenant, "consultant")
    assert looks_only.post(place).status_code == 403
