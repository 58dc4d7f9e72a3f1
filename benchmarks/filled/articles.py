"""Articles of the ledger in both shops and the warehouse, their prices, their stock, what a channel is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from benchmarks.filled.house import House, Told, pages
from benchmarks.numbered import ABROAD, article_key, article_name, article_no, gtin
from samklang.hub import store
from samklang.records import Price, Product, StockLevel, Variant

_TEXT = (
    "<p>Gjord för hand i en verkstad på Gotland, av stengods med glasyr i djup ton. Tål maskindisk och mikrovågsugn."
    " Varje exemplar är sitt eget; färgen kan därför skilja något från bilden.</p>"
) * 3


def fill(house: House) -> None:
    """All of them."""
    for page in pages(range(house.size.articles)):
        _page(house, page)


def _product(n: int) -> Product:
    no = article_no(n)
    weight = 100 + n % 900
    return Product(
        code=no, name=article_name(n), description=_TEXT, brand="Bench", categories=("Hem", "Keramik"),
        variants=(Variant(sku=no, gtin=(gtin(n),), weight_g=weight, cost=Decimal(60 + n % 300)),),
    )  # fmt: skip


def _page(house: House, page: Sequence[int]) -> None:
    se, fi = house.shops.values()
    products = [Told(_product(n), str(n + 10)) for n in page]
    house.tells(house.erp, "product", products)
    _parts(house, house.erp.pk, page)
    prices = [
        Told(Price(sku=article_no(n), currency="SEK", amount=Decimal(149 + n % 700), tax_included=True), "")
        for n in page
    ]
    house.tells(house.erp, "price", prices)
    levels = [
        Told(StockLevel(sku=article_no(n), warehouse="BORAS", on_hand=Decimal(n % 140), reserved=Decimal(n % 3)), "")
        for n in page
    ]
    house.tells(house.wms, "stock", levels)
    pots = [
        Told(StockLevel(sku=article_no(n), warehouse="@se", on_hand=Decimal(max(0, n % 140 - n % 3))), "") for n in page
    ]
    house.tells(house.wms, "stock", pots)
    house.holds(se, "stock", pots, lambda _: "")
    for target, some, costs in (
        (se, products, prices),
        (fi, products[::ABROAD], prices[::ABROAD]),
        (house.wms, products, []),
    ):
        house.holds(target, "product", some, lambda one: str(int(one.external_id) + 50_000))
        _parts(house, target.pk, page if target != fi else page[::ABROAD])
        if costs:
            house.holds(target, "price", costs, lambda _: "")


def _parts(house: House, place: int, page: Sequence[int]) -> None:
    """The number of each article's only variant."""
    store.bind(house.tenant.pk, place, "variant", ((article_key(n), str(n + 50_010), None, 1) for n in page))
