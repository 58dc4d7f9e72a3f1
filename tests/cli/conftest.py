"""The command line on the boxes of tests/hub: commands run in this process, on a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.hub.conftest import World, world

__all__ = ["world"]


class Said(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def cli(database: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command: cli("status", "--json")."""
    from samklang.cli import run
    from samklang.connectors import registry

    monkeypatch.setitem(registry.packages(), "locked", "tests.cli.locked")
    monkeypatch.delenv("COLUMNS", raising=False)

    def go(*argv: str) -> Said:
        capsys.readouterr()
        code = run(argv)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return go


ERP_RULES = """
[tenant]
slug = "nordljus"
name = "Nordljus Handel AB"
[connections.shop]
connector = "shelf"
settings = { box = "shop" }
[connections.erp]
connector = "shelf"
settings = { box = "erp" }
[channels.nordljus]
connection = "shop"
[[presets]]
channel = "nordljus"
use = "erp rules"
erp = "erp"
"""


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """samklang.toml with the ERP-rules preset between the two boxes."""
    path = tmp_path / "samklang.toml"
    path.write_text(ERP_RULES)
    return path


@pytest.fixture
def running(world: World, cli: Run, toml: Path) -> World:
    """Two boxes with five articles, applied and transferred."""
    from tests.hub.conftest import price, product, stock

    for n in range(5):
        world.erp.put(product(f"A-{n}", f"Kopp {n}"))
        world.erp.put(price(f"A-{n}", "125"))
        world.erp.put(stock(f"A-{n}", 7))
    assert cli("apply", str(toml), "--yes").code == 0
    return world
