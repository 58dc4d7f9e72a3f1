"""The checks themselves: each one fails for a connector with the defect that it is there to find."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from samklang.connectors.checks import CHECKS, Check, Finding, Stand, grade, run_check, run_checks
from samklang.connectors.contract import (
    Account,
    Connector,
    Done,
    Feed,
    Item,
    Manifest,
    Match,
    Page,
    Result,
    Setting,
    Want,
    Write,
)
from samklang.connectors.errors import BadAnswer, LoginRefused, Retry, Unreachable
from samklang.connectors.fortnox import Fortnox
from samklang.connectors.klarna import Klarna
from samklang.connectors.limiter import Limiter
from samklang.records import Price
from samklang.sandboxes.fortnox.stand import FortnoxStand
from samklang.sandboxes.stands import open_stand

BY_NAME = {check.name: check for check in CHECKS}


@pytest.fixture
def stand() -> Iterator[Stand]:
    with open_stand("fortnox") as running:
        yield running


def finding(name: str, cls: type[Connector], stand: Stand | None) -> Finding:
    return run_check(BY_NAME[name], cls, stand)


class Careless(Fortnox):
    """Takes any login."""

    def check(self) -> Account:
        return Account(title="Fortnox")


class Short(Fortnox):
    """Loses the last row."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        for page in super().read(feed, since, types):
            yield Page(page.items[:-1], page.total)


class Doubling(Fortnox):
    """Gives the first row of each page twice."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        for page in super().read(feed, since, types):
            yield Page([*page.items[:1], *page.items], page.total)


class Restless(Fortnox):
    """Calls everything by another id each time."""

    reads = 0

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        Restless.reads += 1
        for page in super().read(feed, since, types):
            rows = [
                msgspec.structs.replace(item, external_id=f"{item.external_id}.{self.reads}")
                if isinstance(item, Item) and item.external_id
                else item
                for item in page.items
            ]
            yield Page(rows, page.total)


class Creating(Fortnox):
    """Never updates a customer."""

    def write(self, type_: str, wants: Sequence[Want]) -> list[Result]:
        if type_ == "customer":
            wants = [msgspec.structs.replace(want, external_id="") for want in wants]
        return super().write(type_, wants)


class Blind(Fortnox):
    """Finds no orders."""

    def find(self, type_: str, wants: Sequence[Want], match: Sequence[str]) -> list[list[Match]]:
        return [[] for _ in wants] if type_ == "order" else super().find(type_, wants, match)


class Forgiving(Fortnox):
    """Takes what came before a fault for all there is."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        try:
            yield from super().read(feed, since, types)
        except Retry:
            return


class Stubborn(Fortnox):
    """Takes a lost login for a bad line."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        try:
            yield from super().read(feed, since, types)
        except LoginRefused as error:
            raise Unreachable(error.what) from error


class Rounding(Fortnox):
    """Reads prices in whole tenths."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        for page in super().read(feed, since, types):
            yield Page([_rounded(item) for item in page.items], page.total)


def _rounded(item: Any) -> Any:
    if not isinstance(item.record, Price):
        return item
    amount = item.record.amount.quantize(Decimal("0.1"))
    return msgspec.structs.replace(item, record=msgspec.structs.replace(item.record, amount=amount))


class Late(Fortnox):
    """Mistakes summer time for winter time."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        return super().read(feed, since and since + timedelta(hours=1), types)


class Strict(Fortnox):
    """Refuses what it has not heard of."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        for page in super().read(feed, since, types):
            if b"x_not_heard_of" in self.client.transport.request("GET", "/3/companyinformation").body:
                raise BadAnswer("an unknown field")
            yield page


