"""The HTTP face: login, envelopes, pages, refusals; every address that the flows need."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import answer, decode
from samklang.sandboxes.starweb import orders
from samklang.sandboxes.starweb.catalogue import Catalogue
from samklang.sandboxes.starweb.hooks import Hooks
from samklang.sandboxes.starweb.orders import Orders
from samklang.sandboxes.starweb.wire import Refused, Row, includes, invalid, many, missing, moment

ROOT = "/api/v2"
_PRODUCT = ("primaryVariant", "primaryVariant.prices", "languages", "categories", "vatRates", "attributes")
_ORDER = ("items", "items.bundledItems", "addresses", "externalServices", "customer", "status")

#: What an address does: with the numbers in it, the query and the body. Gives the answer's JSON, or None for 204.
Work = Callable[[list[Any], Mapping[str, str], Any], Any]


class Login:
    """Client credentials and the tokens that were given for them."""

    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id, self.secret = client_id, secret
        self.tokens: set[str] = set()
        self._count = 0

    def token(self, form: Mapping[str, str]) -> Row:
        """A new token that lasts an hour."""
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, "unsupported_grant_type", "The grant type is not supported")
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.secret):
            raise Refused(400, "invalid_client", "The client credentials are invalid")
        self._count += 1
        token = f"sandbox-token-{self._count}"
        self.tokens.add(token)
        return {"access_token": token, "expires_in": 3600, "scope": ""}


class Web:
    """Routes over one shop."""

    def __init__(
        self, catalogue: Catalogue, sold: Orders, hooks: Hooks, login: Login, shop: Row, lock: threading.RLock,
        per_page: int,
    ) -> None:  # fmt: skip
        self.catalogue, self.orders, self.hooks, self.login, self.shop = catalogue, sold, hooks, login, shop
        self.lock, self.per_page = lock, per_page

    def routes(self) -> list[Route]:
        """Every address of the API."""
        table: list[tuple[str, str, Work, int]] = [
            ("GET", "/shop", lambda _i, _q, _b: {"data": self.shop}, 200),
            *self._of_orders(), *self._of_products(), *self._of_variants(), *self._of_the_shop(),
        ]  # fmt: skip
        found = [Route(f"{ROOT}/token", self._token, methods=["POST"])]
        return found + [
            Route(ROOT + path, self._call(work, status), methods=[verb]) for verb, path, work, status in table
        ]

    # ------------------------------------------------------------------------------------------------ the door

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        try:
            return answer(self.login.token(form))
        except Refused as refused:
            return answer(refused.body, refused.status)

    def _call(self, work: Work, status: int) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                token = request.headers.get("authorization", "").removeprefix("Bearer ")
                if token not in self.login.tokens:
                    raise Refused(401, "invalid_token", "The access token is invalid or has expired")
                body = await request.body()
                try:
                    data = decode(body) if body else {}
                except msgspec.DecodeError:
                    raise invalid("The body is no JSON") from None
                with self.lock:
                    shown = work(list(request.path_params.values()), dict(request.query_params), data)
                return Response(status_code=204) if shown is None else answer(shown, status)
            except Refused as refused:
                return answer(refused.body, refused.status)

        return endpoint

    def _paged(self, rows: Iterable[Row], asked: Mapping[str, str], show: Callable[[Row], Row]) -> Row:
        """One page of a list, with how long the list is."""
        found = list(rows)
        text = asked.get("page", "1")
        if not text.isdigit() or not int(text):
            raise invalid("page has to be 1 or more")
        page, size = int(text), self.per_page
        part = found[(page - 1) * size : page * size]
        told = {
            "current_page": page, "per_page": size, "total": len(found), "count": len(part),
            "total_pages": max(1, math.ceil(len(found) / size)),
        }  # fmt: skip
        return {"data": [show(row) for row in part], "meta": {"pagination": told}}

    # ------------------------------------------------------------------------------------------------ orders

    def _of_orders(self) -> list[tuple[str, str, Work, int]]:
        held, one = self.orders, "/orders/{order:int}"

        def services(ids: list[Any]) -> dict[str, Row]:
            held.order(ids[0])
            return held.services[ids[0]]

        def service(ids: list[Any]) -> Row:
            found = services(ids).get(ids[1])
            if found is None:
                raise missing("The external service")
            return found

        def add_service(ids: list[Any], _q: Any, data: Any) -> Row:
            name = str(data.get("serviceName") or "")
            if not name or len(name) > 40 or len(str(data.get("externalIdValue") or "")) > 40:
                raise invalid("serviceName and externalIdValue have to be 1 to 40 characters")
            if name in services(ids):
                raise invalid("serviceName has to be unique for the order")
            held.services[ids[0]][name] = {
                "serviceName": name, "externalIdValue": data["externalIdValue"], "readOnly": False
            }  # fmt: skip
            held.touch(ids[0])
            return {"data": held.services[ids[0]][name]}

        def change_service(ids: list[Any], _q: Any, data: Any) -> Row:
            service(ids).update(data)
            return {"data": service(ids)}

        def item(shown: Row) -> Row:
            return {"data": held.shown_item(shown, bundled=False)}

        def customer(row: Row, asked: Mapping[str, str]) -> Row:
            return held.shown_customer(row, includes(asked, ("addresses", "tags", "externalServices")))

        return [
            ("GET", "/orders", self._list_of_orders, 200),
            ("GET", one, lambda i, q, _: {"data": held.shown(held.order(i[0]), includes(q, _ORDER))}, 200),
            ("PATCH", one, lambda i, _, b: {"data": held.shown(held.change(i[0], b), set())}, 200),
            ("GET", f"{one}/items", lambda i, _, __: many(held.items[held.order(i[0])["orderId"]].values()), 200),
            ("POST", f"{one}/items", lambda i, _, b: item(held.add_item(i[0], b)), 201),
            ("GET", f"{one}/items/{{item:int}}", lambda i, _, __: item(held.item(*i)), 200),
            ("PATCH", f"{one}/items/{{item:int}}", lambda i, _, b: item(held.change_item(i[0], i[1], b)), 200),
            ("DELETE", f"{one}/items/{{item:int}}", lambda i, _, __: held.remove_item(*i), 204),
            ("GET", f"{one}/external-services", lambda i, _, __: many(services(i).values()), 200),
            ("POST", f"{one}/external-services", add_service, 201),
            ("GET", f"{one}/external-services/{{name}}", lambda i, _, __: {"data": service(i)}, 200),
            ("PATCH", f"{one}/external-services/{{name}}", change_service, 200),
            ("GET", "/customers", self._list_of_customers, 200),
            ("POST", "/customers", lambda _, __, b: {"data": held.add_customer(b)}, 201),
            ("GET", "/customers/{id:int}", lambda i, q, _: {"data": customer(held.customer(i[0]), q)}, 200),
            ("PATCH", "/customers/{id:int}", lambda i, _, b: {"data": held.change_customer(i[0], b)}, 200),
        ]

    def _list_of_orders(self, _ids: Any, asked: Mapping[str, str], _body: Any) -> Row:
        rows = [
            r for r in self.orders.rows.values() if r["isComplete"] or asked.get("includeNonCompletePayments") == "true"
        ]
        for name, keep in (("ordersCreatedAfter", 1), ("ordersCreatedBefore", -1)):
            if name in asked:
                at = moment(asked[name], name)
                rows = [row for row in rows if (datetime.fromisoformat(row["createdAt"]) > at) == (keep > 0)]
        if "statusFilter" in asked:
            rows = [row for row in rows if str(row["statusId"]) == asked["statusFilter"]]
        key = asked.get("sortBy", "orderId")
        if key not in ("orderId", "createdAt", "modifiedAt", "totalAmount"):
            raise invalid("sortBy is not supported")
        if key in ("createdAt", "modifiedAt"):
            rows.sort(key=lambda row: (datetime.fromisoformat(row[key]), row["orderId"]))
        else:
            rows.sort(key=lambda row: row[key])
        if asked.get("sortOrder", "DESC") == "DESC":
            rows.reverse()
        embedded = includes(asked, _ORDER)
        return self._paged(rows, asked, lambda row: self.orders.shown(row, embedded))

    def _list_of_customers(self, _ids: Any, asked: Mapping[str, str], _body: Any) -> Row:
        rows = _since(list(self.orders.customers.values()), asked)
        if asked.get("sortOrder", "DESC") == "DESC":
            rows.reverse()
        embedded = includes(asked, ("addresses",))
        return self._paged(rows, asked, lambda row: self.orders.shown_customer(row, embedded))

    # ------------------------------------------------------------------------------------------------ products

    def _of_products(self) -> list[tuple[str, str, Work, int]]:
        shelf, one = self.catalogue, "/products/{product:int}"

        def listed(_ids: Any, asked: Mapping[str, str], _body: Any) -> Row:
            rows = _since(list(shelf.products.values()), asked)
            if "filterSku" in asked:
                product, _ = shelf.by_sku.get(asked["filterSku"].lower(), (0, 0))
                rows = [row for row in rows if row["productId"] == product]
            if asked.get("sortOrder", "ASC") == "DESC":
                rows.reverse()
            embedded = includes(asked, _PRODUCT)
            return self._paged(rows, asked, lambda row: shelf.shown(row, embedded))

        def whole(row: Row, asked: Mapping[str, str]) -> Row:
            return {"data": shelf.shown(row, includes(asked, _PRODUCT))}

        return [
            ("GET", "/products", listed, 200),
            ("POST", "/products", lambda _, q, b: whole(shelf.create(b), q), 201),
            ("GET", one, lambda i, q, _: whole(shelf.product(i[0]), q), 200),
            ("PATCH", one, lambda i, q, b: whole(shelf.change(i[0], b), q), 200),
        ]

    def _of_variants(self) -> list[tuple[str, str, Work, int]]:
        shelf = self.catalogue
        all_, one = "/products/{product:int}/variants", "/products/{product:int}/variants/{variant:int}"

        def listed(ids: list[Any], asked: Mapping[str, str], _body: Any) -> Row:
            shelf.product(ids[0])
            prices = "prices" in includes(asked, ("prices",))
            page, size = int(asked.get("page", "1")), self.per_page
            rows = list(shelf.variants[ids[0]].values())[(page - 1) * size : page * size]
            return many([shelf.shown_variant(row, prices=prices) for row in rows])

        def variant(row: Row, prices: bool = False) -> Row:
            return {"data": shelf.shown_variant(row, prices=prices)}

        def price(ids: list[Any], data: Any, *, new: bool) -> Row:
            shelf.variant(*ids[:2])
            list_ = data.get("pricelistId") if new else ids[2]
            if not new and (ids[1], list_) not in shelf.prices:
                raise missing("The price")
            if new and (ids[1], list_) in shelf.prices:
                raise invalid("there is a price in this pricelist")
            shelf.put_price(ids[1], list_, data)
            return {"data": shelf.shown_price(ids[1], list_)}

        def volume(ids: list[Any], data: Any, *, new: bool) -> Row:
            shelf.variant(*ids[:2])
            steps = shelf.volumes.setdefault((ids[1], ids[2]), {})
            step = int(data.get("quantity", 0)) if new else ids[3]
            if step < 2 or (new and step in steps):
                raise invalid("quantity has to be 2 or more, and new")
            if not new and step not in steps:
                raise missing("The volume price")
            steps[step] = {"pricelistId": ids[2], "quantity": step, "priceExVat": data["priceExVat"]}
            return {"data": steps[step]}

        def stock(ids: list[Any], data: Any, *, new: bool) -> Row:
            shelf.variant(*ids[:2])
            if not new and (ids[1], ids[2]) not in shelf.stocks:
                raise missing("The stock")
            if new and not {"stockStatusId", "stockQuantity"} <= set(data):
                raise invalid("stockStatusId and stockQuantity are required")
            return {"data": {"stockLocationId": ids[2], **shelf.put_stock(ids[1], ids[2], data)}}

        def stocks(ids: list[Any], _q: Any, _b: Any) -> Row:
            shelf.variant(*ids)
            return many([{"stockLocationId": at, **row} for (own, at), row in shelf.stocks.items() if own == ids[1]])

        in_list = f"{one}/prices/{{list:int}}"
        return [
            ("GET", all_, listed, 200),
            ("POST", all_, lambda i, _, b: variant(shelf.add_variant(i[0], b)), 201),
            ("GET", one, lambda i, q, _: variant(shelf.variant(*i), "prices" in includes(q, ("prices",))), 200),
            ("PATCH", one, lambda i, _, b: variant(shelf.change_variant(i[0], i[1], b)), 200),
            ("GET", f"{one}/prices", lambda i, _, __: many(shelf.shown_prices(shelf.variant(*i)["variantId"])), 200),
            ("POST", f"{one}/prices", lambda i, _, b: price(i, b, new=True), 201),
            ("PUT", in_list, lambda i, _, b: price(i, b, new=False), 200),
            ("POST", f"{in_list}/volume", lambda i, _, b: volume(i, b, new=True), 201),
            ("PUT", f"{in_list}/volume/{{step:int}}", lambda i, _, b: volume(i, b, new=False), 200),
            ("GET", f"{one}/stocks", stocks, 200),
            ("PUT", f"{one}/stocks/{{at:int}}", lambda i, _, b: stock(i, b, new=True), 200),
            ("PATCH", f"{one}/stocks/{{at:int}}", lambda i, _, b: stock(i, b, new=False), 200),
        ]

    # ------------------------------------------------------------------------------------------------ the shop's own

    def _of_the_shop(self) -> list[tuple[str, str, Work, int]]:
        shelf, held = self.catalogue, self.orders

        def listed(rows: Callable[[], Iterable[Row]]) -> Work:
            return lambda _i, _q, _b: many(list(rows()))

        def values(ids: list[Any]) -> dict[int, Row]:
            if ids[0] not in shelf.attributes:
                raise missing("The attribute")
            return shelf.values.setdefault(ids[0], {})

        def categories(_ids: Any, asked: Mapping[str, str], _b: Any) -> Row:
            embedded = includes(asked, ("languages",))
            hidden = () if embedded else ("languages",)
            rows = ({n: v for n, v in row.items() if n not in hidden} for row in shelf.categories.values())
            return self._paged(rows, asked, lambda row: row)

        def add_list(_ids: Any, _q: Any, data: Any) -> Row:
            if any(row["name"] == data.get("name") for row in shelf.pricelists.values()):
                raise invalid("name has to be unique")
            parent = data.get("parentPricelistId")
            if parent not in shelf.pricelists:
                raise invalid("parentPricelistId does not exist")
            id_ = max(shelf.pricelists) + 1
            shelf.pricelists[id_] = {
                **shelf.pricelists[parent], **data, "pricelistId": id_, "isMaster": False, "isCountryPricelist": False,
                "isCustomerPricelist": True,
            }  # fmt: skip
            return {"data": shelf.pricelists[id_]}

        def add_attribute(_ids: Any, _q: Any, data: Any) -> Row:
            return {"data": shelf.add(shelf.attributes, "attributeId", data)}

        fixed = {"parentId": None, "sortIndex": 0, "openPage": True, "imageFileId": None, "hasChildren": False}
        trackers = [{"type": id_, "name": name} for id_, name in orders.TRACKERS.items()]
        hooks = "/web-hooks/{id:int}"
        return [
            ("GET", "/order-statuses", listed(held.statuses.values), 200),
            ("GET", "/payment-methods", listed(held.payment_methods.values), 200),
            ("GET", "/shipping-methods", listed(held.shipping_methods.values), 200),
            ("GET", "/shipping-tracking-types", listed(lambda: trackers), 200),
            ("GET", "/pricelists", listed(shelf.pricelists.values), 200),
            ("POST", "/pricelists", add_list, 201),
            ("GET", "/product-stock-statuses", listed(shelf.stock_statuses.values), 200),
            ("GET", "/stock-locations", listed(shelf.locations.values), 200),
            ("GET", "/product-attributes", listed(shelf.attributes.values), 200),
            ("POST", "/product-attributes", add_attribute, 201),
            ("GET", "/product-attributes/{id:int}/values", lambda i, _, __: many(values(i).values()), 200),
            (
                "POST", "/product-attributes/{id:int}/values",
                lambda i, _, b: {"data": shelf.add(values(i), "attributeValueId", b, skuSuffix="", sortIndex=0)}, 201,
            ),
            ("GET", "/product-manufacturers", listed(shelf.manufacturers.values), 200),
            (
                "POST", "/product-manufacturers",
                lambda _, __, b: {"data": shelf.add(shelf.manufacturers, "manufacturerId", b, url=None)}, 201,
            ),
            ("GET", "/product-categories", categories, 200),
            (
                "POST", "/product-categories",
                lambda _, __, b: {"data": shelf.add(shelf.categories, "categoryId", b, **fixed)}, 201,
            ),
            ("GET", "/web-hooks", listed(self.hooks.rows.values), 200),
            ("POST", "/web-hooks", lambda _, __, b: {"data": self.hooks.add(b)}, 201),
            ("PATCH", hooks, lambda i, _, b: {"data": self.hooks.change(i[0], b)}, 200),
            ("DELETE", hooks, lambda i, _, __: self.hooks.remove(i[0]), 204),
        ]  # fmt: skip


def _since(rows: list[Row], asked: Mapping[str, str]) -> list[Row]:
    for name, field in (("createdSince", "createdAt"), ("updatedSince", "modifiedAt")):
        if name in asked:
            at = moment(asked[name], name)
            rows = [row for row in rows if datetime.fromisoformat(row[field]) >= at]
    return rows
