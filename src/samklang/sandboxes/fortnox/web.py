"""The HTTP face: addresses, envelopes, pages, the sliding rate limit, errors in Fortnox' shapes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import answer, decode
from samklang.sandboxes.fortnox import shapes
from samklang.sandboxes.fortnox.documents import Ledger
from samklang.sandboxes.fortnox.fields import UNIT, Refused, checked
from samklang.sandboxes.fortnox.files import Files
from samklang.sandboxes.fortnox.ledger import Row, quantity
from samklang.sandboxes.oauth import Login

Work = Callable[[dict[str, str], Any], Row | None]

_PAGING = {"page", "limit", "offset", "sortby", "sortorder"}


def error(refused: Refused) -> Response:
    """ErrorInformation. Login errors come with lower-case keys, as the live service is said to do (unconfirmed)."""
    if refused.status == 401:
        return answer({"ErrorInformation": {"error": 1, "message": refused.message, "code": refused.code}}, 401)
    body = {"ErrorInformation": {"Error": 1, "Message": refused.message, "Code": refused.code}}
    return answer(body, refused.status)


class Web:
    """Routes below /3 and /api/warehouse over one ledger."""

    def __init__(self, ledger: Ledger, files: Files, login: Login, lock: threading.RLock) -> None:
        self.ledger = ledger
        self.files = files
        self.login = login
        self.lock = lock
        self._sorted: tuple[int, list[Row]] = (-1, [])

    # ------------------------------------------------------------------------------------------------ the door

    def _guard(self, request: Request) -> None:
        header = request.headers.get("authorization", "")
        if not self.login.good(header):
            raise Refused("Kan inte logga in, access-token eller client-secret saknas(2).", 2000311, 401)
        if self.login.too_fast(header):
            raise Refused("Too many requests", 0, 429)
        if not any(word in request.headers.get("accept", "*/*") for word in ("json", "*/*")):
            raise Refused("Invalid response type", 1000030)

    def _call(self, work: Callable[[Request, Any], tuple[object, int]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self._guard(request)
                body = await request.body()
                data: Any = None
                if body:
                    if "json" not in request.headers.get("content-type", ""):
                        raise Refused("Invalid content type", 1000031)
                    try:
                        data = decode(body)
                    except msgspec.DecodeError:
                        raise Refused("Error deserializing JSON: JSON_ERROR_SYNTAX", 2002115) from None
                with self.lock:
                    shown, status = work(request, data)
                    return Response(status_code=204) if status == 204 else answer(shown, status)
            except Refused as refused:
                return error(refused)

        return endpoint

    def one(self, name: str, work: Work, *, status: int = 200, body: bool = False) -> Callable[[Request], Any]:
        """An address that gives one thing in its envelope; with `body` it takes one in the same envelope."""

        def run(request: Request, data: Any) -> tuple[object, int]:
            if body:
                if not isinstance(data, dict) or not isinstance(data.get(name), dict):
                    raise Refused("Ingen eller felaktig typ av data.", 2001392)
                data = data[name]
            return {name: work(dict(request.path_params), data)}, status

        return self._call(run)

    def many(
        self,
        name: str,
        rows: Callable[[], Iterable[Row]],
        show: Callable[[Ledger, Row], Row],
        filters: dict[str, shapes.Keep] | None = None,
    ) -> Callable[[Request], Any]:
        """A list address: filters, then `page` of `limit` rows (default 100, at most 500), with MetaInformation."""
        keeps = filters or {}

        def run(request: Request, _data: Any) -> tuple[object, int]:
            asked = dict(request.query_params)
            wrong = set(asked) - set(keeps) - _PAGING
            if wrong:
                raise Refused("Ogiltig parameter i anropet.", 2000588)
            found = list(rows())
            for field, value in asked.items():
                if field in keeps:
                    found = [row for row in found if keeps[field](row, value)]
            limit, page = _whole(asked.get("limit", "100"), 500), _whole(asked.get("page", "1"), 10**9)
            pages = max(1, math.ceil(len(found) / limit))
            meta = {"@TotalResources": len(found), "@TotalPages": pages, "@CurrentPage": page}
            part = found[(page - 1) * limit : page * limit]
            return {"MetaInformation": meta, name: [show(self.ledger, row) for row in part]}, 200

        return self._call(run)

    def gone(self, work: Callable[[dict[str, str]], None]) -> Callable[[Request], Any]:
        """A DELETE: 204 without a body."""

        def run(request: Request, _data: Any) -> tuple[object, int]:
            work(dict(request.path_params))
            return None, 204

        return self._call(run)

    # ------------------------------------------------------------------------------------------------ addresses

    def articles(self) -> list[Row]:
        """All articles by number; sorted once per number of articles."""
        count = len(self.ledger.articles)
        if self._sorted[0] != count:
            self._sorted = (count, sorted(self.ledger.articles.values(), key=lambda row: str(row["ArticleNumber"])))
        return self._sorted[1]

    def routes(self) -> list[Route]:
        """Every address of the API."""
        ledger, one, many = self.ledger, self.one, self.many

        def route(method: str, path: str, endpoint: Callable[[Request], Any]) -> Route:
            return Route(path, endpoint, methods=[method])

        def new(name: str, work: Callable[[Any], Row]) -> Callable[[Request], Any]:
            return one(name, lambda _path, data: work(data), status=201, body=True)

        def thing(
            path: str, name: str, find: Callable[[str], Row], save: Callable[..., Row], show: Callable[[Row], Row]
        ) -> list[Route]:
            """POST to create, GET and PUT of a single one."""
            single = f"/3/{path}/{{number:path}}" if path == "articles" else f"/3/{path}/{{number}}"
            return [
                route("POST", f"/3/{path}", new(name, lambda data: show(save(data)))),
                route("GET", single, one(name, lambda p, _: show(find(p["number"])))),
                route("PUT", single, one(name, lambda p, data: show(save(data, p["number"])), body=True)),
            ]

        def action(path: str, verb: str, name: str, work: Callable[[str], Row]) -> Route:
            return route("PUT", f"/3/{path}/{{number}}/{verb}", one(name, lambda p, _: work(p["number"])))

        def price(p: dict[str, str], data: Any) -> Row:
            return ledger.put_price(data, path=(p["list"], p["article"], p.get("quantity", "0")))

        def priced(p: dict[str, str], _data: Any) -> Row:
            return ledger.shown_price(p["list"], p["article"], quantity(p.get("quantity", "0")))

        def price_list(code: str) -> Row:
            return _known(ledger.price_lists, code)

        def drop(p: dict[str, str]) -> None:
            priced(p, None)
            del ledger.prices[p["list"], p["article"]][quantity(p["quantity"])]

        steps = "/3/prices/{list}/{article}/{quantity}"
        return [
            route("GET", "/3/articles", many("Articles", self.articles, shapes.article_row, shapes.ARTICLES)),
            *thing("articles", "Article", ledger.article, ledger.put_article, ledger.shown_article),
            route("DELETE", "/3/articles/{number:path}", self.gone(lambda p: ledger.delete_article(p["number"]))),
            route(
                "GET",
                "/3/customers",
                many("Customers", ledger.customers.values, shapes.customer_row, shapes.CUSTOMERS),
            ),
            *thing("customers", "Customer", ledger.customer, ledger.put_customer, shapes.customer),
            route("GET", "/3/orders", many("Orders", ledger.orders.values, shapes.order_row, shapes.ORDERS)),
            *thing("orders", "Order", ledger.order, ledger.put_order, shapes.order),
            action("orders", "cancel", "Order", lambda number: shapes.order(ledger.cancel_order(number))),
            action("orders", "createinvoice", "Invoice", lambda number: shapes.invoice(ledger.create_invoice(number))),
            route("GET", "/3/invoices", many("Invoices", ledger.invoices.values, shapes.invoice_row, shapes.INVOICES)),
            *thing("invoices", "Invoice", ledger.invoice, ledger.put_invoice, shapes.invoice),
            action("invoices", "bookkeep", "Invoice", lambda number: shapes.invoice(ledger.bookkeep_invoice(number))),
            action("invoices", "cancel", "Invoice", lambda number: shapes.invoice(ledger.cancel_invoice(number))),
            action("invoices", "credit", "Invoice", lambda number: shapes.invoice(ledger.credit_invoice(number))),
            route(
                "GET",
                "/3/invoicepayments",
                many("InvoicePayments", ledger.payments.values, shapes.payment_row, shapes.PAYMENTS),
            ),
            *thing("invoicepayments", "InvoicePayment", ledger.payment, ledger.put_payment, shapes.plain),
            action("invoicepayments", "bookkeep", "InvoicePayment", lambda n: shapes.plain(ledger.bookkeep_payment(n))),
            route("GET", "/3/pricelists", many("PriceLists", ledger.price_lists.values, shapes.itself)),
            *thing(
                "pricelists", "PriceList", lambda n: _known(ledger.price_lists, n), ledger.put_price_list, shapes.plain
            ),
            route("POST", "/3/prices", new("Price", ledger.put_price)),
            route("GET", "/3/prices/sublist/{list}/{article}", self._sublist),
            route("GET", "/3/prices/{list}/{article}", one("Price", priced)),
            route("PUT", "/3/prices/{list}/{article}", one("Price", price, body=True)),
            route("GET", steps, one("Price", priced)),
            route("PUT", steps, one("Price", price, body=True)),
            route("DELETE", steps, self.gone(drop)),
            route("GET", "/3/wayofdeliveries", many("WayOfDeliveries", ledger.ways.values, shapes.itself)),
            route("GET", "/3/termsofpayments", many("TermsOfPayments", ledger.terms.values, shapes.itself)),
            route("GET", "/3/units", many("Units", ledger.units.values, shapes.itself)),
            route("POST", "/3/units", new("Unit", self._new_unit)),
            route("GET", "/3/units/{code}", one("Unit", lambda p, _: _known(ledger.units, p["code"]))),
            route("GET", "/3/companyinformation", one("CompanyInformation", lambda _path, _data: dict(_COMPANY))),
            route(
                "GET",
                "/3/financialyears",
                many("FinancialYears", ledger.years, shapes.itself, {"Date": _in_year}),
            ),
            route(
                "GET",
                "/3/vouchers",
                many("Vouchers", ledger.vouchers.values, _voucher_row, {"financialyear": _year}),
            ),
            route(
                "GET",
                "/3/vouchers/sublist/{series}",
                self._series,
            ),
            route("POST", "/3/vouchers", self._new_voucher()),
            route("GET", "/3/vouchers/{series}/{number:int}", self._voucher()),
            route("GET", "/3/voucherseries", many("VoucherSeriesCollection", self._all_series, shapes.itself)),
            route("GET", "/3/accounts", many("Accounts", self._accounts, shapes.itself)),
            route("GET", "/3/settings/lockedperiod", one("LockedPeriod", lambda *_: {"EndDate": ledger.locked_until})),
            route("GET", "/3/inbox", one("Folder", lambda *_: self.files.folder())),
            route("POST", "/3/inbox", self._upload),
            route("POST", "/3/voucherfileconnections", self._hang()),
            route(
                "GET",
                "/3/voucherfileconnections/{file}",
                one("VoucherFileConnection", lambda p, _: self.files.on(p["file"])),
            ),
            route("GET", "/api/warehouse/tenants-v4", self._call(self._tenant)),
            route("GET", "/api/warehouse/status-v1/stockbalance", self._call(self._balance)),
        ]

    def _new_unit(self, data: Any) -> Row:
        unit = checked(data, UNIT)
        if unit["Code"] in self.ledger.units:
            raise Refused(f"Enheten {unit['Code']} finns redan", 0)
        self.ledger.units[unit["Code"]] = unit
        return unit

    async def _sublist(self, request: Request) -> Response:
        code, number = request.path_params["list"], request.path_params["article"]

        def rows() -> list[Row]:
            self.ledger.article(number)
            steps = self.ledger.prices.get((code, number), {})
            return [self.ledger.shown_price(code, number, step) for step in sorted(steps)]

        response: Response = await self.many("Prices", rows, shapes.itself)(request)
        return response

    async def _series(self, request: Request) -> Response:
        series = request.path_params["series"]
        _known({code: {} for code in self.ledger.series}, series)

        def rows() -> list[Row]:
            return [row for key, row in self.ledger.vouchers.items() if key[0] == series]

        response: Response = await self.many("Vouchers", rows, _voucher_row, {"financialyear": _year})(request)
        return response

    def _new_voucher(self) -> Callable[[Request], Any]:
        def run(request: Request, data: Any) -> tuple[object, int]:
            if not isinstance(data, dict) or not isinstance(data.get("Voucher"), dict):
                raise Refused("Ingen eller felaktig typ av data.", 2001392)
            made = self.ledger.put_voucher(data["Voucher"], request.query_params.get("financialyear", ""))
            return {"Voucher": shapes.plain(made)}, 201

        return self._call(run)

    def _voucher(self) -> Callable[[Request], Any]:
        def run(request: Request, _data: Any) -> tuple[object, int]:
            path, year = request.path_params, request.query_params.get("financialyear")
            key = (path["series"], path["number"], int(year) if year else self.ledger.year()["Id"])
            return {"Voucher": _known(self.ledger.vouchers, key)}, 200

        return self._call(run)

    async def _upload(self, request: Request) -> Response:
        try:
            self._guard(request)
            body = await request.body()
            with self.lock:
                return answer({"File": self.files.upload(request.headers.get("content-type", ""), body)}, 201)
        except Refused as refused:
            return error(refused)

    def _hang(self) -> Callable[[Request], Any]:
        def run(request: Request, data: Any) -> tuple[object, int]:
            if not isinstance(data, dict) or not isinstance(data.get("VoucherFileConnection"), dict):
                raise Refused("Ingen eller felaktig typ av data.", 2001392)
            made = self.files.hang(data["VoucherFileConnection"], request.query_params.get("financialyear", ""))
            return {"VoucherFileConnection": made}, 201

        return self._call(run)

    def _accounts(self) -> list[Row]:
        year = self.ledger.year()["Id"]
        return [{**row, "Year": year} for _, row in sorted(self.ledger.accounts.items())]

    def _all_series(self) -> list[Row]:
        return [{"Code": code, "Description": name} for code, name in sorted(self.ledger.series.items())]

    def _tenant(self, _request: Request, _data: Any) -> tuple[object, int]:
        return {"activated": self.ledger.warehouse, "tenantId": _COMPANY["DatabaseNumber"]}, 200

    def _balance(self, request: Request, _data: Any) -> tuple[object, int]:
        """A list, although the vendor's document types it as one object."""
        if not self.ledger.warehouse:
            return {"id": "403", "error": "forbidden", "message": "Warehouse module is not activated"}, 403
        wanted = [item for item in request.query_params.get("itemIds", "").split(",") if item]
        found = [self.ledger.articles[item] for item in wanted or self.ledger.articles if item in self.ledger.articles]
        rows = []
        for article in found:
            number, count = article["ArticleNumber"], article["QuantityInStock"]
            free = count - self.ledger.reserved.get(number, Decimal(0))
            rows.append({"itemId": number, "stockPointCode": "LAGER", "availableStock": free, "inStock": count})
        return rows, 200


_COMPANY: Row = {
    "CompanyName": "Norrskens Handel AB",
    "OrganizationNumber": "559900-9998",
    "Address": "Storgatan 1",
    "ZipCode": "41101",
    "City": "Göteborg",
    "CountryCode": "SE",
    "DatabaseNumber": 4711,
}


def _whole(text: str, most: int) -> int:
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise Refused("Ogiltig parameter i anropet.", 2000588)
    return int(text)


def _known(register: Any, key: Any) -> Row:
    if key not in register:
        raise Refused("Kan inte hitta posten", 0, 404)
    return shapes.plain(register[key])


def _voucher_row(_ledger: Ledger, row: Row) -> Row:
    names = ("Description", "TransactionDate", "VoucherSeries", "VoucherNumber", "Year", "Comments")
    return {name: row[name] for name in names if name in row}


def _in_year(row: Row, value: str) -> bool:
    return bool(row["FromDate"] <= value <= row["ToDate"])


def _year(row: Row, value: str) -> bool:
    return str(row["Year"]) == value
