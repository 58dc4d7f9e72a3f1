"""The package over the API."""

from __future__ import annotations

from decimal import Decimal

from samklang.people.rights import Right
from tests.api.conftest import Caller
from tests.hub.conftest import World


def test_what_is_agreed_used_and_left(world: World) -> None:
    """P-01, P-13: a tenant sees it; only whoever runs the hub agrees."""
    from django.utils import timezone

    from samklang.hub import listing
    from samklang.hub.models import OrderHead
    from samklang.packages import hours, offer, terms
    from samklang.packages.models import Work
    from samklang.people.audit import Actor

    call, by = Caller(world.tenant), Actor(world.tenant, "op, command line")
    found = call.get("/package")
    assert (found["package"], found["lacks"], found["hours_left"], found["month"]["quota"]) == (None, [], "0.00", None)
    world.flow("stock", "erp", "shop")
    OrderHead.objects.create(tenant=world.tenant, key="nordljus/1", connection=world.shop_row, placed_at=0)
    listing.transferred(world.tenant.pk, {"nordljus/1": timezone.now().timestamp()})
    terms.agree(by, offer.offered()["100"])
    hours.draw(by, Decimal("1.25"), Work.TRAINING)
    found = call.get("/package")
    assert (found["package"]["name"], found["package"]["monthly_fee"]) == ("Paket 100", "195")
    assert found["hours_left"] == "2.75"
    assert found["lacks"] == [{"feature": "stock", "where": "nordljus: stock erp → shop"}]
    month = found["month"]
    assert (month["orders"], month["quota"], month["percent"], month["package"]) == (1, 100, 1, "100")
    assert call.get("/package/months") == [month]
    first = call.get("/package/hours?limit=1")
    assert [row["work"] for row in first["items"]] == ["training"]
    second = call.get(f"/package/hours?limit=1&cursor={first['next']}")
    assert ([row["kind"] for row in second["items"]], second["next"]) == (["start"], None)
    assert Caller(world.tenant, [Right.SEE])("GET", "/package").status_code == 403


def test_a_draft_that_the_package_does_not_include_is_refused_with_what_to_do(world: World) -> None:
    """P-04."""
    from samklang.packages import offer, terms
    from samklang.people.audit import Actor

    terms.agree(Actor(world.tenant, "op"), offer.offered()["100"])
    answer = Caller(world.tenant)("PUT", "/draft/flows/nordljus/stock/shop", {"source": "erp"}, If_Match="*")
    said = answer.json()
    assert (answer.status_code, said["code"]) == (422, "SYNC-304"), said
    assert "The package Paket 100 does not include stock levels" in (said["title"], said.get("detail"))
