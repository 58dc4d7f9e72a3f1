"""Records are found again: orders by day and state, anything by number, name or address, as masters last said it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from samklang.hub import listing
from samklang.records import Address, Customer, Document, OrderStatus, Parcel, Product, Shipment, Variant
from tests.hub.conftest import World, order, product

MIGRATION = "0012_listing"


def found(world: World, type_: str, typed: str) -> set[str]:
    return set(listing.found(world.tenant.pk, type_, typed).values_list("key", flat=True))


def heads(world: World) -> list[tuple[str, str, str, str]]:
    rows = listing.heads(world.tenant.pk).order_by("key")
    return list(rows.values_list("key", "lifecycle", "fulfilment", "payment"))


@pytest.fixture
def trading(world: World) -> World:
    for type_, source, target in (
        ("product", "erp", "shop"), ("customer", "shop", "erp"), ("order", "shop", "erp"),
        ("order_status", "erp", "shop"),
    ):  # fmt: skip
        world.flow(type_, source, target)
    world.erp.put(product("A-1", "Handdrejad kopp, blå"))
    world.read("erp", "catalogue")
    world.deliver("shop", "product")
    return world


def test_an_article_is_found_by_number_and_by_any_word_of_its_name(trading: World) -> None:
    for typed in ("a-1", "A-1", "handdrejad kopp", "KOPP", "bl", " blå "):
        assert found(trading, "product", typed) == {"a-1"}, typed
    assert found(trading, "product", "drejad") == set()
    assert found(trading, "product", "  ") == set()


def test_a_new_name_is_found_and_the_old_one_no_more(trading: World) -> None:
    trading.erp.rows["product"].clear()
    trading.erp.put(product("A-1", "Mugg"), id_="p1")
    trading.read("erp", "catalogue", sweep=True)
    assert found(trading, "product", "mugg") == {"a-1"}
    assert found(trading, "product", "kopp") == set()


def test_an_order_is_found_by_its_buyer_its_numbers_and_its_parcels() -> None:
    billing = Customer(name="Anna Maria Berg", email="Anna@Example.se", phone="070-174 06 05")
    sold = order("1001", "A-1", customer=billing, transaction_id="kl_77")
    assert {"1001", "anna maria berg", "berg", "maria", "anna@example.se", "0701740605", "kl_77"} <= listing.terms_of(
        sold
    )
    status = OrderStatus(order=sold.key, documents=(Document(kind="invoice", number="F-204"),))
    assert listing.terms_of(status) == {"f-204"}
    parcel = Shipment(order=sold.key, number="1", parcels=(Parcel(tracking_no="373500489910"),))
    assert listing.terms_of(parcel) == {"373500489910"}
    sized = Product(code="T", name="Tröja", variants=(Variant(sku="T-S", gtin=("7350000000001",)),))
    assert {"t", "tröja", "t-s", "7350000000001"} == listing.terms_of(sized)


def test_orders_stand_where_systems_say_and_terms_of_what_hangs_on_them_lead_to_them(trading: World) -> None:
    placed = datetime(2026, 11, 20, 12, tzinfo=UTC)
    trading.shop.put(order("1001", "A-1", placed_at=placed, payment="authorised"), id_="77")
    trading.read("shop", "orders")
    assert heads(trading) == [("nordljus/1001", "placed", "", "authorised")]
    assert listing.heads(trading.tenant.pk).get().placed_at == placed.timestamp()
    trading.deliver("erp", "customer")
    trading.deliver("erp", "order")
    there = next(iter(trading.erp.rows["order"]))
    invoice = (Document(kind="invoice", number="F-204", state="booked"),)
    trading.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped", documents=invoice), parent=there)
    trading.read("erp", "statuses")
    assert heads(trading) == [("nordljus/1001", "confirmed", "shipped", "authorised")]
    assert found(trading, "order", "f-2") == {"nordljus/1001"}
    trading.shop.put(order("1001", "A-1", placed_at=placed, payment="captured", lifecycle="cancelled"), id_="77")
    trading.read("shop", "orders")
    assert heads(trading) == [("nordljus/1001", "cancelled", "shipped", "captured")]


def test_a_corrected_address_is_found(trading: World) -> None:
    from samklang.hub.orders import amend

    trading.shop.put(order("1001", "A-1"))
    trading.read("shop", "orders")
    amend(trading.tenant.pk, "nordljus/1001", "anna", shipping=Address(name="Grannen Nilsson", country="SE"))
    assert found(trading, "order", "nilsson") == {"nordljus/1001"}


def test_buyers_without_an_account_are_found_too(trading: World) -> None:
    trading.shop.put(order("1001", "A-1", email="maja@example.se"))
    trading.read("shop", "orders")
    assert found(trading, "customer", "maja@") == {"mail:maja@example.se"}


def test_reading_twice_changes_nothing(trading: World) -> None:
    from samklang.hub.models import OrderHead, Term

    def all_rows() -> tuple[Any, Any]:
        return sorted(Term.objects.values_list("type", "term", "key")), sorted(OrderHead.objects.values_list("key"))

    trading.shop.put(order("1001", "A-1"))
    trading.read("shop", "orders")
    before = all_rows()
    trading.read("shop", "orders", sweep=True)
    trading.read("erp", "catalogue", sweep=True)
    assert all_rows() == before


def test_a_catalogue_that_is_only_compared_is_not_found(trading: World) -> None:
    """The plan keeps what a target has beside what its master says; people look for the master's."""
    from samklang.hub.intake import Intake
    from samklang.hub.links import open_link
    from samklang.hub.models import Stored

    trading.shop.put(product("B-9", "Främling"))
    feed = open_link(trading.shop_row).manifest.feed_for("product")
    assert feed
    Intake(trading.shop_row, feed, observe="product").run(sweep=True)
    assert Stored.objects.filter(connection=trading.shop_row, key="b-9").exists()
    assert found(trading, "product", "främ") == set()


def test_very_long_names_are_cut_and_found_by_their_beginning() -> None:
    long = Product(code="X", name="Ö" * 200 + " slut", variants=(Variant(sku="X"),))
    terms = listing.terms_of(long)
    assert max(len(term) for term in terms) <= 60
    assert listing.term("Ö" * 200) in terms


def test_an_upgrade_fills_what_was_not_there_before(trading: World) -> None:
    from importlib import import_module

    from django.apps import apps
    from django.db import connection

    from samklang.hub.models import OrderHead, Term

    trading.shop.put(order("1001", "A-1"))
    trading.read("shop", "orders")
    trading.deliver("erp", "customer")
    trading.deliver("erp", "order")
    there = next(iter(trading.erp.rows["order"]))
    trading.erp.put(OrderStatus(order="", raw="sent", fulfilment="shipped"), parent=there)
    trading.read("erp", "statuses")
    terms = sorted(Term.objects.values_list("type", "term", "key"))
    stand = sorted(OrderHead.objects.values_list("key", "channel", "placed_at", "lifecycle", "fulfilment", "payment"))
    Term.objects.all().delete()
    OrderHead.objects.all().delete()

    class Editor:
        """What a migration is given, as far as it is used."""

    editor = Editor()
    editor.connection = connection  # type: ignore[attr-defined]
    import_module(f"samklang.hub.migrations.{MIGRATION}").fill(apps, editor)
    assert sorted(Term.objects.values_list("type", "term", "key")) == terms
    now = OrderHead.objects.values_list("key", "channel", "placed_at", "lifecycle", "fulfilment", "payment")
    assert sorted(now) == stand
