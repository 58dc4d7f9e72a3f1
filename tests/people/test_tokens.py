"""Tokens of the API: hashed, ageing, and never worth more than whoever made them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from samklang.people.rights import Right
from tests.visitor import visitor


@pytest.fixture
def owner(database: Path) -> Any:
    from samklang.hub.models import Tenant
    from samklang.people.models import Member

    visitor(Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB"), "owner")
    return Member.objects.select_related("tenant", "user").get()


def test_a_token_is_found_by_its_text_and_kept_as_a_hash(owner: Any) -> None:
    from samklang.people import tokens
    from samklang.people.models import Token

    row, text = tokens.make(owner, "shop window", [Right.SEE], timezone.now() + timedelta(days=1))
    assert text not in str(list(Token.objects.values())), "only a hash is kept"
    found = tokens.find(text)
    assert found is not None
    assert (found.token, found.tenant, found.rights) == (row, owner.tenant, {Right.SEE})
    assert found.may.see and not found.may.operate
    row.refresh_from_db()
    assert row.used_at is not None
    for wrong in ("", text + "x", text[:-1], text.removeprefix("samklang_"), row.hash):
        assert tokens.find(wrong) is None


def test_an_old_token_opens_nothing(owner: Any) -> None:
    from samklang.people import tokens

    _, text = tokens.make(owner, "old", [Right.SEE], timezone.now() - timedelta(seconds=1))
    assert tokens.find(text) is None
    _, text = tokens.make(owner, "for ever", [Right.SEE], None)
    assert tokens.find(text) is not None


def test_a_token_falls_and_goes_with_its_maker(owner: Any) -> None:
    from samklang.people import tokens

    _, text = tokens.make(owner, "all", list(Right), None)
    assert (found := tokens.find(text)) and found.rights == set(Right)
    owner.role = "operator"
    owner.save()
    assert (found := tokens.find(text)) and found.rights == {Right.SEE, Right.OPERATE}
    owner.delete()
    assert tokens.find(text) is None


def test_nobody_gives_a_token_more_than_they_have(owner: Any) -> None:
    from samklang.people import tokens

    owner.role = "reader"
    with pytest.raises(ValueError, match="right"):
        tokens.make(owner, "more", [Right.SEE, Right.OPERATE], None)
