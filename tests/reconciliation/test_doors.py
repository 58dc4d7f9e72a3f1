"""A bad file of each kind at each door: an answer or a problem with the reason, and nothing half stored."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from samklang.connectors.contract import Paper
from tests.accounting.bank.files import BGMAX, camt, entry, statement
from tests.accounting.statements.files import WB_COLUMNS, WB_ROWS, WHOLE, klarna, workbook
from tests.cli.conftest import Run, cli
from tests.doubles.shelf import Box
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_fetching import box, desk, fetched
from tests.reconciliation.test_pages import at
from tests.visitor import visitor

__all__ = ["box", "cli", "desk"]


def cut(name: str) -> bytes:
    """A file without its end; a workbook or document is not whole then, a table does not add up."""
    data = WHOLE[name]
    return (
        data[: len(data) * 2 // 3] if data.startswith((b"PK", b"{", b"[")) else data[: data.rstrip().rfind(b"\n") - 9]
    )


BAD = {
    "klarna.csv": cut("klarna csv"), "klarna.json": cut("klarna json"), "stripe.csv": cut("stripe csv"),
    "stripe.json": cut("stripe json"), "paypal.csv": WHOLE["paypal activity"].replace(b"-65.20", b"-65,20"),
    "paypal.stl": cut("paypal stl"), "adyen.csv": cut("adyen settlement details"), "nets.json": cut("nets payout"),
    "shopify.csv": WHOLE["shopify csv"].replace(b"492.00", b"493.00"), "swish.txt": cut("swish report"),
    "wb.xlsx": workbook(WB_COLUMNS, [[*WB_ROWS[0][:12], 1101.0, *WB_ROWS[0][13:]]]),
    "ozon.json": cut("ozon realisation"),
    "yandex.csv": WHOLE["yandex netting"].replace(b"-50.00", b"-51.00"),
    "camt.xml": camt(statement(entry("10.00"), closing="111.00")), "bgmax.txt": BGMAX[:-90],
    "print.pdf": b"%PDF-1.7\nPayout", "packed.csv.gz": gzip.compress(klarna()), "empty.csv": b" \n",
}  # fmt: skip
GOOD = {"good.csv": klarna()}


@pytest.fixture
def home() -> str:
    """Doors are the same on both databases."""
    return "sqlite"


@pytest.fixture(autouse=True)
def nothing_half(desk: Desk) -> Iterator[None]:
    """Of all that comes in, only the good file is kept."""
    from samklang.reconciliation.models import BankLine, BankStatement, Statement, StatementFile, StatementLine

    yield
    assert set(Statement.objects.values_list("reference", flat=True)) == {"XISA93DJ"}
    assert set(StatementLine.objects.values_list("statement__reference", flat=True)) == {"XISA93DJ"}
    assert not BankStatement.objects.exists() and not BankLine.objects.exists()
    kept = dict(StatementFile.objects.values_list("name", "state"))
    assert kept.pop("good.csv") == "taken" and set(kept.values()) == {"refused"}
    assert BAD.keys() - kept.keys() == {"print.pdf", "packed.csv.gz", "empty.csv"}, "of no kind that is read"


def test_the_command_line_answers_for_each(desk: Desk, cli: Run, tmp_path: Path) -> None:
    for name, data in {**BAD, **GOOD}.items():
        (tmp_path / name).write_bytes(data)
    said = cli("statements", "import", *(str(tmp_path / name) for name in (*BAD, *GOOD)), "--json")
    assert said.code == 1
    told = {Path(one["file"]).name: one for one in said.json["files"]}
    assert [name for name in BAD if not (told[name].get("refused") and told[name].get("do_this"))] == []
    assert told["good.csv"]["new"] == ["klarna/K123456/XISA93DJ/SEK"]
    about = [where for found in desk.problems().values() for where in found]
    assert [name for name in BAD if name in " ".join(about)] == [], "who waits has the answer"


def test_the_console_answers_for_each(desk: Desk) -> None:
    files = [SimpleUploadedFile(name, data) for name, data in {**BAD, **GOOD}.items()]
    page = visitor(desk.tenant, "accountant").post(
        at(desk, f"books/{desk.company.pk}/upload"), {"files": files}, follow=True
    )
    text = page.content.decode()
    assert [name for name in BAD if name not in text] == []


def test_the_drop_folder_puts_each_aside_with_its_reason(desk: Desk) -> None:
    from samklang.reconciliation.inbox import folder, take_in

    place = folder(desk.company)
    place.mkdir(parents=True)
    odd = os.fsdecode(b"k\xe5rna.csv")  # a name in another charset than the system's
    for name, data in {**BAD, **GOOD, odd: b"a;b\n1;2\n"}.items():
        (place / name).write_bytes(data)
        os.utime(place / name, (time.time() - 60, time.time() - 60))
    assert take_in(desk.company) == 1
    refused = {path.name for path in (place / "refused").iterdir()}
    assert refused == {*BAD, odd, *(f"{name}.txt" for name in (*BAD, odd))}
    assert not [path for path in place.iterdir() if path.is_file()]
    _each_is_a_problem(desk, {*BAD, "krna.csv"})


def test_what_comes_by_mail_or_sftp_is_a_problem_each(desk: Desk, box: Box) -> None:
    box.papers = [Paper(name, data) for name, data in {**BAD, **GOOD}.items()]
    assert fetched(desk)[1:] == (1, len(BAD), "")
    _each_is_a_problem(desk, set(BAD))


def _each_is_a_problem(desk: Desk, names: set[str]) -> None:
    from samklang.hub.models import ProblemItem

    items = ProblemItem.objects.filter(direction="acc", key__contains="/file/").select_related("problem")
    assert {item.key.rpartition("/")[2] for item in items} == names
    assert all(item.problem.do_this for item in items)
