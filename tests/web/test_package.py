"""The package in the console: a quiet line on the start page, a page for who operates, a mail to owners."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.hub.conftest import World, world
from tests.visitor import visitor

__all__ = ["world"]


@pytest.fixture
def agreed(world: World) -> World:
    from samklang.packages import hours, offer, terms
    from samklang.packages.models import Work
    from samklang.people.audit import Actor

    by = Actor(world.tenant, "op, command line")
    terms.agree(by, offer.offered()["100"])
    hours.draw(by, Decimal("1.5"), Work.TRAINING, "with two people")
    world.flow("stock", "erp", "shop")
    return world


def _page(client: Any, path: str) -> str:
    answer = client.get(f"/t/nordljus/{path}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_start_page_shows_what_is_used_where_there_is_a_package(agreed: World) -> None:
    """P-15."""
    from samklang.packages import terms
    from samklang.people.audit import Actor

    client = visitor(agreed.tenant)
    said = _page(client, "")
    assert '<meter value="0"' in said and "0 of the 100 in Paket 100" in said and "/t/nordljus/package" in said
    terms.agree(Actor(agreed.tenant, "op"), None)
    assert "<meter" not in _page(client, "") and "Paket 100" not in _page(client, "")


def test_the_page_shows_package_use_and_hours(agreed: World) -> None:
    """P-02, P-11, P-12, P-13, P-14, RD-25."""
    said = _page(visitor(agreed.tenant), "package")
    for text in (
        "Paket 100", "0 of 100 are used", "flows anyway: nordljus: stock level erp → shop", "2.5 h left",
        "with two people", "Training", "195.00", "2,200.00",
    ):  # fmt: skip
        assert text.replace(" ", "") in said.replace(" ", "").replace("\N{NO-BREAK SPACE}", ""), text


def test_who_has_no_package_sees_nothing_of_it_in_the_menu(world: World) -> None:
    client = visitor(world.tenant)
    assert "Package and hours" not in _page(client, "people")
    assert "No package is agreed" in _page(client, "package")


def test_the_cell_of_the_matrix_says_what_the_package_lacks(agreed: World) -> None:
    """P-02."""
    client = visitor(agreed.tenant)
    answer = client.post("/t/nordljus/flows/nordljus/preset", {"preset": "erp rules", "erp": "erp"}, follow=True)
    said = answer.content.decode()
    assert "The package Paket 100 does not include order status and what follows from it" in said
    assert "take the package Paket 200" in said
