"""Owners hear by mail how much of the package is used: once for each level, and as long as they want to."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tests.mails.conftest import Box, World, html_of, person, text_of


@pytest.fixture
def at_80(world: World) -> World:
    """80 of 100 orders are transferred; the tenant has an owner and an operator."""
    from samklang.hub import listing
    from samklang.hub.models import OrderHead
    from samklang.packages import offer, terms, watch
    from samklang.people.audit import Actor

    terms.agree(Actor(world.tenant, "op"), offer.offered()["100"])
    keys = [f"nordljus/{n}" for n in range(80)]
    place = {"tenant": world.tenant, "connection": world.shop_row, "channel": "nordljus", "placed_at": 0.0}
    OrderHead.objects.bulk_create(OrderHead(key=key, **place) for key in keys)
    listing.transferred(world.tenant.pk, dict.fromkeys(keys, timezone.now().timestamp()))
    person(world, "agda@nordljus.example", "owner", "sv")
    person(world, "ola@nordljus.example", "operator")
    watch.work()
    return world


def _work() -> None:
    from samklang.mails import post

    post._write_quota(_tenant())
    post._send(_tenant())


def _tenant() -> object:
    from samklang.hub.models import Tenant

    return Tenant.objects.get()


def test_an_owner_is_told_once_in_their_language_that_no_order_stops(at_80: World, box: Box) -> None:
    """P-15."""
    _work()
    _work()
    (mail,) = box.mails
    assert mail["To"] == "agda@nordljus.example"
    assert mail["Subject"].strip() == "Nordljus Handel AB: 80 % av månadens order är använda"
    for text in (text_of(mail), html_of(mail)):
        assert "80" in text and "100" in text and "Ingen order stoppas" in text
        assert "https://hub.example/t/nordljus/package" in text


def test_the_engines_round_writes_them_and_who_has_ended_them_gets_none(
    at_80: World, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-15."""
    from samklang.mails import choices, post
    from samklang.mails.models import Letter
    from samklang.packages.models import Warned
    from samklang.people.models import Member

    owner = Member.objects.get(role="owner")
    choices.stop(owner, Letter.Kind.QUOTA)
    assert choices.of(owner) == (True, True, False)
    post.work()
    assert not [mail for mail in box.mails if "månadens" in mail["Subject"]] and Warned.objects.get().mailed
    choices.choose(owner, True, True)
    assert not choices.of(owner).quota, "what is not asked stays"
    choices.choose(owner, True, True, True)
    Warned.objects.update(mailed=False)
    post.work()
    assert [mail["To"] for mail in box.mails if "månadens" in mail["Subject"]] == ["agda@nordljus.example"]