class Chatty(Fortnox):
    """Asks once for each row."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        for page in super().read(feed, since, types):
            for _ in page.items:
                self.client.company()
            yield page


class Broken(Fortnox):
    """Has a defect."""

    def read(self, feed: str, since: datetime | None, types: frozenset[str], resume: str = "") -> Iterator[Page]:
        raise ZeroDivisionError("a defect")


class Grabbing(Klarna):
    """Captures without looking, each time under another key and reference; a broken answer is good enough."""

    def write(self, type_: str, wants: Sequence[Want]) -> Sequence[Result]:
        try:
            for want in wants:
                record: Any = want.record
                if type_ == "capture":
                    body = {"captured_amount": 100, "reference": want.reference}
                    self.client.act(record.payment_id, "captures", str(uuid.uuid4()), body)
        except Retry:
            pass
        return [Done(external_id=str(uuid.uuid4())) for _ in wants]


@pytest.mark.parametrize(
    ("check", "said"),
    [("written-once", "sent again by its key"), ("decimals", "was written"), ("cut-off", "broke off")],
)
def test_a_defect_of_a_connector_that_only_writes_is_found(check: str, said: str) -> None:
    with open_stand("klarna") as stand:
        found = finding(check, Grabbing, stand)
    assert found.result == "failed", found
    assert said in found.said


@pytest.mark.parametrize(
    ("check", "cls", "said"),
    [
        ("login", Careless, "not noticed"),
        ("reads-all", Short, "lost"),
        ("reads-all", Doubling, "more than once"),
        ("reads-all", Broken, "ZeroDivisionError: a defect"),
        ("bound-once", Restless, "was"),
        ("written-once", Creating, "moved from"),
        ("cut-off", Forgiving, "records came"),
        ("pauses", Stubborn, "Unreachable"),
        ("killed-between", Blind, "2 times"),
        ("decimals", Rounding, "the system has"),
        ("dst", Late, "is not among the changes"),
        ("unknown-fields", Strict, "unknown field"),
        ("frugal", Chatty, "at most"),
    ],
)
def test_a_defect_is_found(stand: Stand, check: str, cls: type[Connector], said: str) -> None:
    found = finding(check, cls, stand)
    assert found.result == "failed", found
    assert said in found.said


def test_pushing_on_after_429_is_found(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Limiter, "pause", lambda *_: None)
    assert "after a 429" in finding("slows-down", Fortnox, stand).said


def test_holding_a_thread_for_a_long_429_is_found(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(self: Limiter, seconds: float) -> None:
        pause(self, min(seconds, 0.3))

    pause = Limiter.pause
    monkeypatch.setattr(Limiter, "pause", impatient)
    monkeypatch.setattr("samklang.connectors.transport._LONGEST_WAIT", 1e9)
    monkeypatch.setattr("samklang.connectors.transport._retry_after", lambda *_: 0.3)
    assert "the hub hears" in finding("slows-down", Fortnox, stand).said


def test_a_request_that_departs_from_the_document_is_found() -> None:
    with open_stand("fortnox", lambda seen: ["no such field"] if seen.method == "POST" else []) as stand:
        found = finding("document", Fortnox, stand)
    assert found.result == "failed"
    assert "no such field" in found.said


def test_without_the_document_nothing_is_claimed(stand: Stand) -> None:
    assert finding("document", Fortnox, stand).result == "untried"


def _with(**changes: Any) -> type[Connector]:
    manifest: Manifest = msgspec.structs.replace(Fortnox.manifest, **changes)
    return type("Changed", (Fortnox,), {"manifest": manifest, "__module__": Fortnox.__module__})


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (_with(name="other"), "the folder 'fortnox'"),
        (_with(checked_against=()), "checked_against is empty"),
        (_with(feeds=(Feed(name="x", types=("parrot",)),)), "no record type 'parrot'"),
        (
            type("NoPage", (_with(),), {"login_page": Connector.login_page, "__module__": Fortnox.__module__}),
            "login_page",
        ),
        (_with(feeds=(Feed(name="x", types=("stock",)),) * 2), "named twice"),
        (_with(settings=(Setting(name="a", title="A", kind="choice"),)), "choices are missing"),
        (_with(cannot=("No variants",)), "is no sentence"),
        (_with(exempt={"nothing": "because it does not matter"}), "no check 'nothing'"),
        (_with(exempt={"small": "no"}), "gives no reason"),
    ],
)
def test_a_manifest_that_names_what_is_not_there_is_found(cls: type[Connector], said: str) -> None:
    found = finding("manifest", cls, None)
    assert found.result == "failed"
    assert said in found.said


def test_an_exempt_check_passes_with_its_reason() -> None:
    found = finding("small", _with(exempt={"small": "The vendor has four APIs."}), None)
    assert (found.result, found.said, found.good) == ("exempt", "The vendor has four APIs.", True)


def _files(name: str, folder: Path) -> str:
    check: Callable[..., str] | None = BY_NAME[name].files
    assert check
    return check(Fortnox, folder, frozenset())


def test_pages_and_code_are_judged_by_their_text(tmp_path: Path) -> None:
    readme, code = tmp_path / "README.md", tmp_path / "client.py"
    readme.write_text("# X\n\n## Set-up\n\n## What is synced\n\n## Limits\n")
    with pytest.raises(Exception, match="errors"):
        _files("readme", tmp_path)
    with pytest.raises(Exception, match="no table"):
        _files("error-table", tmp_path)
    readme.write_text(readme.read_text() + "\n## Errors\n\n| see | do |\n|---|---|\n| a | b |\n| c | d |\n| e | f |\n")
    assert _files("readme", tmp_path) == "4 chapters"
    assert _files("error-table", tmp_path) == "3 errors explained"
    code.write_text("def f() -> int:\n    return 'text'\n")
    with pytest.raises(Exception, match="Incompatible return"):
        _files("typed", tmp_path)


def _small(folder: Path, **changed: Any) -> str:
    check: Callable[..., str] | None = BY_NAME["small"].files
    assert check
    return check(_with(**changed), folder, frozenset())


@pytest.mark.parametrize(("read", "written", "ledger", "registers", "most"), [
    ((), (), False, 0, 400), (("product", "stock"), ("product",), True, 4, 400),
    (("product", "stock"), ("product", "price"), True, 5, 500),
    (("product", "product"), ("product", "price", "order"), True, 5, 500),
])  # fmt: skip
def test_a_connector_may_be_as_large_as_its_registers_are_many(
    tmp_path: Path, read: tuple[str, ...], written: tuple[str, ...], ledger: bool, registers: int, most: int
) -> None:
    feeds, writes = (
        tuple(Feed(name=str(n), types=(type_,)) for n, type_ in enumerate(read)),
        dict.fromkeys(written, Write()),
    )
    code = tmp_path / "client.py"
    code.write_text('"""Doc\nstring."""\n\n# comment\n' + "x = 1\n" * most)
    said = _small(tmp_path, feeds=feeds, writes=writes, ledger=ledger)
    assert said.startswith(f"{most} lines of code for {registers} registers")
    code.write_text(code.read_text() + "y = 2\n")
    with pytest.raises(Exception, match=f"^{most + 1} lines of code for {registers} registers, at most {most}"):
        _small(tmp_path, feeds=feeds, writes=writes, ledger=ledger)


def test_a_grade_needs_every_check_of_its_tier_and_below() -> None:
    def all_but(*failed: str) -> list[Finding]:
        return [
            Finding(check.name, check.tier, check.title, "failed" if check.name in failed else "passed")
            for check in CHECKS
        ]

    assert grade(all_but()) == "gold"
    assert grade(all_but("small")) == "silver"
    assert grade(all_but("dst", "small")) == "bronze"
    assert grade(all_but("manifest")) == ""
    assert grade([one for one in all_but() if one.check != "cut-off"]) == ""
    assert grade(run_checks(Fortnox)) == ""  # without a stand most is untried


def test_names_are_unique_and_every_check_is_of_one_kind() -> None:
    assert len(BY_NAME) == len(CHECKS)
    assert all((check.files is None) != (check.stand is None) for check in CHECKS)
    assert all(isinstance(check, Check) and check.why.endswith(".") for check in CHECKS)
    assert issubclass(FortnoxStand, Stand)
