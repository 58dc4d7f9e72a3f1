"""The demo as README promises it: it ends well, both sides agree, and what went wrong on the way was really there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samklang.demo.compare import compare


@pytest.mark.crash
def test_the_demo_tells_its_story_and_both_sides_agree(tmp_path: Path) -> None:
    env = {**os.environ, "SAMKLANG_DATA": str(tmp_path), "PYTHONUNBUFFERED": "1", "COLUMNS": "130"}
    done = subprocess.run(
        [sys.executable, "-m", "samklang", "demo"], env=env, capture_output=True, text=True, timeout=580
    )
    told = done.stdout
    assert done.returncode == 0, told[-3000:] + done.stderr
    assert "Both sides agree" in told
    assert re.search(r"product +erp → shop +520 ", told), "the plan counts 520 articles"
    assert "SYNC-402 ZipCode får vara högst 10 tecken långt" in told, "the customer error is a problem"
    assert "What to do:" in told
    assert told.count("No problems.") == 1, "it closes itself once it is mended"
    assert "slow down" in told
    assert "kill -9" in told
    assert re.search(r"erp +order +created", told), "the journey tells of the ERP"
    assert re.search(r"1930 +Företagskonto +[\d  ]+\.\d\d", told), "the payout's voucher is printed"
    assert re.search(r"statement_line +klarna/.+/payout//0 +\d+\.\d\d", told), "with the rows it comes from"
    assert re.search(r"klarna +([\d  ]+\.\d\d) .+ 0\.00 *\n", told), "the clearing balance is the provider's"
    assert re.search(r"on suspense +0\.00 +0\.00 +agree", told)
    assert (tmp_path / "demo" / "samklang.db").exists()


def test_the_comparison_finds_what_differs() -> None:
    shop = {
        "products": {"A": {"name": "Kopp", "price": "125.00", "stock": 3}},
        "orders": {"7": {"status": "completed", "total": "125.00"}},
    }
    article = {"Description": "Kopp", "VAT": 25, "DisposableQuantity": 3}
    order = {
        "ExternalInvoiceReference1": "nordljus/7", "Total": 125, "Cancelled": False, "InvoiceReference": "12",
    }  # fmt: skip
    erp = {"articles": {"A": article}, "prices": {"A/A/0": 100}, "orders": {"1": order}}
    assert [line.differences for line in compare(shop, erp, "nordljus")] == [[]] * 6
    wrong = {
        "articles": {"A": {**article, "Description": "Mugg", "DisposableQuantity": 4}},
        "prices": {"A/A/0": "100.01"},
        "orders": {"1": {**order, "Total": "125.01", "InvoiceReference": 0}, "2": order},
    }
    lines = {line.what: line.differences for line in compare(shop, wrong, "nordljus")}
    assert all(lines.values()), lines
    assert lines["orders, each once"] == ["7: 1 ≠ 2"], "a doubled order is seen"
