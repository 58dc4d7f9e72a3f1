"""Fortnox as a sandbox: a ledger in memory behind the addresses of its API v3.

`FortnoxSandbox(articles=500).app` is the ASGI application (login server and API on the same address). What a person
would do in Fortnox' own pages is a method here, and POST /_sandbox/<method> with its arguments as JSON for other
processes: deliver, invoice, bookkeep, pay, cancel, stock, price, name, phone-order, account, lock, tokens, expire,
switch; GET /_sandbox/snapshot.

    fields     what may be written, types and lengths      totals   arithmetic of a document
    ledger     articles, prices, customers, vouchers       documents  orders, invoices, payments
    shapes     objects, list rows, filters                 files    inbox, files of vouchers
    oauth, web  login server, addresses, pages, rate limit
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import Acts, answer
from samklang.sandboxes.fortnox import shapes
from samklang.sandboxes.fortnox.documents import Ledger
from samklang.sandboxes.fortnox.fields import Refused
from samklang.sandboxes.fortnox.files import Files
from samklang.sandboxes.fortnox.ledger import Row, utc_now
from samklang.sandboxes.fortnox.web import Web, error
from samklang.sandboxes.oauth import Login

__all__ = ["FortnoxSandbox", "Refused"]


class FortnoxSandbox(Acts):
    """A company in Fortnox.

    `articles` and `seed` choose the Swedish articles (0 = an empty ledger); `customers` None = 25, or none in an empty
    ledger. `rate` = calls in any 5 s for one token (0 = no limit). `warehouse` switches the warehouse module on,
    `whole_kronor` the company's rounding of totals ("öresutjämning"). `now` is the clock of `lastmodified` and dates.
    """

    client_id = "sandbox"
    client_secret = "sandbox-secret"  # noqa: S105  # of a sandbox that everybody may know

    def __init__(
        self,
        articles: int = 500,
        seed: int = 1,
        *,
        customers: int | None = None,
        rate: int = 25,
        token_seconds: float = 3600,
        warehouse: bool = False,
        whole_kronor: bool = False,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.ledger = Ledger(now)
        self.files = Files(self.ledger)
        self.ledger.fill(articles, (25 if articles else 0) if customers is None else customers, seed)
        self.login = Login(self.client_id, self.client_secret, rate, token_seconds)
        self._lock = threading.RLock()
        self._people = itertools.count(1)
        self.switch(warehouse=warehouse, whole_kronor=whole_kronor)
        self.app = Starlette(
            routes=[
                Route("/oauth-v1/auth", self.login.auth, methods=["GET"]),
                Route("/oauth-v1/token", self.login.token, methods=["POST"]),
                Route("/oauth-v1/revoke", self.login.revoke, methods=["POST"]),
                Route("/_sandbox/snapshot", self._snapshot, methods=["GET"]),
                Route("/_sandbox/{action}", self.act, methods=["POST"]),
                *Web(self.ledger, self.files, self.login, self._lock).routes(),
            ]
        )

    # ------------------------------------------------------------------------------------------------ by hand

    def tokens(self) -> dict[str, object]:
        """Tokens of a finished login, as the token address would answer."""
        return self.login.issue()

    def expire(self) -> None:
        """All access tokens end; refresh tokens stay."""
        self.login.expire()

    def switch(
        self,
        *,
        warehouse: bool | None = None,
        whole_kronor: bool | None = None,
        rate: int | None = None,
        token_seconds: float | None = None,
        files: bool | None = None,
    ) -> None:
        """Change how the company or the service behaves; None leaves as it is."""
        with self._lock:
            self.ledger.warehouse = self.ledger.warehouse if warehouse is None else warehouse
            self.files.allowed = self.files.allowed if files is None else files
            self.ledger.whole_kronor = self.ledger.whole_kronor if whole_kronor is None else whole_kronor
            self.login.rate = self.login.rate if rate is None else rate
            self.login.token_seconds = self.login.token_seconds if token_seconds is None else token_seconds

    def deliver(self, order: str, quantities: Mapping[str, int | str | Decimal] | None = None) -> Row:
        """Set what is delivered, by article number (None = everything)."""
        chosen = None if quantities is None else {name: Decimal(value) for name, value in quantities.items()}
        with self._lock:
            return self.ledger.deliver(order, chosen)

    def invoice(self, order: str, *, bookkeep: bool = True) -> str:
        """Invoice the order, book the invoice unless told not to; gives the invoice number."""
        with self._lock:
            number = str(self.ledger.create_invoice(order)["DocumentNumber"])
            if bookkeep:
                self.ledger.bookkeep_invoice(number)
            return number

    def bookkeep(self, invoice: str) -> None:
        """Book the invoice."""
        with self._lock:
            self.ledger.bookkeep_invoice(invoice)

    def pay(self, invoice: str, amount: str | Decimal | None = None) -> None:
        """Book a payment of the invoice (None = what is left)."""
        with self._lock:
            left = self.ledger.invoice(invoice)["Balance"] if amount is None else Decimal(amount)
            payment = self.ledger.put_payment({"InvoiceNumber": int(invoice), "Amount": left})
            self.ledger.bookkeep_payment(payment["Number"])

    def cancel(self, order: str) -> None:
        """Cancel the order."""
        with self._lock:
            self.ledger.cancel_order(order)

    def stock(self, article: str, quantity: int | str | Decimal) -> None:
        """Count the article: so many on the shelf. Does not move the article's `lastmodified` (unconfirmed)."""
        with self._lock:
            self.ledger.article(article)["QuantityInStock"] = Decimal(quantity)

    def price(self, article: str, price: str | Decimal, price_list: str = "A", from_quantity: int = 0) -> None:
        """Set a price. Does not move the article's `lastmodified` (unconfirmed)."""
        with self._lock:
            self.ledger.article(article)
            steps = self.ledger.prices.setdefault((price_list, article), {})
            steps[Decimal(from_quantity)] = Decimal(price)

    def name(self, article: str, name: str) -> None:
        """Rename an article."""
        with self._lock:
            self.ledger.put_article({"Description": name}, article)

    def account(self, number: int, *, active: bool = True, name: str = "") -> None:
        """Create an account, or take one out of use."""
        with self._lock:
            row = self.ledger.accounts.setdefault(number, {"Number": number, "Description": name, "VATCode": ""})
            row["Active"] = active

    def lock(self, until: str) -> None:
        """Close the books up to and including a day."""
        with self._lock:
            self.ledger.locked_until = until

    def phone_order(self, rows: Mapping[str, int | str | Decimal], customer: str = "") -> str:
        """An order that somebody types into Fortnox: article number → quantity. Gives the order number."""
        with self._lock:
            if not customer:
                customer = next(iter(self.ledger.customers), "")
            if not customer:
                customer = self.ledger.put_customer({"Name": f"Telefonkund {next(self._people)}"})["CustomerNumber"]
            lines = [{"ArticleNumber": number, "OrderedQuantity": str(count)} for number, count in rows.items()]
            return str(self.ledger.put_order({"CustomerNumber": customer, "OrderRows": lines})["DocumentNumber"])

    def snapshot(self) -> dict[str, Any]:
        """What the ledger holds, for comparing: articles, prices, customers, orders, invoices, vouchers by number."""
        order = "ExternalInvoiceReference1 YourOrderNumber CustomerNumber Currency Total TotalVAT Cancelled"
        order += " InvoiceReference"
        invoice = "ExternalInvoiceReference1 YourOrderNumber CustomerNumber Currency Total TotalVAT Cancelled Booked"
        invoice += " Balance OrderReference CreditInvoiceReference"
        article = "Description EAN VAT Active QuantityInStock ReservedQuantity DisposableQuantity SalesPrice"
        person = "Name Email OrganisationNumber ExternalReference"
        ledger = self.ledger
        with self._lock:
            return {
                "articles": {
                    number: _some(ledger.shown_article(row), article) for number, row in ledger.articles.items()
                },
                "prices": {
                    f"{code}/{number}/{step}": price
                    for (code, number), steps in ledger.prices.items()
                    for step, price in steps.items()
                },
                "customers": {number: _some(row, person) for number, row in ledger.customers.items()},
                "orders": {number: _some(row, order) for number, row in ledger.orders.items()},
                "invoices": {number: _some(row, invoice) for number, row in ledger.invoices.items()},
                "vouchers": {
                    f"{series} {number}/{year}": shapes.plain(row)
                    for (series, number, year), row in ledger.vouchers.items()
                },
                "payments": {number: shapes.plain(row) for number, row in ledger.payments.items()},
                "price_lists": {code: row["Description"] for code, row in ledger.price_lists.items()},
            }

    # ------------------------------------------------------------------------------------------------ over HTTP

    actions = (
        "tokens", "expire", "switch", "deliver", "invoice", "bookkeep", "pay", "cancel", "stock", "price", "name",
        "phone_order", "account", "lock",
    )  # fmt: skip

    def refused(self, wrong: Exception) -> Response | None:
        return error(wrong) if isinstance(wrong, Refused) else None

    async def _snapshot(self, _request: Request) -> Response:
        return answer(self.snapshot())


def _some(row: Row, names: str) -> Row:
    return {name: row[name] for name in names.split() if name in row}
