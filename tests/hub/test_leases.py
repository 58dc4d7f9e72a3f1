"""A lease has one holder at a time: between processes (tests/engine/test_deaths.py), and between threads of one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from samklang.hub import leases
from samklang.hub.models import Lease, Tenant
from tests.hub.conftest import World


def test_another_thread_does_not_take_what_this_one_has_just_taken(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the taking is written down it is seen to be this process's. Were it not known as held by then, it would look
    like one that a lost connection left behind: two threads then refreshed one login, and the second was refused."""
    tenant = Tenant.objects.get().pk
    others: list[Any] = []
    save = Lease.save

    def saved(lease: Lease, **how: Any) -> None:
        save(lease, **how)
        if not others:
            others.append("asked")
            transaction.on_commit(lambda: others.append(leases.take(tenant, "lane")))

    monkeypatch.setattr(Lease, "save", saved)
    with leases.holding(tenant, "lane") as held:
        assert held is not None
        assert others == ["asked", None]
    with leases.holding(tenant, "lane") as again:
        assert again is not None


def test_a_taking_that_fails_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written down is not ours, and can be taken again."""
    tenant = Tenant.objects.get().pk

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Lease, "save", broken)
        leases.take(tenant, "lane")
    with leases.holding(tenant, "lane") as held:
        assert held is not None
