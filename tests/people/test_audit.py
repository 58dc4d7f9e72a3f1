"""Who did what, when."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import transaction

from tests.visitor import visitor


def test_notes_are_found_by_person_and_thing_in_one_tenant_and_undone_with_what_they_tell_of(database: Path) -> None:
    from samklang.hub.models import Tenant
    from samklang.people import audit
    from samklang.people.models import User

    here, there = (Tenant.objects.create(slug=slug, name=slug) for slug in ("here", "there"))
    visitor(here, "owner", "kim@here.example")
    kim = audit.Actor.person(here, User.objects.get())
    line = audit.Actor(here, "command line")
    audit.note(kim, "order released", "order nordljus/1001", count=1)
    audit.note(line, "order released", "order nordljus/1002")
    audit.note(audit.Actor(there, "command line"), "order released", "order nordljus/1001")
    with pytest.raises(RuntimeError), transaction.atomic():
        audit.note(kim, "connection removed", "connection shop")
        raise RuntimeError
    assert [str(one) for one in audit.notes(here)] == [
        "command line: order released order nordljus/1002", "kim@here.example: order released order nordljus/1001",
    ]  # fmt: skip
    (mine,) = audit.notes(here, user=kim.user.pk if kim.user else None)
    assert (mine.actor, mine.details) == ("kim@here.example", {"count": 1})
    assert [one.about for one in audit.notes(here, about="order nordljus/1002")] == ["order nordljus/1002"]
    assert list(audit.notes(here, before=mine.pk)) == []
    assert User.objects.all().delete()
    mine.refresh_from_db()
    assert (mine.actor, mine.user) == ("kim@here.example", None), "the note outlives the person"


def test_what_is_noted_can_be_translated() -> None:
    """gettext's tools look for functions by their names; under another name a message would be passed by."""
    sources = Path(__file__).parents[2].joinpath("src").rglob("*.py")
    hidden = [str(path) for path in sources if re.search(r"gettext\w* as (?!_\b)", path.read_text())]
    assert hidden == []
