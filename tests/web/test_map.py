"""The start page's map as a drawing."""

from __future__ import annotations

from typing import Any

from samklang.console.map import drawn
from samklang.hub.looks.overview import Overview, System, Traffic


def system(n: int, health: str = "ok", why: str = "", moved: int = 0) -> System:
    traffic = (Traffic("order", moved),) if why != "unused" else ()
    row: Any = None
    return System(row, f"Shop {n}", "shop", health, why, 0, 0, None, None, traffic, traffic)


def test_of_forty_systems_those_are_drawn_that_say_most() -> None:
    shops = [
        *(system(n, "off", "unused") for n in range(26)), *(system(n, moved=n) for n in range(26, 38)),
        system(38, "bad", "person"), system(39, "wait", "stopped"),
    ]  # fmt: skip
    map_ = drawn(Overview(shops, [], 0, 0, 0))
    assert [one.title for one in map_.systems] == [f"Shop {n}" for n in (32, 33, 34, 35, 36, 37, 38, 39)]
    assert map_.more == 32
    points = [point.strip("MC").split(",") for node in map_.nodes for wire in node.wires for point in wire.d.split()]
    ends = {int(y) for x, y in points if 290 < int(x) < 450}  # at the hub's ring
    assert ends and all(abs(end - map_.middle[1]) < 58 for end in ends), "a line ends beside the hub"


def test_a_few_systems_are_all_drawn_used_or_not() -> None:
    map_ = drawn(Overview([system(1), system(2, "off", "unused")], [], 0, 0, 0))
    assert len(map_.nodes) == 2 and map_.more == 0
