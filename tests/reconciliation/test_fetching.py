"""Statements that come by themselves: each once, whatever breaks; what went wrong is seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from samklang.connectors.contract import Paper
from samklang.connectors.errors import Misconfigured, RemoteFault
from tests.accounting.statements.files import klarna, klarna_json, stripe
from tests.doubles.shelf import Box, boxes
from tests.reconciliation.conftest import Desk
from tests.reconciliation.test_run import day_of_sales


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The bank's box gives statements to the company."""
    from samklang.hub.models import Connection

    Connection.objects.create(tenant=desk.tenant, name="bank", connector="shelf", settings={"box": "bank"})
    desk.company = desk.settings(statements_from=["bank"])
    return desk


@pytest.fixture
def box(desk: Desk) -> Box:
    return boxes["bank"]


def fetched(desk: Desk) -> Any:
    from samklang.reconciliation.fetching import fetch

    made = fetch(desk.company, "bank")
    assert made is not None
    return made


def by_hand(desk: Desk) -> None:
    from samklang.reconciliation.fetching import fetch

    fetch(desk.company, "bank", by="anna@example.com")


def breaks(name: str, _calls: int) -> None:
    raise RemoteFault(f"the bank hung up at {name}")


def statements(desk: Desk) -> list[str]:
    from samklang.reconciliation.models import Statement

    return list(Statement.objects.filter(company=desk.company).order_by("key").values_list("reference", flat=True))


def test_each_paper_is_taken_once_and_the_books_follow(desk: Desk, box: Box) -> None:
    desk.flow()
    desk.sells(*day_of_sales())
    box.papers = [Paper("k.csv", klarna()), Paper("nothing in it")]
    assert fetched(desk)[1:] == (1, 0, "")
    assert fetched(desk)[1:] == (0, 0, "")
    assert [name for name, _ in box.calls] == ["k.csv", "nothing in it"], "not asked for again"
    desk.run()
    assert "ov/settlement/klarna/K123456/XISA93DJ/SEK" in desk.vouchers()
    box.papers.append(Paper("the same payout by another road.json", klarna_json()))
    assert fetched(desk).taken == 1
    assert statements(desk) == ["XISA93DJ"], "a payout is known by its reference"


