"""One merchant for a whole module of tests that only read, or whose writes do no harm to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.conftest import Caller
from tests.browser.merchant import Merchant
from tests.conftest import move_to, sqlite


@pytest.fixture(scope="module")
def merchant(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Merchant]:
    """A merchant after some weeks, on SQLite."""
    from django.conf import settings

    from samklang.hub.links import forget_links

    folder = tmp_path_factory.mktemp("house")
    before, settings.DATA = settings.DATA, folder
    (folder / "samklang.db").write_bytes(migrated.read_bytes())
    move_to(sqlite(folder / "samklang.db"))
    yield Merchant(orders=30)
    forget_links()
    move_to(sqlite(migrated))
    settings.DATA = before


@pytest.fixture(scope="module")
def reader(merchant: Merchant) -> Caller:
    """Whoever may do everything."""
    return Caller(merchant.tenant)
