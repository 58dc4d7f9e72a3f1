"""Every template compiles: one that does not is a page that answers 500, found before any page is opened."""

from __future__ import annotations

from pathlib import Path

from django.template.loader import get_template

import samklang.console


def test_every_template_compiles() -> None:
    folder = Path(samklang.console.__file__).parent / "templates"
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in (".html", ".txt"))
    assert len(names) > 100
    for name in names:
        get_template(name)
