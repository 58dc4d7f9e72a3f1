"""Visma eEkonomi (Spiris Bokföring & Fakturering) as a sandbox: a company's books behind the addresses of its API v2.

`VismaSandbox(articles=500).app` is the ASGI application (login server and API on the same address). What a person would
do in eEkonomi's own pages is a method here, and POST /_sandbox/<method> with its arguments as JSON for other processes.

    ledger   registers, documents, vouchers, and what the vendor checks of them      `Web` lists, filters, pages, errors
"""

from __future__ import annotations

import math
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import Acts, answer
from samklang.sandboxes.oauth import Login
from samklang.sandboxes.visma_eekonomi.ledger import Ledger, Refused, Row

__all__ = ["Refused", "VismaSandbox"]

_SCOPES = "ea:api offline_access ea:sales ea:accounting"
_MOST = 1000  # rows a page
_TERM = re.compile(r"(\w+) (eq|ge|gt|le|lt) ('(?:[^']|'')*'|\S+)")
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b, "ge": lambda a, b: a >= b, "gt": lambda a, b: a > b, "le": lambda a, b: a <= b,
    "lt": lambda a, b: a < b,
}  # fmt: skip
_decode = msgspec.json.Decoder(Row, float_hook=Decimal).decode


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class VismaSandbox(Acts):
    """A company in eEkonomi (variant Pro). `articles` 0 = an empty one. `now` is the clock of its stamps."""

    client_id = "sandbox"
    client_secret = "sandbox-secret"  # noqa: S105  # of a sandbox that everybody may know
    actions = ("tokens", "expire", "switch", "deliver", "invoice", "pay", "stock", "name", "lock")

    def __init__(
        self, articles: int = 500, seed: int = 1, *, customers: int | None = None, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.ledger = Ledger(now)
        self.ledger.fill(articles, (25 if articles else 0) if customers is None else customers, seed)
        self.auth = Login(self.client_id, self.client_secret, 0, 3600, _SCOPES)
        self.lock_ = threading.RLock()
        self.app = Starlette(
            routes=[
                Route("/connect/authorize", self.auth.auth, methods=["GET"]),
                Route("/connect/token", self.auth.token, methods=["POST"]),
                Route("/_sandbox/{action}", self.act, methods=["POST"]),
                *self._routes(),
            ]
        )

    # ------------------------------------------------------------------------------------------------ by hand

    def tokens(self) -> dict[str, object]:
        """Tokens of a finished login, as the token address would answer."""
        return self.auth.issue()

    def expire(self) -> None:
        """All access tokens end; refresh tokens stay."""
        self.auth.expire()

    def switch(
        self, *, stock_module: bool | None = None, whole_kronor: bool | None = None, net_for_persons: bool | None = None
    ) -> None:
        """Change how the company works; None leaves as it is."""
        ledger = self.ledger
        if stock_module is not None:
            ledger.stock_module = stock_module
            for row in ledger.articles.values():
                row["IsStock"] = stock_module
        if whole_kronor is not None:
            ledger.settings["DomesticCurrencyRounding"] = int(whole_kronor)
        if net_for_persons is not None:
            ledger.settings["ShowPricesExclVatPC"] = net_for_persons

    def deliver(self, order: str, quantity: int | str | Decimal | None = None) -> None:
        """Deliver so much of every row (None = all, and the order is shipped)."""
        with self.lock_:
            row = self.ledger.orders[order]
            for line in row["Rows"]:
                line["DeliveredQuantity"] = line["Quantity"] if quantity is None else Decimal(quantity)
            row |= {"Status": 3 if quantity is None else row["Status"], "ModifiedUtc": self.ledger.stamp()}

    def invoice(self, order: str) -> str:
        """Invoice the order; gives the invoice's id."""
        with self.lock_:
            return str(self.ledger.invoice_order(self.ledger.orders[order])["Id"])

    def pay(self, invoice: str, amount: str | Decimal | None = None) -> None:
        """Book a payment of the invoice (None = what is left)."""
        with self.lock_:
            row = self.ledger.invoices[invoice]
            self.ledger.pay(row, row["RemainingAmount"] if amount is None else Decimal(amount))

    def stock(self, article: str, quantity: int | str | Decimal) -> None:
        """Count the article: so many on the shelf."""
        self.ledger.articles[article]["StockBalance"] = Decimal(quantity)

    def name(self, article: str, name: str) -> None:
        """Rename an article."""
        with self.lock_:
            self.ledger.put_article({**self.ledger.articles[article], "Name": name}, article)

    def lock(self, day: str) -> None:
        """Close the books up to this day."""
        self.ledger.settings["AccountingLockedTo"] = f"{day}T00:00:00"

    # ------------------------------------------------------------------------------------------------ addresses

    def _routes(self) -> list[Route]:
        ledger = self.ledger
        every = self._list
        return [
            self._at("/companysettings", GET=lambda *_: ledger.settings),
            self._at("/articleaccountcodings", GET=every(ledger.codings.values)),
            self._at("/accounts", GET=every(lambda: ledger.accounts)),
            self._at("/units", GET=every(ledger.units.values)),
            self._at("/termsofpayments", GET=every(ledger.terms.values)),
            self._at("/salespricelists", GET=every(ledger.price_lists.values)),
            self._at("/salespricelists/prices", GET=every(lambda: ledger.price_rows)),
            *self._register("articles", ledger.articles, ledger.put_article, ledger.shown_article),
            *self._register("customers", ledger.customers, ledger.put_customer),
            *self._register("orders", ledger.orders, ledger.put_order, delete=self._delete_order, put=lambda _: {}),
            *self._register("customerinvoicedrafts", ledger.drafts, ledger.put_draft, delete=ledger.drafts.pop),
            self._at("/customerinvoicedrafts/{id}/convert", POST=self._convert),
            self._at("/customerinvoices", GET=every(ledger.invoices.values, modified="ModifiedUtc")),
            self._at("/customerinvoices/{id}", GET=lambda request, _: _one(ledger.invoices, request)),
            self._at("/orders/{id}/convert", POST=self._convert_order),
            self._at("/fiscalyears", GET=every(ledger.years.values)),
            self._at("/costcenters", GET=every(ledger.cost_centres.values)),
            self._at("/projects", GET=every(ledger.projects.values)),
            self._at("/paymentvoucher", POST=self._post_voucher),
            self._at("/vouchers", GET=every(ledger.vouchers.values), POST=self._post_voucher),
            self._at("/attachments", GET=self._attachments, POST=lambda _, data: ledger.put_attachment(data)),
            self._at("/attachments/{id}", GET=lambda request, _: _one(ledger.attachments, request)),
            self._at("/attachmentlinks", POST=lambda _, data: ledger.link(data)),
        ]

    def _register(
        self,
        name: str,
        rows: dict[str, Row],
        write: Callable[..., Row],
        show: Callable[[Row], Row] = lambda row: row,
        put: Callable[[Row], Row] | None = None,
        delete: Callable[[str], object] | None = None,
    ) -> list[Route]:
        """A list that takes new rows, and its objects: read, replaced and, with `delete`, removed."""

        def replace(request: Request, data: Row) -> Row:
            before = _one(rows, request)
            return (put or show)(write(data, before["Id"]))

        def remove(request: Request, _: Row) -> Row:
            assert delete
            delete(_one(rows, request)["Id"])
            return {}

        single: dict[str, Any] = {"GET": lambda request, _: show(_one(rows, request)), "PUT": replace}
        if delete:
            single["DELETE"] = remove
        return [
            self._at(f"/{name}", GET=self._list(rows.values, show), POST=lambda _, data: show(write(data))),
            self._at(f"/{name}/{{id}}", **single),
        ]

    def _delete_order(self, id_: str) -> None:
        if self.ledger.orders[id_]["Status"] > 2:
            raise Refused("A shipped or invoiced order can not be deleted")
        del self.ledger.orders[id_]

    def _convert(self, request: Request, data: Row) -> Row:
        return self.ledger.convert(_one(self.ledger.drafts, request), data)

    def _convert_order(self, request: Request, _: Row) -> Row:
        order = _one(self.ledger.orders, request)
        if order["Status"] == 4:
            raise Refused("The order is already invoiced")
        return self.ledger.invoice_order(order)

    def _post_voucher(self, request: Request, data: Row) -> Row:
        default = request.query_params.get("useDefaultVoucherSeries", "true") == "true"
        return self.ledger.put_voucher(data, default_series=default)

    def _attachments(self, request: Request, data: Row) -> Row:
        matched = request.query_params.get("includeMatched", "true") == "true"
        rows = [row for row in self.ledger.attachments.values() if matched or not row["DocumentId"]]
        return self._list(lambda: rows)(request, data)

    # ------------------------------------------------------------------------------------------------ over HTTP

    def _at(self, path: str, **methods: Callable[[Request, Row], Row]) -> Route:
        async def run(request: Request) -> Response:
            if not self.auth.good(request.headers.get("authorization", "")):
                return _error(Refused("Unauthorized", 4001, 401))
            raw = await request.body()
            try:
                with self.lock_:
                    shown = methods[request.method](request, _decode(raw) if raw else {})
            except Refused as refused:
                return _error(refused)
            made = request.method == "POST" and not path.startswith(("/orders/", "/attachmentlinks"))
            return answer(shown, 201 if made else 200)

        return Route(f"/v2{path}", run, methods=list(methods))

    def _list(
        self, rows: Callable[[], Iterable[Row]], show: Callable[[Row], Row] = lambda row: row, modified: str = ""
    ) -> Callable[[Request, Row], Row]:
        """A list: filter, pages from 1, how many there are in all."""

        def run(request: Request, _: Row) -> Row:
            asked = request.query_params
            found = [show(row) for row in rows()]
            terms = _TERM.findall(asked.get("$filter", ""))
            if asked.get("$filter") and " and ".join(" ".join(term) for term in terms) != asked["$filter"]:
                raise Refused("The filter is not valid")
            for name, operator, value in terms:
                text = value[1:-1].replace("''", "'") if value.startswith("'") else value
                found = [row for row in found if row.get(name) and _OPERATORS[operator](str(row[name]), text)]
            if since := asked.get("modifiedSinceUtc"):
                found = [row for row in found if row[modified] >= since]
            size, page = min(int(asked.get("$pagesize", 50)), _MOST), int(asked.get("$page", 1))
            meta = {
                "CurrentPage": page, "PageSize": size, "TotalNumberOfPages": math.ceil(len(found) / size),
                "TotalNumberOfResults": len(found), "ServerTimeUtc": self.ledger.stamp(),
            }  # fmt: skip
            return {"Meta": meta, "Data": found[(page - 1) * size : page * size]}

        return run

    def refused(self, wrong: Exception) -> Response | None:
        return answer({"error": str(wrong)}, 400) if isinstance(wrong, Refused) else None


def _one(rows: Mapping[str, Row], request: Request) -> Row:
    row = rows.get(request.path_params["id"])
    if row is None:
        raise Refused("The object does not exist", 4003, 404)
    return row


def _error(refused: Refused) -> Response:
    fields = [{"Field": refused.field, "ErrorCode": refused.code, "Message": refused.message}] if refused.field else []
    body = {"ErrorCode": refused.code, "DeveloperErrorMessage": refused.message, "ErrorId": str(uuid.uuid4())}
    body["Errors"] = fields
    return answer(body, refused.status)
