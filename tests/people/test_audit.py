"""Who did what, when."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import transaction
from django.utils.translation import override

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


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ("anslutning shop", ["connection shop"]), ("ansl", ["connection shop", "connection erp"]),
        ("connection erp", ["connection erp"]), ("nordljus/1001", ["order nordljus/1001"]), ("paket", ["package"]),
        ("kim@here.example", ["person kim@here.example"]), ("", None), ("nothing like that", []),
    ],
)  # fmt: skip
def test_a_thing_is_found_by_what_the_reader_calls_it(database: Path, typed: str, there: list[str] | None) -> None:
    from samklang.hub.models import Tenant
    from samklang.people import audit
    from samklang.people.subjects import beginnings

    by = audit.Actor(Tenant.objects.create(slug="here"), "command line")
    for about in ("package", "person kim@here.example", "order nordljus/1001", "connection erp", "connection shop"):
        audit.note(by, "changed", about)
    with override("sv"):
        found = [one.about for one in audit.notes(by.tenant, about=beginnings(typed))]
    assert found == there or (there is None and len(found) == 5)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ("package", "paket"), ("person kim@here.example", "person kim@here.example"), ("draft", "utkast"),
        ("connection shop", "anslutning shop"), ("line klarna/1//0", "rad klarna/1//0"), ("orders.csv", "orders.csv"),
        ("se: stock erp → shop", "se: lagersaldo erp → shop"), ("channel se gone", "kanal se borttagen"),
        ("se: order_status, shop: gets", "se: orderstatus i shop: får det"),
        ("erp out order: rule 1 off", "order ut till erp: rule 1 off"), ("", ""),
    ],
)  # fmt: skip
def test_a_thing_is_told_in_the_reader_s_language(about: str, said: str) -> None:
    from samklang.people.subjects import subject

    with override("sv"):
        assert subject(about) == said


def test_every_kind_of_thing_and_every_detail_that_is_noted_has_words() -> None:
    """What the calls say in the code: a new kind or name without words would show in English."""
    from samklang.console.audit import NAMES
    from samklang.people.lexicon import WORDS
    from samklang.people.subjects import THINGS

    kinds, names = set(), set()
    for path in Path(__file__).parents[2].joinpath("src").rglob("*.py"):
        for call in re.findall(r"\b(?:audit|now)\.note\((?!\w+\))[^\n]*", path.read_text()):
            kinds |= set(re.findall(r"""\), f?"([a-z ]+?)(?: \{[^"]*)?"[,)]""", call))
            names |= set(re.findall(r", (\w+)=", call))
    assert len(kinds) > 12 and len(names) > 15, "the calls are not read"
    assert kinds <= THINGS.keys() and names <= WORDS.keys() | NAMES.keys()


def test_what_is_noted_can_be_translated() -> None:
    """gettext's tools look for functions by their names; under another name a message would be passed by."""
    sources = Path(__file__).parents[2].joinpath("src").rglob("*.py")
    hidden = [str(path) for path in sources if re.search(r"gettext\w* as (?!_\b)", path.read_text())]
    assert hidden == []
