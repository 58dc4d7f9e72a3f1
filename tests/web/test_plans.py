"""The plan as a page, brakes, history and the file: numbers first, every change, consent, and the way back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from samklang.engine.embedded import Embedded
from samklang.engine.work import perform
from tests.cli.conftest import ERP_RULES
from tests.hub.conftest import World, order, product, stock, world
from tests.visitor import visitor

_ = world
BASE = "/t/nordljus"


@pytest.fixture
def client(world: World) -> Client:
    """Three articles in the ERP, one of which the shop has under another name, an old order, and the preset edited."""
    for n in range(3):
        world.erp.put(product(f"A-{n}", f"Kopp {n}"))
    world.shop.put(product("A-0", "Mugg"))
    world.shop.put(order("1001", "A-0"))
    client = visitor(world.tenant)
    client.post(f"{BASE}/flows/nordljus/preset", {"preset": "erp rules", "erp": "erp"})
    return client


def _work(world: World) -> Any:
    """What the engine does when its turn comes."""
    from samklang.hub.setup import planning

    planning.work(world.tenant.pk)
    return planning.latest(world.tenant)


def _page(client: Client, query: str = "") -> str:
    answer = client.get(f"{BASE}/plan{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def _counted(client: Client, world: World) -> Any:
    client.post(f"{BASE}/plan/ask")
    return _work(world)


def test_the_plan_is_counted_in_the_background_and_shows_numbers_first(world: World, client: Client) -> None:
    """X-04."""
    assert "Count the plan" in _page(client)
    client.post(f"{BASE}/plan/ask")
    text = _page(client)
    assert "The plan is being counted" in text and "every 1s" in text
    _work(world)
    text = _page(client)
    assert "This is what happens if you apply it" in text
    numbers = re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", text)
    assert ("would be changed", "1") in numbers and dict(numbers)["would be created"] == "4"
    assert "<del>Mugg</del> <ins>Kopp 0</ins>" in text
    assert (world.shop.written, world.erp.written) == ([], [])


def test_every_change_can_be_searched_and_filtered(world: World, client: Client) -> None:
    _counted(client, world)
    assert "Kopp 1" not in _page(client, "?action=change").split("Every change")[1]
    assert "Kopp 2" not in _page(client, "?q=kopp 1").split('id="lines"')[1]
    assert "Nothing here." in _page(client, "?q=nonsense")
    assert _page(client, "?flow=x&action=y&after=z")


def test_changes_are_shown_page_by_page(world: World, client: Client) -> None:
    for n in range(120):
        world.erp.put(product(f"B-{n:03}"))
    _counted(client, world)
    seen: list[str] = []
    query = "?flow=0"
    for _number in range(3):
        text = _page(client, query)
        seen += re.findall(r'dim break">(b-\d+)<', text)
        following = re.search(r'href="(\?q=&amp;flow=0[^"]*after=\d+)#lines"', text)
        if not following:
            break
        query = following[1].replace("&amp;", "&")
    assert seen == [f"b-{n:03}" for n in range(120)]


def test_orders_from_before_are_warned_of_and_left_out_with_one_press(world: World, client: Client) -> None:
    _counted(client, world)
    assert "1 orders of nordljus from before would go to erp too." in _page(client)
    client.post(f"{BASE}/plan/from-now/nordljus/erp")
    _work(world)
    text = _page(client)
    assert "from before would go" not in text
    from samklang.hub.setup import drafts, edits

    flow = edits.find_flow(drafts.shown(world.tenant).wanted, ("nordljus", "order", "erp"))
    assert flow is not None and flow.since is not None


def test_applying_goes_on_in_the_background_and_what_is_due_is_sent(world: World, client: Client) -> None:
    from samklang import engine
    from samklang.hub.models import ConfigVersion
    from samklang.people.models import Note

    run = _counted(client, world)
    client.post(f"{BASE}/plan/{run.pk}/apply", {"why": "go live"})
    assert "The plan is being applied" in _page(client)
    embedded = Embedded(perform)
    engine.current = embedded
    embedded.start()
    try:
        from samklang.engine.port import plan_job

        embedded.wake(plan_job(world.tenant.pk))
        assert embedded.wait_until_idle(30, 1.0)
    finally:
        engine.current = None
        embedded.stop()
    assert "Applied" in _page(client)
    assert {key for type_, key, _ in world.shop.written if type_ == "product"} == {"a-0", "a-1", "a-2"}
    assert len(world.erp.of("order")) == 1
    version = ConfigVersion.objects.get()
    assert (version.by, version.why) == ("owner@nordljus.example", "go live")
    assert Note.objects.filter(what="applied the plan").exists()


def test_a_plan_that_is_counted_waits_on_the_start_page(world: World, client: Client) -> None:
    _counted(client, world)
    assert "A plan waits for approval" in client.get(f"{BASE}/").content.decode()
    assert "A plan waits" not in visitor(world.tenant, "operator").get(f"{BASE}/").content.decode()


def test_a_plan_of_an_older_draft_cannot_be_applied(world: World, client: Client) -> None:
    run = _counted(client, world)
    client.post(f"{BASE}/flows/nordljus/cell", {"type": "price", "system": "shop", "state": "nothing"})
    assert "This plan can no longer be applied. The draft has been edited since." in _page(client)
    answer = client.post(f"{BASE}/plan/{run.pk}/apply", follow=True)
    assert "cannot be applied" in answer.content.decode()
    run.refresh_from_db()
    assert run.state == "ready"


def test_a_system_that_cannot_be_read_is_named_on_the_page(world: World, client: Client) -> None:
    from samklang.connectors.errors import RemoteFault

    def fail(feed: str, start: int) -> None:
        raise RemoteFault("The system answered 500")

    world.erp.before_read = fail
    _counted(client, world)
    text = _page(client)
    assert "SYNC-103 The system answered 500" in text and "Count again" in text


def test_a_plan_that_is_being_counted_can_be_stopped(world: World, client: Client) -> None:
    client.post(f"{BASE}/plan/ask")
    from samklang.hub.setup import planning

    run = planning.latest(world.tenant)
    assert run is not None
    client.post(f"{BASE}/plan/{run.pk}/stop")
    assert planning.latest(world.tenant) is None
    assert client.post(f"{BASE}/plan/99/stop").status_code == 404


def test_only_who_may_configure_counts_and_applies(world: World, client: Client) -> None:
    run = _counted(client, world)
    operator = visitor(world.tenant, "operator")
    assert "would be created" in operator.get(f"{BASE}/plan").content.decode()
    for path in ("plan/ask", f"plan/{run.pk}/apply", f"plan/{run.pk}/stop", "plan/from-now/nordljus/erp"):
        assert operator.post(f"{BASE}/{path}").status_code == 403, path


# ------------------------------------------------------------------------------------------------ brakes


@pytest.fixture
def braked(world: World) -> Any:
    from samklang.hub.models import Brake

    world.flow("product", "erp", "shop")
    world.flow("stock", "erp", "shop")
    ids = {}
    for n in range(30):
        world.erp.put(product(f"A-{n}"))
        ids[n] = world.erp.put(stock(f"A-{n}", 5))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    world.deliver("shop", "stock")
    for n in range(30):
        world.erp.put(stock(f"A-{n}", 0), ids[n])
    world.read("erp", "catalogue")
    return Brake.objects.get()


@pytest.mark.parametrize("decision", ["release", "reject"])
def test_a_brake_is_released_or_the_change_is_let_fall(world: World, braked: Any, decision: str) -> None:
    operator = visitor(world.tenant, "operator")
    text = operator.get(f"{BASE}/brakes").content.decode()
    assert "30 of 30 records" in text and "a-0" in text
    assert visitor(world.tenant, "reader").post(f"{BASE}/brakes/{braked.pk}", {"do": decision}).status_code == 403
    operator.post(f"{BASE}/brakes/{braked.pk}", {"do": decision})
    world.deliver("shop", "stock")
    assert {int(level.available) for level in world.shop.of("stock")} == ({0} if decision == "release" else {5})
    text = operator.get(f"{BASE}/brakes").content.decode()
    assert "No brake is on" in text and "operator@nordljus.example" in text
    again = operator.post(f"{BASE}/brakes/{braked.pk}", {"do": decision}, follow=True)
    assert "Somebody has decided on this already" in again.content.decode()


# ------------------------------------------------------------------------------------------------ history


@pytest.fixture
def applied(world: World, client: Client) -> Client:
    run = _counted(client, world)
    client.post(f"{BASE}/plan/{run.pk}/apply", {"why": "first"})
    _work(world)
    client.post(f"{BASE}/flows/nordljus/cell", {"type": "price", "system": "shop", "state": "nothing"})
    run = _counted(client, world)
    client.post(f"{BASE}/plan/{run.pk}/apply", {"why": "no prices"})
    _work(world)
    return client


def test_the_history_says_who_when_why_and_what(world: World, applied: Client) -> None:
    """X-06."""
    text = re.sub(r"\s+", " ", applied.get(f"{BASE}/history").content.decode())
    assert text.index("no prices") < text.index(">first<")
    assert "owner@nordljus.example" in text and "price → shop (nordljus)" in text
    text = applied.get(f"{BASE}/history/2").content.decode()
    assert '<tr class="remove">' in text and "type = &quot;price&quot;" in text
    assert applied.get(f"{BASE}/history/9").status_code == 404


def test_going_back_is_a_plan_like_any_other(world: World, applied: Client) -> None:
    """X-06."""
    from samklang.hub.models import Flow

    assert applied.post(f"{BASE}/history/1/back").headers["Location"] == f"{BASE}/plan"
    assert Flow.objects.filter(enabled=True).count() == 5, "nothing has happened yet"
    run = _counted(applied, world)
    applied.post(f"{BASE}/plan/{run.pk}/apply")
    _work(world)
    assert Flow.objects.filter(enabled=True).count() == 6
    answer = applied.post(f"{BASE}/history/3/back", follow=True)
    assert "The configuration is like that already" in answer.content.decode()


def test_the_file_comes_out_and_goes_in_again(world: World, applied: Client) -> None:
    from samklang.hub.setup import config, drafts

    answer = applied.get(f"{BASE}/history/samklang.toml")
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.content.decode()
    assert config.parse(text) == config.current(world.tenant)
    assert applied.get(f"{BASE}/history/samklang.toml?version=1").content.decode().count("[[flows]]") == 6
    file = SimpleUploadedFile(
        "samklang.toml", text.replace('name = "Nordljus Handel AB"', 'name = "Nordljus"').encode()
    )
    assert applied.post(f"{BASE}/history/import", {"file": file}).headers["Location"] == f"{BASE}/plan"
    assert drafts.shown(world.tenant).wanted.tenant.name == "Nordljus"
    for wrong, says in (
        ({"text": "nonsense = ["}, "samklang.toml cannot be used:"),
        ({"text": ""}, "Choose a file"),
        ({"file": SimpleUploadedFile("x", b"\xff\xfe\x00")}, "no text"),
        ({"file": SimpleUploadedFile("samklang.toml", b"%PDF-1.7 x")}, "Hand in text"),
        ({"file": SimpleUploadedFile("samklang.toml", b"#" * (2**20 + 1))}, "larger than 1 MB"),
        ({"text": ERP_RULES.replace('slug = "nordljus"', 'slug = "other"')}, "configuration of other"),
    ):
        answer = applied.post(f"{BASE}/history/import", wrong)
        assert answer.status_code == 422
        assert says in answer.content.decode()