def test_killed_between_reading_and_remembering_nothing_is_lost_or_doubled(
    desk: Desk, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.reconciliation.models import Fetched

    class Killed(BaseException):
        """The process ends here."""

    def kill(**_: object) -> None:
        raise Killed

    box.papers = [Paper("k.csv", klarna()), Paper("s.csv", stripe())]
    with monkeypatch.context() as patch:
        patch.setattr(Fetched.objects, "update_or_create", kill)
        with pytest.raises(Killed):
            fetched(desk)
    assert statements(desk) == ["XISA93DJ"]
    assert fetched(desk)[1:] == (2, 0, "")
    assert statements(desk) == ["XISA93DJ", "po_1A"]


def test_a_line_that_breaks_keeps_what_came_and_says_why(desk: Desk, box: Box) -> None:
    from samklang.reconciliation.fetching import sources

    def second(name: str, calls: int) -> None:
        if name == "s.csv":
            breaks(name, calls)

    box.papers, box.before_read = [Paper("k.csv", klarna()), Paper("s.csv", stripe())], second
    made = fetched(desk)
    assert made[1:3] == (1, 0) and "the bank hung up" in made.error
    (row,) = sources(desk.company)
    assert "the bank hung up" in row.error and row.ran_at and row.well_at is None and row.total == 1
    box.before_read = None
    assert fetched(desk)[1:] == (1, 0, "")
    (row,) = sources(desk.company)
    assert (row.error, row.total) == ("", 2) and row.well_at


def test_a_paper_that_cannot_be_read_is_a_problem_and_tried_again_after_a_day(
    desk: Desk, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.reconciliation import fetching
    from samklang.reconciliation.models import StatementFile

    box.papers = [Paper("odd.csv", b"a;b\n1;2\n"), Paper("k.csv", klarna())]
    assert fetched(desk)[1:] == (1, 1, "")
    assert fetched(desk)[1:] == (0, 0, ""), "not each hour"
    assert StatementFile.objects.get(name="odd.csv").state == "refused"
    assert any("odd.csv" in row for rows in desk.problems().values() for row in rows) or desk.problems()
    monkeypatch.setattr(fetching, "_AGAIN", timedelta(0))
    assert fetched(desk)[1:] == (0, 1, "")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The company's day."""
    from samklang.reconciliation import fetching

    at = [date(2026, 6, 1)]
    monkeypatch.setattr(fetching, "today", lambda _: at[0])
    return at


def on(clock: list[date], *days: date) -> Iterator[date]:
    for clock[0] in days:
        yield clock[0]


def test_a_read_that_ended_well_leaves_a_date_and_once_a_week_everything_is_asked(
    desk: Desk, box: Box, clock: list[date]
) -> None:
    first, day = date(2026, 6, 1), timedelta(days=1)
    for _ in on(clock, first, first + 2 * day):
        fetched(desk)
    assert box.asked == [first - 60 * day, first - 3 * day], "everything; then from the last read, less the overlap"
    box.papers, box.before_read = [Paper("k.csv", klarna(), first)], breaks
    for _ in on(clock, first + 3 * day, first + 4 * day):
        assert fetched(desk).error
    box.before_read = None
    for _ in on(clock, first + 5 * day, first + 7 * day, first + 8 * day):
        fetched(desk)
    assert box.asked[2:] == [
        first - day, first - day, first - day, first - 53 * day, first + 4 * day,
    ], "one that breaks off leaves no date"  # fmt: skip
    by_hand(desk)
    assert box.asked[-1] == first - 52 * day, "a person asks for everything"


def test_a_refused_paper_is_asked_for_from_its_own_day_until_it_is_read(
    desk: Desk, box: Box, clock: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.reconciliation import fetching

    monkeypatch.setattr(fetching, "_AGAIN", timedelta(0))
    monkeypatch.setattr(fetching, "_SWEEP", timedelta(days=1000))
    first, day = date(2026, 6, 1), timedelta(days=1)
    box.papers = [Paper("odd.csv", b"a;b", first - 20 * day)]
    for _ in on(clock, first, first + day):
        assert fetched(desk).refused == 1
    assert box.asked[1] == first - 20 * day
    box.papers = [Paper("odd.csv", klarna(), first - 20 * day)]
    assert fetched(desk).taken == 1
    fetched(desk)
    assert box.asked[3] == first - 2 * day
    box.papers = [Paper("odd too.csv", b"a;b", first)]
    for _ in on(clock, first, first + 61 * day, first + 62 * day):
        fetched(desk)
    assert box.asked[-1] == first + 58 * day, "but not for ever"


def test_papers_known_for_long_are_not_even_looked_at(
    desk: Desk, box: Box, clock: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from samklang.hub.models import Connection
    from samklang.reconciliation import fetching
    from samklang.reconciliation.models import Fetched

    row = Connection.objects.get(name="bank")
    Fetched.objects.bulk_create(Fetched(tenant=desk.tenant, connection=row, name=f"{n}") for n in range(500))
    Fetched.objects.update(at=datetime(2026, 1, 1, tzinfo=UTC))
    names = fetching._known(row, None)
    assert len(names) == 500, "a connection that is asked by name is told all of them"
    box.papers = [Paper("k.csv", klarna(), clock[0])]
    assert fetched(desk).taken == 1
    told: list[int] = []
    real = fetching._known

    def counted(*asked: Any) -> set[str]:
        told.append(len(found := real(*asked)))
        return found

    monkeypatch.setattr(fetching, "_known", counted)
    with CaptureQueriesContext(connection) as queries:
        assert fetched(desk).taken == 0
    assert told == [1] and len(queries) < 30


def test_only_what_the_company_names_is_asked(desk: Desk, box: Box) -> None:
    from samklang.hub.setup.companies import check, part_of
    from samklang.reconciliation.fetching import fetch, fetch_all, sources

    with pytest.raises(Misconfigured, match="no source"):
        fetch(desk.company, "ledger")
    desk.company = desk.settings(statements_from=["gone"])
    assert [one.error for one in fetch_all(desk.company)] == ["There is no connection gone"]
    assert [(row.name, row.state) for row in sources(desk.company)] == [("gone", "")]
    with pytest.raises(Misconfigured, match="no connection 'gone'"):
        check({"ov": part_of(desk.company)}, {"web": None}, {"bank"})
    ours = part_of(desk.settings(statements_from=["bank"]))
    with pytest.raises(Misconfigured, match="go to ov already"):
        check({"ov": ours, "tva": msgspec.structs.replace(ours, channels={})}, {"web": None}, {"bank"})


def test_a_paused_connection_is_left_alone(desk: Desk, box: Box) -> None:
    from samklang.hub.models import Connection
    from samklang.reconciliation.fetching import fetch

    Connection.objects.filter(name="bank").update(state="paused")
    box.papers = [Paper("k.csv", klarna())]
    assert fetch(desk.company, "bank") is None
    assert box.calls == []


def test_the_engine_asks_each_hour_and_keeps_the_books(desk: Desk, box: Box) -> None:
    from samklang.engine.port import Job, books_job, fetch_job
    from samklang.engine.work import fetch

    woken: list[Job] = []

    class Waker:
        def wake(self, job: Job, delay: float = 0.0) -> None:
            woken.append(job)

    box.papers = [Paper("k.csv", klarna())]
    job = fetch_job(desk.tenant.pk, desk.company.pk)
    for _ in range(2):
        fetch(job, Waker())  # type: ignore[arg-type]  # all of an engine that it needs
    assert woken == [books_job(desk.tenant.pk, desk.company.pk)]
