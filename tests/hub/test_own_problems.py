"""Problems that belong to no connection: the hub's own."""

from __future__ import annotations

from typing import Any

from samklang.connectors.errors import Rejected
from tests.hub.conftest import World, world

_ = world


def _trouble(key: str, what: str = "Nobody answers") -> Any:
    from samklang.hub.problems import Trouble

    return Trouble("out", "webhook", key, Rejected(what))


def test_a_problem_of_the_hubs_own_opens_once_and_closes(world: World) -> None:
    from samklang.hub.looks.overview import needs
    from samklang.hub.models import Problem
    from samklang.hub.problems import clear, report

    tenant = world.tenant.pk
    report(tenant, None, [_trouble("a"), _trouble("b")])
    report(tenant, None, [_trouble("a")])
    problem = Problem.objects.get()
    assert (problem.system, problem.items.count()) == ("", 2)
    assert [need.what for need in needs(world.tenant)] == ["Nobody answers"]
    report(tenant, None, [_trouble("b", "It says no")])
    assert Problem.objects.filter(closed_at=None).count() == 2
    clear(tenant, None, "out", "webhook", ["a", "b"])
    assert not Problem.objects.filter(closed_at=None).exists()


def test_it_is_kept_apart_from_those_of_a_connection(world: World) -> None:
    from samklang.hub.models import ProblemItem
    from samklang.hub.problems import clear, report

    tenant = world.tenant.pk
    report(tenant, None, [_trouble("a")])
    report(tenant, world.erp_row.pk, [_trouble("a")])
    clear(tenant, None, "out", "webhook", ["a"])
    assert [item.connection_id for item in ProblemItem.objects.all()] == [world.erp_row.pk]


def test_pages_show_it(world: World) -> None:
    from samklang.hub.problems import report
    from tests.visitor import visitor

    report(world.tenant.pk, None, [_trouble("a")])
    for path in ("", "problems"):
        assert "Nobody answers" in visitor().get(f"/t/nordljus/{path}").content.decode()
