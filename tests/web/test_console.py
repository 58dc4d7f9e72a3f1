"""Every page, with data and without; nothing of another tenant, no secret, no inline script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.hub.conftest import World, order, product, world
from tests.visitor import visitor

_ = world  # the fixture
PAGES = (  # under /t/<tenant>/
    "", "search", "orders", "products", "stock", "customers", "problems", "flows", "transfers", "calls", "statistics",
)  # fmt: skip
SECRET = "cs_very_secret_indeed"


class _Checker(HTMLParser):
    """Finds tags that are not closed, and what the content policy forbids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if (tag == "script" and "src" not in names) or tag == "style" or "style" in names:
            self.wrong.append(f"inline {tag}")
        self.wrong += [name for name in names if name.startswith("on")]
        if tag not in ("meta", "link", "img", "input", "br", "path", "rect", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in ("path", "rect", "circle"):
            self.wrong.append(f"</{tag}> closes {self.open[-1:]}")


def page(path: str) -> str:
    answer = visitor().get(f"/t/nordljus/{path}")
    assert answer.status_code == 200, path
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    text = answer.content.decode()
    checker = _Checker()
    checker.feed(text)
    if path != "map":
        checker.open and pytest.fail(f"{path}: not closed {checker.open}")
    assert checker.wrong == [], path
    assert SECRET not in text
    return text


@pytest.mark.parametrize("path", PAGES[:1] + PAGES[2:])
def test_pages_without_anything_teach_what_to_do(database: Path, path: str) -> None:
    assert "samklang" in page(path).lower()


@pytest.fixture
def busy(world: World) -> World:
    """One order that arrived, one that waits, one article that the shop refuses."""
    from samklang.connectors.errors import Rejected
    from samklang.hub.models import Connection, ExchangeRow, OrderHead, Problem, Stored, Tenant, Term, Transfer
    from samklang.hub.setup import config

    config.set_secrets(world.shop_row, {"consumer_secret": SECRET})
    for type_, source, target in (("product", "erp", "shop"), ("customer", "shop", "erp"), ("order", "shop", "erp")):
        world.flow(type_, source, target)
    world.erp.put(product("A-1", "Kopp <b>röd</b>"))
    world.erp.put(product("A-2", "Mugg"))
    world.shop.item_error = lambda type_, want: Rejected("The name is too long") if want.key == "a-2" else None
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.shop.put(order("1001", "A-1"))
    world.shop.put(order("1002", "MISSING"))
    world.read("shop", "orders")
    world.deliver("erp", "customer")
    world.deliver("erp", "order")

    other = Tenant.objects.create(slug="other", name="Annan AB")
    theirs = Connection.objects.create(tenant=other, name="hemlig-butik", connector="shelf", settings={"box": "x"})
    body = Stored.objects.get(type="order", key="nordljus/1001").body
    Stored.objects.create(
        tenant=other, connection=theirs, type="order", key="hemlig/9", body=body, hash=b"x", changed_at=1.0
    )
    OrderHead.objects.create(tenant=other, key="hemlig/9", connection=theirs, channel="hemlig", placed_at=2e9)
    for type_ in ("order", "product", "customer"):
        Term.objects.create(tenant=other, type=type_, term="1001", key="hemlig/9")
    Problem.objects.create(tenant=other, connection=theirs, fingerprint="x", code="SYNC-120", what="hemlig fel")
    Transfer.objects.create(tenant=other, connection=theirs, direction="in", what="hemlig", started=timezone.now())
    call = {"method": "GET", "status": 200, "seconds": 0.1, "at": timezone.now()}
    ExchangeRow.objects.create(tenant=other, connection=theirs, url="https://hemlig.example/", about="hemlig/9", **call)
    return world


@pytest.mark.parametrize("path", PAGES)
def test_pages_with_data(busy: World, path: str) -> None:
    text = page(path)
    assert "hemlig" not in text, "nothing of another tenant"
    assert "Kopp <b>" not in text, "names are escaped"


def test_the_start_page_says_what_needs_a_person(busy: World) -> None:
    text = page("")
    assert "One thing waits for you" in text
    assert "The name is too long" in text
    problem = re.search(r'href="/t/nordljus/(problems/\d+)"', text)
    assert problem, "and leads to the page where it is mended"
    assert "Mended: try all again" in page(problem[1])


def test_orders_can_be_searched(busy: World) -> None:
    assert "1002" in page("orders")
    found = page("orders?q=1001")
    assert ">1001<" in found and ">1002<" not in found
    assert "No order is like that" in page("orders?q=77")


def test_the_journey_tells_every_hop_and_what_it_waits_for(busy: World) -> None:
    arrived = re.sub(r"\s+", " ", page("orders/nordljus/1001"))
    assert "Order read" in arrived and "Order created" in arrived
    assert "for variant:missing" in page("orders/nordljus/1002")


@pytest.mark.parametrize(
    "path",
    ["/t/nordljus/orders/nordljus/9999", "/t/nordljus/orders/hemlig/9", "/t/nobody/", "/t/other/", "/static/x/no.py"],
)
def test_what_is_not_there_is_not_found(busy: World, path: str) -> None:
    assert visitor(busy.tenant).get(path).status_code == 404


def test_static_files_are_kept_by_browsers(database: Path) -> None:
    found: Any = re.search(r'href="(/static/[^"]+components.css)"', page(""))
    answer = Client(SERVER_NAME="localhost").get(found[1])
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_what_only_shows_cannot_be_posted_to(database: Path) -> None:
    for path in PAGES:
        assert visitor().post(f"/t/nordljus/{path}").status_code == 405
