"""The service account: a start package, packs, work; what is not used stays."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.packages.conftest import World, agree, operator


def test_the_start_package_comes_once_and_is_used_up_over_several_days(world: World) -> None:
    """P-12: delivery, installation, training and configuration, spread over sessions."""
    from samklang.packages import hours
    from samklang.packages.models import Work

    agree(world, "100")
    assert hours.balance(world.tenant) == 4
    agree(world, "200")
    assert hours.balance(world.tenant) == 4, "another package is no second start"
    by = operator(world)
    for n, work in enumerate((Work.DELIVERY, Work.INSTALLATION, Work.TRAINING, Work.CONFIGURATION), 1):
        hours.draw(by, Decimal("0.75"), work, "session", date(2026, 11, n))
    assert hours.balance(world.tenant) == 1
    assert [(str(row.day), row.work) for row in hours.ledger(world.tenant)][:2] == [
        ("2026-11-04", "configuration"), ("2026-11-03", "training"),
    ]  # fmt: skip


def test_what_is_not_used_stays_and_packs_plugins_and_support_go_over_the_same_account(world: World) -> None:
    """P-13."""
    from samklang.packages import hours
    from samklang.packages.models import Work
    from samklang.people.models import Note

    by = operator(world)
    agree(world, "800")
    hours.draw(by, Decimal("2.5"), Work.DELIVERY)
    agree(world, "")
    assert hours.balance(world.tenant) == Decimal("1.5"), "no package takes them away"
    hours.buy(by, Decimal(10), "hour pack")
    hours.draw(by, Decimal(5), Work.PLUGIN)
    hours.draw(by, Decimal(7), Work.SUPPORT, "change of system")
    assert hours.balance(world.tenant) == Decimal("-0.5"), "work that was done is written down"
    hours.correct(by, Decimal("0.5"), "half an hour was ours")
    assert hours.balance(world.tenant) == 0
    assert hours.ledger(world.tenant).count() == 6, "no line is changed or taken away"
    said = Note.objects.filter(about="package").values_list("what", flat=True)
    assert {"agreed on a package", "added hours", "drew hours", "corrected hours"} == set(said)


def test_the_first_transfer_of_articles_draws_from_the_start_package_while_a_package_runs(world: World) -> None:
    """J-16."""
    from samklang.packages import hours
    from samklang.packages.models import Work

    by = operator(world)
    for code in ("", "100", ""):
        agree(world, code)
        if code:
            hours.draw(by, Decimal(1), Work.SYNC)
            continue
        with pytest.raises(ValueError, match="agree on one first"):
            hours.draw(by, Decimal(1), Work.SYNC)
    assert hours.balance(world.tenant) == 3


@pytest.mark.parametrize("amount", ["0", "-1", "0.125", "100000"])
def test_what_is_no_number_of_hours_is_refused(world: World, amount: str) -> None:
    """P-13."""
    from samklang.packages import hours

    with pytest.raises(ValueError, match="no number of hours"):
        hours.buy(operator(world), Decimal(amount))
    assert not hours.ledger(world.tenant).exists()
