"""Every template compiles: one that does not is a page that answers 500, found before any page is opened. No file holds
both sides of a merge."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.template.loader import get_template

import samklang.console


def test_every_template_compiles() -> None:
    folder = Path(samklang.console.__file__).parent / "templates"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".html", ".txt"))
    assert len(names) > 100
    for name in names:
        get_template(name)


def test_no_file_holds_both_sides_of_a_merge() -> None:
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        pytest.skip("only a clone knows its files")
    told = subprocess.run(
        ["git", "grep", "-lE", "^(<{7}|>{7}) "], cwd=root, capture_output=True, text=True, check=False
    )
    assert not told.stdout, f"a merge was left half done in {told.stdout}"
