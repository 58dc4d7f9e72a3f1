"""A WooCommerce shop in memory, for tests, the demo and benchmarks: wc/v3 as a real shop was observed to behave.

`WooSandbox(...)` is the shop, `.app` its REST API (an ASGI application, to be wrapped in `base.Faulty`).

`wire`    dates, decimals, errors, argument checks      `login`     keys, OAuth 1.0a
`shelf`   products as kept and shown                    `catalogue` what changes to them do
`till`    orders as kept, summed and shown              `orders`    what happens to them
`people`  customers        `listing` filters and order  `webhooks`  deliveries        `server`, `routes`

What it does not do: images are not fetched, lines of an existing order cannot be changed, taxes exist for Sweden only,
other plugins' routes are missing. Where behaviour was not observed on a real shop the code says (unconfirmed).
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from samklang.records.vat import rates
from samklang.sandboxes import swedish
from samklang.sandboxes.woocommerce.catalogue import Catalogue
from samklang.sandboxes.woocommerce.login import Key, Login
from samklang.sandboxes.woocommerce.orders import Orders
from samklang.sandboxes.woocommerce.people import ORG_NO_META, Customers, address
from samklang.sandboxes.woocommerce.routes import Api
from samklang.sandboxes.woocommerce.shelf import CLASS_OF_PERCENT, TAX_RATES, Product
from samklang.sandboxes.woocommerce.till import Order
from samklang.sandboxes.woocommerce.ways import PAYMENTS
from samklang.sandboxes.woocommerce.webhooks import Webhooks
from samklang.sandboxes.woocommerce.wire import JSON, links, money

__all__ = ["CONSUMER_KEY", "CONSUMER_SECRET", "ORG_NO_META", "WooSandbox"]

CONSUMER_KEY, CONSUMER_SECRET = "ck_sandbox", "cs_sandbox"  # a stand-in's key, the same everywhere

_PAID_BY = ("klarna_payments", "swish", "bacs")


class WooSandbox:
    """One shop.

    `products` families are put on the shelf (0 = an empty shop), with `customers` registered buyers, the same for the
    same `seed`. `tz` is the shop's time zone, `now` its clock (seconds since the epoch). `prices_include_tax` and
    `round_tax_at_subtotal` are the shop's tax settings. `https=False` refuses basic login as over plain http.
    `latency` seconds pass before each answer. Webhooks leave `webhook_delay` seconds after the change,
    `webhooks_twice` sends each twice. Keys: ck_sandbox/cs_sandbox, ck_read/cs_read, ck_write/cs_write.
    """

    def __init__(
        self,
        products: int = 500,
        seed: int = 1,
        tz: str = "Europe/Stockholm",
        *,
        customers: int = 25,
        currency: str = "SEK",
        prices_include_tax: bool = True,
        round_tax_at_subtotal: bool = False,
        https: bool = True,
        latency: float = 0.0,
        webhook_delay: float = 0.05,
        webhooks_twice: bool = False,
        site: str = "https://shop.example",
        now: Callable[[], float] = time.time,
    ) -> None:
        self.lock = threading.RLock()
        self.zone = ZoneInfo(tz)
        self.site = site
        self.currency = currency
        self.latency = latency
        self._inclusive, self._at_subtotal = prices_include_tax, round_tax_at_subtotal
        self._clock = now
        ids = itertools.count(10)
        self._dice = random.Random(f"orders {seed}")  # noqa: S311  # data to look at, no secret
        self._guests = swedish.parties(seed + 1000)
        keys = {
            CONSUMER_KEY: Key(CONSUMER_SECRET),
            "ck_read": Key("cs_read", "read"),
            "ck_write": Key("cs_write", "write"),
        }
        self.login = Login(keys, https=https)

        def next_id() -> int:
            return next(ids)

        self.webhooks = Webhooks(
            zone=self.zone, site=site, now=self.now, payload=self._payload, delay=webhook_delay, twice=webhooks_twice
        )
        self.catalogue = Catalogue(
            zone=self.zone, site=site, currency=currency, now=self.now, next_id=next_id, moved=self._product_moved
        )
        self.orders = Orders(
            self.catalogue,
            zone=self.zone,
            site=site,
            currency=currency,
            prices_include_tax=prices_include_tax,
            round_at_subtotal=round_tax_at_subtotal,
            now=self.now,
            next_id=next_id,
            moved=self._order_moved,
        )
        self.customers = Customers(zone=self.zone, site=site, now=self.now, next_id=next_id, moved=self._customer_moved)
        today = datetime.fromtimestamp(self.now(), UTC).date()
        classed = (
            (family, CLASS_OF_PERCENT[int(rates.percent("SE", family.tax_class, today))])
            for family in itertools.islice(swedish.families(seed), products)
        )
        self.catalogue.fill(classed, self.now() - 3600)
        for party in itertools.islice(swedish.parties(seed), customers):
            self.customers.create(_registration(party))
        self.app = Api(self)

    def now(self) -> int:
        """The shop's clock in whole seconds."""
        return int(self._clock())

    # ------------------------------------------------------------------------------------------------ helpers

    def place_order(
        self,
        lines: Sequence[Sequence[Any]] | None = None,
        *,
        status: str = "processing",
        company: bool | None = None,
        coupon: bool | None = None,
        payment_method: str = "",
        registered: bool | None = None,
        meta: dict[str, str] | None = None,
    ) -> JSON:
        """A customer's checkout; returns the order as the API shows it.

        `lines` are (sku, quantity); without them one to four articles in stock are bought. What is None is left to
        chance: a company buys one time in five, a coupon of 10 % is used one time in six. Freight is 49 kr, free from
        1,000 kr. Raises LookupError for an unknown SKU or an empty shop.
        """
        with self.lock:
            dice = self._dice
            chosen = [(str(sku), int(quantity)) for sku, quantity in lines] if lines else self._basket()
            for sku, _ in chosen:
                if sku.lower() not in self.catalogue.by_sku:
                    raise LookupError(f"no article {sku} in this shop")
            party = next(one for one in self._guests if company is None or bool(one.company) == company)
            customer_id = 0
            if registered if registered is not None else (company is None and dice.random() < 0.4):
                email = party.email
                customer_id = next((id_ for id_, row in self.customers.rows.items() if row["email"] == email), 0)
                customer_id = customer_id or self.customers.create(_registration(party))["id"]
            method = payment_method or dice.choices(_PAID_BY, (6, 3, 1))[0]
            sold = sum(
                Decimal(self.catalogue.price(self.catalogue.rows[self.catalogue.by_sku[sku.lower()]]) or 0) * quantity
                for sku, quantity in chosen
            )
            freight = Decimal("39.20") if sold < 1000 else Decimal(0)
            billing = address(party)
            body: JSON = {
                "created_via": "checkout",
                "customer_id": customer_id,
                "billing": billing,
                "shipping": {key: value for key, value in billing.items() if key not in ("email", "phone")},
                "payment_method": method,
                "payment_method_title": PAYMENTS.get(method, (method,))[0],
                "transaction_id": f"{dice.getrandbits(64):016x}" if status != "pending" and method != "bacs" else "",
                "customer_note": dice.choice(("", "", "", "Ställ paketet vid dörren, tack!")),
                "line_items": [{"sku": sku, "quantity": quantity} for sku, quantity in chosen],
                "shipping_lines": [
                    {
                        "method_id": "flat_rate" if freight else "free_shipping",
                        "method_title": "PostNord MyPack" if freight else "Fri frakt",
                        "total": money(freight),
                    }
                ],
                "status": status,
                "meta_data": [{"key": key, "value": value} for key, value in (meta or {}).items()],
            }
            if party.org_no:
                body["meta_data"].append({"key": ORG_NO_META, "value": party.org_no})
            if coupon if coupon is not None else dice.random() < 1 / 6:
                body["coupon_lines"] = [{"code": "välkommen10", "percent": 10}]
            return self.orders.as_json(self.orders.create(body))

    def set_status(self, order_id: int, status: str) -> JSON:
        """Move an order to another status, as a person in the shop would ("cancelled" puts the stock back)."""
        with self.lock:
            return self.orders.as_json(self.orders.update(self.orders.get(order_id), {"status": status}))

    def change(
        self,
        sku: str,
        *,
        price: Decimal | str | None = None,
        stock: int | None = None,
        name: str | None = None,
    ) -> JSON:
        """Change one article, as a person in the shop would. LookupError for an unknown SKU."""
        body: JSON = {}
        if price is not None:
            body["regular_price"] = str(price)
        if stock is not None:
            body |= {"manage_stock": True, "stock_quantity": stock}
        if name is not None:
            body["name"] = name
        with self.lock:
            row = self.catalogue.rows.get(self.catalogue.by_sku.get(sku.lower(), 0))
            if row is None:
                raise LookupError(f"no article {sku} in this shop")
            return self.catalogue.as_product(self.catalogue.update(row, body))

    def snapshot(self) -> JSON:
        """Articles by SKU and orders by number, for comparing two systems."""
        with self.lock:
            rows = [row for row in self.catalogue.rows.values() if row.sku and row.status != "trash"]
            return {
                "products": {
                    row.sku: {
                        "name": row.name,
                        "price": self.catalogue.price(row),
                        "stock": row.stock_quantity,
                        "status": row.status,
                        "type": "variation" if row.parent else row.type,
                    }
                    for row in rows
                },
                "orders": {
                    str(order.id): {"status": order.status, "total": money(self.orders.totals(order)["total"])}
                    for order in self.orders.orders.values()
                },
            }

    # ------------------------------------------------------------------------------------------------ the shop

    def tax_rates(self) -> list[JSON]:
        """The rows of /taxes."""
        return [
            {
                "id": id_, "country": "SE", "state": "", "postcode": "", "city": "", "rate": f"{percent}.0000",
                "name": label, "priority": 1, "compound": False, "shipping": True, "order": 1,
                "class": slug or "standard", "postcodes": [], "cities": [], "_links": links(self.site, f"/taxes/{id_}"),
            }
            for slug, (id_, percent, label) in TAX_RATES.items()
        ]  # fmt: skip

    def settings(self) -> dict[str, list[JSON]]:
        """The settings that an integration reads, by group."""

        def row(id_: str, label: str, kind: str, default: str, value: str) -> JSON:
            return {
                "id": id_, "label": label, "description": "", "type": kind, "default": default, "tip": label,
                "value": value,
            }  # fmt: skip

        def yes(answer: bool) -> str:
            return "yes" if answer else "no"

        inclusive, at_subtotal = yes(self._inclusive), yes(self._at_subtotal)
        return {
            "general": [
                row("woocommerce_currency", "Currency", "select", "USD", self.currency),
                row("woocommerce_default_country", "Country / State", "select", "US:CA", "SE"),
                row("woocommerce_calc_taxes", "Enable taxes", "checkbox", "no", "yes"),
                row("woocommerce_price_num_decimals", "Number of decimals", "number", "2", "2"),
            ],
            "tax": [
                row("woocommerce_prices_include_tax", "Prices entered with tax", "radio", "no", inclusive),
                row("woocommerce_tax_round_at_subtotal", "Rounding", "checkbox", "no", at_subtotal),
            ],
            "products": [row("woocommerce_weight_unit", "Weight unit", "select", "kg", "kg")],
        }

    def system_status(self) -> JSON:
        """The parts of /system_status that an integration reads."""
        return {
            "environment": {
                "home_url": self.site, "site_url": self.site, "version": "10.0.2", "wp_version": "6.8.8",
                "wp_multisite": False, "wp_cron": False, "language": "sv_SE", "php_version": "8.2.36",
                "default_timezone": "UTC",
            },
            "settings": {
                "api_enabled": False, "force_ssl": False, "currency": self.currency, "currency_symbol": "&#107;&#114;",
                "currency_position": "right_space", "thousand_separator": " ", "decimal_separator": ",",
                "number_of_decimals": 2, "HPOS_enabled": True, "HPOS_sync_enabled": False,
            },
        }  # fmt: skip

    def _basket(self) -> list[tuple[str, int]]:
        ids = list(self.catalogue.rows) if len(self.catalogue.rows) < 2000 else self._some_ids()
        basket: dict[str, int] = {}
        for _ in range(200):
            row = self.catalogue.rows[self._dice.choice(ids)] if ids else None
            if row is None:
                break
            quantity = self._dice.choice((1, 1, 1, 2, 3))
            sellable = row.type == "simple" and row.status == "publish" and self.catalogue.price(row)
            if sellable and row.sku and (row.stock_quantity or 0) >= quantity:
                basket[row.sku] = quantity
                if len(basket) >= self._dice.choice((1, 2, 3, 4)):
                    break
        if not basket:
            raise LookupError("this shop has nothing in stock to buy")
        return list(basket.items())

    def _some_ids(self) -> list[int]:
        first = self._dice.randrange(len(self.catalogue.rows) - 1000)
        return list(itertools.islice(self.catalogue.rows, first, first + 1000))

    def _product_moved(self, event: str, row: Product) -> None:
        self.webhooks.tell(f"product.{event}", row.id)

    def _order_moved(self, event: str, order: Order) -> None:
        self.webhooks.tell(f"order.{event}", order.id)

    def _customer_moved(self, event: str, id_: int) -> None:
        self.webhooks.tell(f"customer.{event}", id_)

    def _payload(self, topic: str, id_: int) -> JSON | None:
        """The body of a delivery, as things stand now; None when the thing is gone."""
        resource, _, event = topic.partition(".")
        if event == "deleted":
            return {"id": id_}
        with self.lock:
            if resource == "product" and id_ in self.catalogue.rows:
                return self.catalogue.as_product(self.catalogue.rows[id_])
            if resource == "order" and id_ in self.orders.orders:
                return self.orders.as_json(self.orders.orders[id_])
            if resource == "customer" and id_ in self.customers.rows:
                return self.customers.rows[id_]
        return None


def _registration(party: swedish.Party) -> JSON:
    billing = address(party)
    return {
        "email": party.email,
        "first_name": party.first_name,
        "last_name": party.last_name,
        "billing": billing,
        "shipping": {key: value for key, value in billing.items() if key != "email"},
        "meta_data": [{"key": ORG_NO_META, "value": party.org_no}] if party.org_no else [],
    }
