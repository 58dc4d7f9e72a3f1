"""RD-25: do quota and features of a package allow what a delivery project has chosen? Pure: whoever asks brings it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from samklang.connectors.errors import NotInPackage
from samklang.packages.gates import Need, missing, refusal
from samklang.packages.offer import Package


class Finding(NamedTuple):
    """What the check says: pass; warn (more orders are expected than included, which stops none); block. `lacks` are
    the things that are not included, `what` and `do_this` the sentences for them."""

    level: Literal["pass", "warn", "block"]
    what: str = ""
    do_this: str = ""
    lacks: tuple[Need, ...] = ()


def check(package: Package | None, chosen: Sequence[Need], expected: int | None = None) -> Finding:
    """Judge what is chosen (`gates.needs` of the configuration) and how many orders a month are expected."""
    lacks = missing(package, chosen)
    if package and lacks:
        error: NotInPackage = refusal(package, lacks)
        return Finding("block", error.what, error.do_this, tuple(lacks))
    if package and package.orders and expected is not None and expected > package.orders:
        name, quota = package.name, package.orders
        return Finding(
            "warn", what=f"{expected} orders a month are expected, the package {name} includes {quota}",
            do_this="Take a larger package, or go on: orders above it are transferred too.",
        )  # fmt: skip
    return Finding("pass")
