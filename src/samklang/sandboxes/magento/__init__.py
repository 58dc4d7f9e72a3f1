"""Magento 2 as a sandbox: a shop in memory behind the addresses of its REST API.

`MagentoSandbox(products=200).app` is the ASGI application. What buyers and the shop's own people do is a method here,
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
from samklang.sandboxes.magento.catalogue import Catalogue
from samklang.sandboxes.magento.orders import Orders, address
from samklang.sandboxes.magento.web import Web
from samklang.sandboxes.magento.wire import Login, Refused, Row, stamp

CONSUMER = ("ck-sandbox", "cs-sandbox")
TOKEN = ("token-sandbox", "token-secret-sandbox")
_METHODS = {"klarna": "klarna_kp", "bank": "banktransfer", "card": "nets_easy"}


class MagentoSandbox(Acts):
    """One shop.

    `inclusive`: catalogue prices and discounts include VAT; `bearer`: the access token alone is a login, as before
    2.4.4; `queue`: the consumer that works off bulks runs.
    """

    def __init__(
        self, products: int = 200, seed: int = 1, *, customers: int = 25, inclusive: bool = True, bearer: bool = False,
        queue: bool = True, now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self._dice = random.Random(f"magento {seed}")  # noqa: S311  # what is bought, no secret
        self._guests = swedish.parties(seed + 3000)

        def clock() -> str:
            return stamp(now())

        self.catalogue = Catalogue(clock)
        self.orders = Orders(self.catalogue, clock, inclusive=inclusive)
        self.login = Login(CONSUMER, TOKEN, bearer=bearer)
        self.catalogue.fill(itertools.islice(swedish.families(seed), products), now().date())
        for party in itertools.islice(swedish.parties(seed), customers):
            self._register(party)
        self.web = Web(self.catalogue, self.orders, self.login, self.lock, queue=queue)
        own = [
            Route("/_sandbox/snapshot", self._snapshot), Route("/_sandbox/mails", self._mails),
            Route("/_sandbox/{action}", self.act, methods=["POST"]),
        ]  # fmt: skip
        self.app = Starlette(routes=[*self.web.routes(), *own])

    def _register(self, party: swedish.Party, group: int = 1) -> int:
        place = {**address(party), "default_billing": True, "default_shipping": True}
        made = self.orders.save_customer(
            {
                "email": party.email, "firstname": party.first_name, "lastname": party.last_name, "group_id": group,
                "addresses": [place], **({"taxvat": party.vat_no} if party.vat_no else {}),
            }
        )  # fmt: skip
        return int(made["id"])

    # ------------------------------------------------------------------------------------------------ buyers

    def place_order(
        self, lines: Sequence[Sequence[Any]] | None = None, *, payment: str = "klarna", reference: str = "",
        gift_card: str | int = 0, discount: str | int = 0, fee: str | int = 0, company: bool = False,
        retailer: bool = False, **more: Any,
    ) -> Row:  # fmt: skip
        """A checkout; gives the order as the API shows it.

        `lines` are (sku, quantity); without them two articles in stock are bought. `payment` is klarna, bank or card,
        `reference` the provider's id of the payment. `gift_card` pays so many kronor, `discount` is per cent off,
        `fee` what a module adds. A retailer buys as a company with its group's prices. LookupError for an unknown
        article.
        """
        with self.lock:
            party = next(one for one in self._guests if bool(one.company) == (company or retailer))
            group = 3 if retailer else 0
            if retailer:
                self._register(party, group)
            chosen = [(str(sku), int(count)) for sku, count in lines] if lines else self._basket()
            digits = reference or f"{self._dice.getrandbits(96):024x}"
            paid: dict[str, Any] = {"method": _METHODS[payment]}
            if payment == "klarna":
                paid |= {
                    "payment_info": [{"key": "klarna_order_id", "value": digits}], "last_trans_id": f"{digits}-auth",
                    "authorised": True,
                }  # fmt: skip
            elif payment == "card":
                paid |= {"last_trans_id": digits, "authorised": True}
            return self.orders.place(
                party, chosen, discount=Decimal(discount), group=group, gift_cards_amount=Decimal(gift_card),
                fee=Decimal(fee), **paid, **more,
            )  # fmt: skip

    def _basket(self) -> list[tuple[str, int]]:
        simple = [row["sku"] for row in self.catalogue.rows.values() if row["type_id"] == "simple"]
        there = [sku for sku in simple if self.catalogue.salable(sku) > 3]
        if not there:
            raise LookupError("this shop has nothing in stock to buy")
        return [(sku, self._dice.choice((1, 1, 2))) for sku in self._dice.sample(there, min(len(there), 2))]

    def cancel(self, order: int) -> bool:
        """The order is cancelled in the shop's pages."""
        with self.lock:
            return self.orders.cancel(order)

    def invoice(self, order: int) -> None:
        """The order is invoiced and paid."""
        with self.lock:
            self.orders.invoice(order)

    def refund(self, order: int, pieces: Mapping[str, int], online: bool = False) -> Row:
        """A credit memo, made at the provider (online) or only on paper."""
        with self.lock:
            return self.orders.refund(order, pieces, online=online)

    def change(self, sku: str, *, name: str | None = None, stock: int | None = None) -> None:
        """Changes an article in the shop's pages."""
        with self.lock:
            if name is not None:
                self.catalogue.save({"sku": sku, "name": name})
            if stock is not None:
                item = {"sku": sku, "source_code": "default", "quantity": Decimal(stock), "status": int(stock > 0)}
                self.catalogue.put_stock(item)

    def snapshot(self) -> Row:
        """Articles by number and orders by number, for comparing two systems."""
        with self.lock:
            articles = {
                row["sku"]: {
                    "name": row["name"], "price": row["price"], "on": row["status"] == 1,
                    "salable": self.catalogue.salable(row["sku"]),
                }
                for row in self.catalogue.rows.values()
            }  # fmt: skip
            orders = {
                row["increment_id"]: {"status": row["status"], "total": row["grand_total"]}
                for row in self.orders.rows.values()
            }
            return {"articles": articles, "orders": orders, "mails": len(self.orders.mails)}

    # ------------------------------------------------------------------------------------------------ over HTTP

    actions = ("place_order", "cancel", "invoice", "refund", "change")

    def refused(self, wrong: Exception) -> Response | None:
        return answer(wrong.body, wrong.status) if isinstance(wrong, Refused) else None

    async def _snapshot(self, _request: Request) -> Response:
        return answer(self.snapshot())

    async def _mails(self, _request: Request) -> Response:
        with self.lock:
            return answer(list(self.orders.mails))
