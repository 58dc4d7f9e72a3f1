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


@pytest.fixture
def seller(agreed: World) -> Any:
    """A consultant who works for whoever runs the hub."""
    from samklang.packages import sellers
    from samklang.people.audit import Actor

    client = visitor(agreed.tenant, "consultant")
    sellers.allow(Actor(agreed.tenant, "op, command line"), "consultant@nordljus.example")
    return client


def _notes(world: World) -> list[tuple[str, str, Any]]:
    from samklang.people.models import Note

    found = Note.objects.filter(tenant=world.tenant).order_by("-pk").values_list("actor", "what", "details")
    return list(found[:1])


def test_a_seller_agrees_on_a_package_and_the_audit_says_who(agreed: World, seller: Any) -> None:
    from samklang.packages import terms

    assert "Agree on another package" in _page(seller, "package")
    given = {"agree-package": "200", "agree-contact": "Kim Berg"}
    answer = seller.post("/t/nordljus/package/agree", given, follow=True)
    assert "Paket 200 is agreed from now on" in answer.content.decode()
    row = terms.latest(agreed.tenant)
    package = terms.package_of(row)
    assert row and package and (package.code, row.contact, row.by) == ("200", "Kim Berg", "consultant@nordljus.example")
    assert _notes(agreed) == [
        ("consultant@nordljus.example", "agreed on a package", {"package": "Paket 200", "note": ""})
    ]
    seller.post("/t/nordljus/package/agree", {"agree-package": "none"})
    assert terms.current(agreed.tenant) is None
    assert "Package and hours" in _page(seller, "orders"), "still in the menu of who may agree"
    assert seller.post("/t/nordljus/package/agree", {"agree-package": "999"}).status_code == 422


def test_a_seller_writes_hours_down(agreed: World, seller: Any) -> None:
    from samklang.packages import hours

    def write(**given: str) -> int:
        answer = seller.post("/t/nordljus/package/hours", {f"hours-{name}": value for name, value in given.items()})
        return int(answer.status_code)

    assert write(what="training", amount="0.75", day="2026-11-02", note="rules") == 302
    assert write(what="pack", amount="10") == 302
    assert write(what="correction", amount="-1.5", note="typed twice") == 302
    assert str(hours.balance(agreed.tenant)) == "10.25"
    line = hours.ledger(agreed.tenant)[2]
    assert (str(line.day), line.work, line.by, line.note) == (
        "2026-11-02", "training", "consultant@nordljus.example", "rules"
    )  # fmt: skip
    assert _notes(agreed)[0][1] == "corrected hours"
    for wrong in (
        {"what": "training", "amount": "-1"}, {"what": "correction", "amount": "-1"}, {"what": "pack", "amount": "x"},
        {"what": "correction", "amount": "0", "note": "why"}, {"what": "sleep", "amount": "1"},
        {"what": "pack", "amount": "1.255"},
    ):  # fmt: skip
        assert write(**wrong) == 422, wrong
    assert str(hours.balance(agreed.tenant)) == "10.25"


def test_nobody_in_a_tenant_raises_their_own_package(agreed: World, seller: Any) -> None:
    """An owner may do everything there, and not that; what was given ends with the place in the tenant."""
    from samklang.packages import sellers, terms
    from samklang.people.models import Member

    owner = visitor(agreed.tenant, "owner")
    assert "Agree on another package" not in _page(owner, "package")
    for path, given in (
        ("agree", {"agree-package": "premium"}), ("hours", {"hours-what": "pack", "hours-amount": "99"})
    ):  # fmt: skip
        answer = owner.post(f"/t/nordljus/package/{path}", given)
        assert answer.status_code == 403 and "whoever runs this Samklang" in answer.content.decode()
    package = terms.current(agreed.tenant)
    assert package and package.code == "100"
    Member.objects.filter(user__email="consultant@nordljus.example").delete()
    assert list(sellers.sellers(agreed.tenant)) == []
    assert seller.post("/t/nordljus/package/agree", {"agree-package": "premium"}).status_code == 404
