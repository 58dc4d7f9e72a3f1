"""One noisy tenant among fifty: its flood delays nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import HOMES
from tests.engine.conftest import until
from tests.engine.test_deaths import Desk, hand, orders


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_orders_of_forty_nine_pass_a_flood_of_one(database: Path) -> None:
    from samklang.hub import flows
    from samklang.hub.models import Channel, Connection

    noisy = Desk(database, "noisy")
    for n in range(12):  # more systems than one worker has places
        target = Connection.objects.create(
            tenant=noisy.tenant, name=f"book-{n}", connector="book", settings={"path": noisy.path}
        )
        channel = Channel.objects.get(tenant=noisy.tenant)
        flow = flows.set_flow(channel, "order", noisy.shop, target, enabled=True)
        noisy.flows["order"], noisy.target = flow, target
        noisy.want(orders(300, 1000))
    flood = noisy.open_rows()
    quiet = [Desk(database, f"quiet-{n}") for n in range(49)]
    with hand(database, "--moment", "0.2"):
        until(lambda: noisy.open_rows() < flood - 50)  # the flood is on
        before = noisy.open_rows()
        for n, desk in enumerate(quiet):
            desk.want(orders(1, n))
        until(lambda: not any(desk.open_rows() for desk in quiet), 60)
        left = noisy.open_rows()
    assert left > before / 2, f"the others waited for the flood: {flood} → {before} → {left}"
