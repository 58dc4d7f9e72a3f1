"""Starweb as a sandbox: a shop in memory behind the addresses of its Shop API v2.

`StarwebSandbox(products=200).app` is the ASGI application. What buyers and the shop's own people do is a method here,
and POST /_sandbox/<method> with its arguments as JSON for other processes; GET /_sandbox/snapshot and /_sandbox/mails
show what the shop holds and whom it has mailed.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes import swedish
from samklang.sandboxes.acts import Acts, answer
from samklang.sandboxes.starweb.catalogue import MASTER, RESELLERS, WEB, Catalogue
from samklang.sandboxes.starweb.hooks import Hooks
from samklang.sandboxes.starweb.orders import CANCELED, Orders, address
from samklang.sandboxes.starweb.web import Login, Web
from samklang.sandboxes.starweb.wire import Refused, Row, stamp

CLIENT_ID, CLIENT_SECRET = "starweb.sandbox", "sandbox-secret"
GIFT_CARD = "PRESENTKORT"
_METHODS = {"klarna": 1, "bank": 2, "card": 3}


class StarwebSandbox(Acts):
    """One shop.

    `per_page`: rows of a page. `inclusive`, `fees_inclusive`: whether totals and freight are stated with VAT, of which
    the vendor's document says nothing. `whole_kronor`: what is to pay is rounded to whole kronor.
    """

    def __init__(
        self, products: int = 200, seed: int = 1, *, customers: int = 25, per_page: int = 100, inclusive: bool = False,
        fees_inclusive: bool = False, whole_kronor: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self._dice = random.Random(f"starweb {seed}")  # noqa: S311  # what is bought, no secret
        self._guests = swedish.parties(seed + 2000)

        def clock() -> str:
            return stamp(now())

        self.hooks = Hooks(clock, "nordljus")
        self.catalogue = Catalogue(clock, lambda event, id_: self.hooks.tell(f"product-{event}", productId=id_))
        self.orders = Orders(
            self.catalogue, clock, self._order_moved, inclusive=inclusive, fees_inclusive=fees_inclusive,
            whole_kronor=whole_kronor,
        )  # fmt: skip
        self.login = Login(CLIENT_ID, CLIENT_SECRET)
        self.catalogue.fill(itertools.islice(swedish.families(seed), products), now().date())
        for party in itertools.islice(swedish.parties(seed), customers):
            self._register(party)
        shop = {
            "name": "Nordljus", "idCode": "nordljus", "status": "open", "defaultLangCode": "sv",
            "activeLangCodes": ["sv", "en"], "baseCurrency": "SEK", "defaultCustomerCountryCode": "SE",
            "generalDefaultVatRate": 25, "shopCompanyName": "Nordljus Handel AB", "shopCountryCode": "SE",
        }  # fmt: skip
        web = Web(self.catalogue, self.orders, self.hooks, self.login, shop, self.lock, per_page)
        own = [
            Route("/_sandbox/snapshot", self._snapshot), Route("/_sandbox/mails", self._mails),
            Route("/_sandbox/{action}", self.act, methods=["POST"]),
        ]  # fmt: skip
        self.app = Starlette(routes=[*web.routes(), *own])

    def _order_moved(self, event: str, id_: int) -> None:
        row = self.orders.rows[id_]
        told = {name: row.get(name) for name in ("shippingMethodId", "paymentMethodId", "currencyCode")}
        total = str(row.get("totalAmount", ""))
        self.hooks.tell(event, orderId=id_, orderStatusId=row["statusId"], totalAmount=total, **told)

    def _register(self, party: swedish.Party, pricelist: int | None = None) -> int:
        place = address(party)
        made = self.orders.add_customer(
            {
                "type": "company" if party.company else "person", "email": party.email, "pricelistId": pricelist,
                "nationalIdNo": party.org_no or "19800101-0000", "vatNo": party.vat_no,
                "addresses": {"invoice": place, "delivery": place},
            }
        )  # fmt: skip
        self.hooks.tell("customer-created", customerId=made["customerId"])
        return int(made["customerId"])

    # ------------------------------------------------------------------------------------------------ buyers

    def place_order(
        self, lines: Sequence[Sequence[Any]] | None = None, *, payment: str = "klarna", reference: str = "",
        gift_card: str | int = 0, discount: str | int = 0, company: bool = False, reseller: bool = False,
        shipping_method: int = 1, rows: Sequence[Row] = (),
    ) -> Row:  # fmt: skip
        """A checkout that the payment method has confirmed; gives the order as the API shows it.

        `lines` are (sku, quantity); without them one to three articles in stock are bought. `payment` is klarna, bank
        or card, `reference` the provider's id of the payment (made up where it is missing). `gift_card` pays so many
        kronor, `discount` takes so many kronor (with VAT of 25 %) off. A reseller buys as a company from its own list.
        `rows` are order rows as the API has them, such as a bundle. LookupError for an unknown article.
        """
        with self.lock:
            party = next(one for one in self._guests if bool(one.company) == (company or reseller))
            customer = self._register(party, RESELLERS if reseller else None)
            chosen = [(str(sku), int(count)) for sku, count in lines] if lines else [] if rows else self._basket()
            sold = [self._sold(sku, count, RESELLERS if reseller else MASTER) for sku, count in chosen] + list(rows)
            if discount:
                off = (Decimal(discount) / Decimal("1.25")).quantize(Decimal("0.000001"))
                sold.append({"description": "Rabatt", "quantity": -1, "unitPrice": off, "vatRate": Decimal(25)})
            if gift_card:
                card = {"sku": GIFT_CARD, "description": "Presentkort", "quantity": -1, "vatRate": Decimal(0)}
                sold.append({**card, "unitPrice": Decimal(gift_card)})
            method = _METHODS[payment]
            paid = {"paymentStatus": "reserved", "paymentReference": reference or self._reference()}
            later = {"paymentStatus": "", "paymentReference": "", "amountPaid": Decimal(0)}
            name = self.orders.payment_methods[method]["languages"]["data"][0]["title"]
            freight = self.orders.shipping_methods[shipping_method]["languages"]["data"][0]["title"]
            row = self.orders.place(
                party, sold, customer, shippingMethodId=shipping_method, shippingMethodName=freight[:30],
                shippingCost=Decimal("49" if self.orders.fees_inclusive else "39.20"), paymentMethodId=method,
                paymentMethodIdCode=self.orders.payment_methods[method]["idCode"], paymentMethodName=name,
                discountCode="VÅR" if discount else "", **(later if payment == "bank" else paid),
            )  # fmt: skip
            return self.orders.shown(row, {"items", "items.bundledItems", "addresses"})

    def _reference(self) -> str:
        digits = f"{self._dice.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _sold(self, sku: str, count: int, pricelist: int) -> Row:
        if sku.lower() not in self.catalogue.by_sku:
            raise LookupError(f"no article {sku} in this shop")
        product, variant = self.catalogue.by_sku[sku.lower()]
        price = self.catalogue.prices.get((variant, pricelist)) or self.catalogue.prices[variant, MASTER]
        row = self.catalogue.variant(product, variant)
        return {
            "sku": row["sku"], "description": self.catalogue.words[product]["sv"]["name"][:255], "quantity": count,
            "unitPrice": price["specialPriceExVat"] or price["priceExVat"],
            "vatRate": Decimal(self.catalogue.products[product]["defaultVatRate"] or 25),
        }  # fmt: skip

    def _basket(self) -> list[tuple[str, int]]:
        there = [
            sku
            for sku, (_, variant) in self.catalogue.by_sku.items()
            if (self.catalogue.stocks[variant, WEB]["stockQuantity"] or 0) > 3
        ]
        if not there:
            raise LookupError("this shop has nothing in stock to buy")
        return [(sku, self._dice.choice((1, 1, 2))) for sku in self._dice.sample(there, min(len(there), 2))]

    def cancel(self, order: int, *, payment: bool = True) -> Row:
        """The order is cancelled in the shop's pages: the buyer is mailed, the goods are back in stock, and with
        `payment` the shop has its provider let the money go."""
        with self.lock:
            data = {"statusId": CANCELED, "onOrderStatusChangeProcessPayment": payment}
            return self.orders.shown(self.orders.change(order, data), set())

    # ------------------------------------------------------------------------------------------------ the shop's people

    def set_status(self, order: int, status: str | int) -> Row:
        """Moves an order in the shop's pages, by the status' Swedish name or id."""
        with self.lock:
            names = {row["languages"]["data"][0]["name"]: id_ for id_, row in self.orders.statuses.items()}
            id_ = names[status] if isinstance(status, str) else status
            return self.orders.shown(self.orders.change(order, {"statusId": id_}), set())

    def edit_order(self, order: int, changes: Mapping[str, int]) -> Row:
        """Edits rows in the shop's pages: article number → new quantity; 0 takes the row away, a new one adds it."""
        with self.lock:
            for sku, count in changes.items():
                held = [i for i, row in self.orders.items[order].items() if row["sku"].lower() == sku.lower()]
                if not held and count:
                    self.orders.add_item(order, self._sold(sku, count, MASTER))
                for id_ in held[:1]:
                    if count:
                        self.orders.change_item(order, id_, {"quantity": count})
                    else:
                        self.orders.remove_item(order, id_)
            return self.orders.shown(self.orders.order(order), {"items"})

    def readdress(self, order: int, street: str) -> None:
        """The parcel is to go to another street, somebody types into the shop's pages."""
        with self.lock:
            self.orders.readdress(order, street)

    def change(self, sku: str, *, name: str | None = None, price: str | None = None, stock: int | None = None) -> None:
        """Changes an article in the shop's pages; the price is without VAT."""
        with self.lock:
            product, variant = self.catalogue.by_sku[sku.lower()]
            if name is not None:
                self.catalogue.change(product, {"languages": [{"langCode": "sv", "name": name}]})
            if price is not None:
                self.catalogue.put_price(variant, MASTER, {"priceExVat": Decimal(price)})
            if stock is not None:
                self.catalogue.put_stock(variant, WEB, {"stockQuantity": stock})

    def expire(self) -> None:
        """All tokens end."""
        self.login.tokens.clear()

    def snapshot(self) -> Row:
        """Articles by number and orders by id, for comparing two systems."""
        shelf, held = self.catalogue, self.orders
        with self.lock:
            articles = {}
            for product, variants in shelf.variants.items():
                for id_, row in variants.items():
                    stock = shelf.stocks[id_, WEB]
                    status = shelf.stock_statuses[stock["stockStatusId"]]
                    articles[row["sku"]] = {
                        "name": shelf.words[product]["sv"]["name"], "price": shelf.prices[id_, MASTER]["priceExVat"],
                        "stock": stock["stockQuantity"], "buyable": status["productBuyable"],
                        "visible": shelf.products[product]["visibility"] == "visible", "active": row["isActive"],
                    }  # fmt: skip
            orders = {
                str(id_): {
                    "status": held.statuses[row["statusId"]]["languages"]["data"][0]["name"],
                    "total": row["amountToPay"], "tracking": row["shippingTrackingNo"],
                    "payment": row.get("paymentStatus", ""), "items": {
                        str(item["itemId"]): [item["sku"], item["quantity"]] for item in held.items[id_].values()
                    },
                }
                for id_, row in held.rows.items()
            }  # fmt: skip
            return {"articles": articles, "orders": orders, "mails": len(held.mails)}

    # ------------------------------------------------------------------------------------------------ over HTTP

    actions = ("place_order", "cancel", "set_status", "edit_order", "readdress", "change", "expire")

    def refused(self, wrong: Exception) -> Response | None:
        return answer(wrong.body, wrong.status) if isinstance(wrong, Refused) else None

    async def _snapshot(self, _request: Request) -> Response:
        return answer(self.snapshot())

    async def _mails(self, _request: Request) -> Response:
        with self.lock:
            return answer(list(self.orders.mails))
