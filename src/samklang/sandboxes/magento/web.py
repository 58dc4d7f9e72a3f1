"""The HTTP face: the door, searches, and every address that the flows need."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.sandboxes.acts import answer, decode
from samklang.sandboxes.magento.catalogue import CLASSES, Catalogue
from samklang.sandboxes.magento.orders import Orders
from samklang.sandboxes.magento.wire import Login, Refused, Row, search, trimmed

_MODULES = ["Magento_Store", "Magento_Catalog", "Magento_InventoryApi", "Magento_Sales"]
#: What an address does: with the numbers in it, the query and the body.
Work = Callable[[list[Any], str, Any], Any]


class Web:
    """Routes over one shop."""

    def __init__(self, catalogue: Catalogue, sold: Orders, login: Login, lock: threading.RLock, *, queue: bool) -> None:
        self.catalogue, self.orders, self.login, self.lock, self.queue = catalogue, sold, login, lock, queue
        self._bulks: dict[str, list[Row]] = {}
        self._count = itertools.count(1)

    def routes(self) -> list[Route]:
        """Every address, in the scope `all` and the asynchronous one."""
        table = [*self._of_products(), *self._of_prices(), *self._of_orders(), *self._of_the_shop()]
        found = [Route(f"/rest/all/V1{path}", self._call(work), methods=[verb]) for verb, path, work in table]
        return [*found, Route("/rest/all/async/bulk/V1/products", self._call(self._enqueue, 202), methods=["POST"])]

    def _call(self, work: Work, status: int = 200) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                self.login.check(request.method, str(request.url), request.headers.get("authorization", ""))
                body = await request.body()
                try:
                    data = decode(body) if body else {}
                except msgspec.DecodeError:
                    raise Refused(400, "Decoding error: %1", error="Syntax error") from None
                with self.lock:
                    shown = work(list(request.path_params.values()), request.url.query, data)
                return answer(trimmed(shown, request.query_params.get("fields", "")), status)
            except Refused as refused:
                return answer(refused.body, refused.status)

        return endpoint

    # ------------------------------------------------------------------------------------------------ articles

    def _of_products(self) -> list[tuple[str, str, Work]]:
        shelf = self.catalogue

        def option(ids: list[Any], _q: str, data: Any) -> str:
            return shelf.option(ids[0], data["option"]["label"])

        def stock(_ids: Any, _q: str, data: Any) -> list[Any]:
            for item in data["sourceItems"]:
                shelf.put_stock(item)
            return []

        group = {"attribute_group_id": "7", "attribute_group_name": "Product Details", "attribute_set_id": 4}
        return [
            ("GET", "/products", lambda _, q, __: search(shelf.rows.values(), q)),
            ("POST", "/products", lambda _, __, b: shelf.save(b["product"])),
            ("GET", "/products/attributes", lambda _, q, __: search(shelf.attributes.values(), q)),
            ("POST", "/products/attributes", lambda _, __, b: shelf.add_attribute(b["attribute"])),
            ("POST", "/products/attributes/{code}/options", option),
            ("GET", "/products/attribute-sets/groups/list", lambda _, q, __: search([group], q)),
            ("POST", "/products/attribute-sets/attributes", lambda _, __, ___: 1),
            ("GET", "/categories/list", lambda _, q, __: search(shelf.categories.values(), q)),
            ("POST", "/categories", lambda _, __, b: shelf.add_category(b["category"])),
            ("GET", "/inventory/source-items", lambda _, q, __: search(shelf.stock.values(), q)),
            ("POST", "/inventory/source-items", stock),
            ("GET", "/inventory/sources", lambda _, q, __: search(self._sources(), q)),
        ]

    def _sources(self) -> list[Row]:
        return [{"source_code": code, "name": name, "enabled": True} for code, name in self.catalogue.sources.items()]

    def _of_prices(self) -> list[tuple[str, str, Work]]:
        shelf = self.catalogue
        return [
            ("POST", "/products/base-prices", lambda _, __, b: shelf.put_prices("base", b["prices"])),
            ("POST", "/products/special-price", lambda _, __, b: shelf.put_prices("special", b["prices"])),
            ("POST", "/products/tier-prices", lambda _, __, b: shelf.put_prices("tier", b["prices"])),
            ("POST", "/products/special-price-information", lambda _, __, b: shelf.specials(b["skus"])),
            ("POST", "/products/special-price-delete", lambda _, __, b: shelf.end_specials(b["prices"])),
        ]

    def _enqueue(self, _ids: Any, _q: str, data: Any) -> Row:
        """A bulk: accepted at once, carried out when its state is asked for the second time."""
        uuid = f"00000000-0000-4000-8000-{next(self._count):012d}"
        self._bulks[uuid] = [{"id": n, "status": 4, "body": one["product"]} for n, one in enumerate(data)]
        items = [{"id": n, "data_hash": "", "status": "accepted"} for n, _ in enumerate(data)]
        return {"bulk_uuid": uuid, "request_items": items, "errors": False}

    def _bulk(self, ids: list[Any], _q: str, _b: Any) -> Row:
        operations = self._bulks[ids[0]]
        nothing = dict.fromkeys(("serialized_data", "result_serialized_data"), "")
        of = {"bulk_uuid": ids[0], "topic_name": "async.operations.all", "error_code": 0, **nothing}
        shown = [
            {**of, "id": one["id"], "status": one["status"], "result_message": one.get("said", "")}
            for one in operations
        ]
        for one in operations if self.queue else ():
            if one["status"] == 4:
                try:
                    self.catalogue.save(one["body"])
                    one["status"] = 1
                except Refused as refused:
                    one |= {"status": 3, "said": str(refused)}
        return {
            "operations_list": shown, "user_type": 1, "bulk_id": ids[0], "description": "products", "user_id": 1,
            "start_time": "2026-01-01 00:00:00", "operation_count": len(shown),
        }  # fmt: skip

    # ------------------------------------------------------------------------------------------------ orders

    def _of_orders(self) -> list[tuple[str, str, Work]]:
        held = self.orders
        return [
            ("GET", "/orders", lambda _, q, __: search(held.rows.values(), q)),
            ("GET", "/orders/{id:int}", lambda i, _, __: held.order(i[0])),
            ("POST", "/orders/{id:int}/comments", lambda i, _, b: held.comment(i[0], b["statusHistory"])),
            ("POST", "/orders/{id:int}/cancel", lambda i, _, __: held.cancel(i[0])),
            ("POST", "/order/{id:int}/ship", lambda i, _, b: held.ship(i[0], b)),
            ("GET", "/shipments", lambda _, q, __: search(held.shipments.values(), q)),
            ("GET", "/creditmemos", lambda _, q, __: search(held.memos.values(), q)),
            ("GET", "/customers/search", lambda _, q, __: search(held.customers.values(), q)),
            ("POST", "/customers", lambda _, __, b: held.save_customer(b["customer"])),
            ("GET", "/customers/{id:int}", lambda i, _, __: self._customer(i[0])),
            ("PUT", "/customers/{id:int}", lambda i, _, b: held.save_customer(b["customer"], i[0])),
        ]

    def _customer(self, id_: int) -> Row:
        if id_ not in self.orders.customers:
            raise Refused(404, "No such entity with %fieldName = %fieldValue", fieldName="customerId", fieldValue=id_)
        return self.orders.customers[id_]

    # ------------------------------------------------------------------------------------------------ the shop's own

    def _of_the_shop(self) -> list[tuple[str, str, Work]]:
        shelf = self.catalogue
        address = "https://shop.example/"
        config = {
            "id": 1, "code": "default", "website_id": 1, "locale": "sv_SE", "base_currency_code": "SEK",
            "default_display_currency_code": "SEK", "timezone": "Europe/Stockholm", "weight_unit": "kgs",
        }  # fmt: skip
        for what in ("", "link_", "static_", "media_"):
            config |= {f"base_{what}url": address, f"secure_base_{what}url": address}
        rates = [
            {"id": n, "tax_country_id": "SE", "rate": percent, "code": f"SE-{percent}"}
            for n, percent in enumerate(CLASSES.values(), 1)
        ]
        rules = [
            {
                "id": n, "code": f"SE {percent} %", "priority": 0, "position": 0, "customer_tax_class_ids": [3],
                "product_tax_class_ids": [class_], "tax_rate_ids": [n],
            }
            for n, (class_, percent) in enumerate(CLASSES.items(), 1)
        ]  # fmt: skip
        classes = [{"class_id": id_, "class_name": f"{p} %", "class_type": "PRODUCT"} for id_, p in CLASSES.items()]
        classes.append({"class_id": 3, "class_name": "Retail Customer", "class_type": "CUSTOMER"})

        def groups() -> list[Row]:
            return [{"id": id_, "code": code, "tax_class_id": 3} for id_, code in shelf.groups.items()]

        def add_group(_ids: Any, _q: str, data: Any) -> Row:
            code = data["group"]["code"]
            if code in shelf.groups.values():
                raise Refused(400, "Customer Group already exists.")
            id_ = max(shelf.groups) + 1
            shelf.groups[id_] = code
            return {"id": id_, "code": code, "tax_class_id": 3}

        return [
            ("GET", "/store/storeConfigs", lambda _, __, ___: [config]),
            ("GET", "/modules", lambda _, __, ___: _MODULES),
            ("GET", "/taxRates/search", lambda _, q, __: search(rates, q)),
            ("GET", "/taxRules/search", lambda _, q, __: search(rules, q)),
            ("GET", "/taxClasses/search", lambda _, q, __: search(classes, q)),
            ("GET", "/customerGroups/search", lambda _, q, __: search(groups(), q)),
            ("POST", "/customerGroups", add_group),
            ("GET", "/bulk/{uuid}/detailed-status", self._bulk),
        ]
