"""Batches of wanted records into the shop. Each record has its own result; a batch never fails as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Any

import msgspec

from samklang.connectors.contract import Done, Match, Result, Want, status_word
from samklang.connectors.errors import BadAnswer, Rejected, SamklangError, Unsupported, Wait, bad_data
from samklang.connectors.woocommerce.client import Shop, refusal
from samklang.connectors.woocommerce.map import Mapper, parts
from samklang.connectors.woocommerce.read import PRODUCTS, Reader
from samklang.connectors.woocommerce.rows import OrderRow, ProductRow
from samklang.records import InvalidRecord, OrderStatus, Price, Product, Shipment, StockLevel, Variant
from samklang.records.ids import sku_key
from samklang.records.money import rounded

_STATUS = {"active": "publish", "archived": "private", "draft": "draft"}
_BACKORDERS = {"deny": "no", "allow": "yes", "preorder": "notify"}
_RANK = ("pending", "failed", "on-hold", "processing", "completed")
_INVOICE = "invoice_number"  # meta key of the ERP's invoice number

Body = dict[str, Any]


class Writer:
    """Writes to one shop."""

    def __init__(self, shop: Shop, mapper: Mapper, reader: Reader, connection: str, words: Mapping[str, str]) -> None:
        self._shop, self._map, self._reader = shop, mapper, reader
        self._connection, self._words = connection, words

    # ------------------------------------------------------------------------------------------------ stock, price

    def figures(self, wants: Sequence[Want]) -> list[Result]:
        """Stock levels or prices: articles in one batch, variations in one batch for each product, side by side."""
        results: list[Result | None] = [None] * len(wants)
        groups: dict[str, list[tuple[int, Body]]] = {}
        for place, want in enumerate(wants):
            record = want.record
            assert isinstance(record, StockLevel | Price)
            id_ = want.ids.get(("variant", sku_key(record.sku)))
            try:
                if id_ is None:
                    raise Wait("variant", sku_key(record.sku))
                parent, _, own = id_.rpartition(":")
                body = self._stock(record) if isinstance(record, StockLevel) else self._price(record)
                path = f"/products/{parent}/variations/batch" if parent else "/products/batch"
                groups.setdefault(path, []).append((place, {"id": int(own), **body}))
            except InvalidRecord as error:
                results[place] = bad_data(error, record.sku)
            except SamklangError as error:
                results[place] = error

        def send(path: str, group: list[tuple[int, Body]]) -> list[tuple[int, ProductRow | SamklangError]]:
            try:
                rows = self._batch(path, "update", [body for _, body in group])
            except Rejected as error:  # the product of these variations is gone: its neighbours go on
                rows = [error] * len(group)
            return [(place, row) for (place, _), row in zip(group, rows, strict=True)]

        for answers in self._shop.each(partial(send, path, group) for path, group in groups.items()):
            for place, row in answers:
                results[place] = row if isinstance(row, SamklangError) else self._taken(wants[place].record, row)
        return [result for result in results if result is not None]

    def _stock(self, record: StockLevel) -> Body:
        # Where the shop counts no stock it would ignore the figure without a word (observed): counting is switched on.
        return {"manage_stock": True, "stock_quantity": max(0, int(record.available.to_integral_value(ROUND_FLOOR)))}

    def _price(self, record: Price) -> Body:
        if record.price_list or record.min_qty != 1:
            raise Unsupported("WooCommerce has one price per article", where=record.sku)
        if record.currency != self._map.facts.currency:
            raise Unsupported(f"The shop sells in {self._map.facts.currency}, not {record.currency}", where=record.sku)
        amount = self._shown(record)
        if record.compare_at is None or record.compare_at <= record.amount:
            days = {"date_on_sale_from": None, "date_on_sale_to": None}
            return {"regular_price": f"{amount:f}", "sale_price": "", **days}
        before = self._shown(msgspec.structs.replace(record, amount=record.compare_at))
        return {
            "regular_price": f"{before:f}",
            "sale_price": f"{amount:f}",
            "date_on_sale_from": f"{record.valid_from}T00:00:00" if record.valid_from else None,
            "date_on_sale_to": f"{record.valid_to}T23:59:59" if record.valid_to else None,
        }

    def _shown(self, price: Price) -> Decimal:
        """The amount on the shop's side; with VAT it is what the buyer sees and pays, so whole öre."""
        inclusive = self._map.facts.inclusive
        amount = price.on_side(inclusive)
        return rounded(amount, price.currency) if inclusive else amount

    def _taken(self, record: object, row: ProductRow) -> Result:
        """What the shop says that it holds now. It takes bad figures in silence, so they are compared."""
        if isinstance(record, StockLevel):
            if row.stock_quantity != self._stock(record)["stock_quantity"]:
                return Rejected("The shop did not take the stock figure", where=record.sku)
            return Done(seen=self._map.stock(row))
        assert isinstance(record, Price)
        if Decimal(row.regular_price or -1) != Decimal(self._price(record)["regular_price"]):
            return Rejected("The shop did not take the price", where=record.sku)
        seen = self._map.price(row, row)
        return Done(seen=seen and msgspec.structs.replace(seen, tax_percent=record.tax_percent))

    def _batch(self, path: str, verb: str, bodies: Sequence[Body]) -> list[ProductRow | SamklangError]:
        """One batch; each answer is a row or the error of its own."""
        if not bodies:
            return []
        answer = self._shop.call("POST", path, {"_fields": verb}, {verb: bodies}, idempotent=verb == "update")
        raws = getattr(answer.parsed(_ANSWERS), verb)
        if len(raws) != len(bodies):
            raise BadAnswer(f"{len(bodies)} rows were sent, {len(raws)} were answered", where=answer.where)
        rows: list[ProductRow | SamklangError] = []
        for raw in raws:
            failed = _FAILED.decode(raw)
            if failed.error is not None:
                rows.append(refusal(failed.status, failed.error, f"{path} {failed.id}"))
            else:
                rows.append(_ROW.decode(raw))
        return rows

    # ------------------------------------------------------------------------------------------------ products

    def products(self, wants: Sequence[Want]) -> list[Result]:
        """Products with their variants: all parents in one batch, then the variations of each, side by side."""
        results: list[Result | None] = [None] * len(wants)
        bodies: dict[str, list[tuple[int, Body]]] = {"create": [], "update": []}
        categories = self._categories([want for want in wants if want.fields is None or "categories" in want.fields])
        for place, want in enumerate(wants):
            try:
                body = self._product(want, categories)
                verb = "update" if want.external_id else "create"
                bodies[verb].append((place, {"id": int(want.external_id), **body} if want.external_id else body))
            except InvalidRecord as error:
                results[place] = bad_data(error, want.key)
            except SamklangError as error:
                results[place] = error
        taken: list[tuple[int, ProductRow]] = []
        for verb, group in bodies.items():
            for (place, _), row in zip(group, self._batch("/products/batch", verb, [b for _, b in group]), strict=True):
                if isinstance(row, SamklangError):
                    results[place] = row
                else:
                    taken.append((place, row))
        grouped = [(place, row) for place, row in taken if row.type == "variable"]  # these cost calls of their own
        for place, row in taken:
            if row.type != "variable":
                results[place] = self._finished(wants[place], row)
        calls = (partial(self._finished, wants[place], row) for place, row in grouped)
        for (place, _), result in zip(grouped, self._shop.each(calls), strict=True):
            results[place] = result
        return [result for result in results if result is not None]

    def _product(self, want: Want, categories: Mapping[str, int]) -> Body:
        record, new = _as_product(want), not want.external_id
        simple, one = not record.axes, record.variants[0]
        if simple and len(record.variants) > 1:
            raise Unsupported("WooCommerce tells variants apart by their choices only", where=record.code)

        def wanted(field: str) -> bool:
            return want.fields is None or field in want.fields

        body: Body = {}
        if new:
            body["sku"] = one.sku if simple else record.code
        if new or not simple:  # an article that got variants becomes a variable product, never the other way
            body["type"] = "simple" if simple else "variable"
        for field, name, value in (
            ("name", "name", record.name),
            ("description", "description", record.description),
            ("status", "status", _STATUS[record.status]),
            ("tax_class", "tax_class", self._map.slug_of(record.tax_class) or "standard"),
            ("categories", "categories", [{"id": categories[name.casefold()]} for name in record.categories]
             if wanted("categories") else []),
            ("axes", "attributes", self._attributes(record)),
        ):  # fmt: skip
            if wanted(field) or (field == "axes" and (wanted("attributes") or (wanted("variants") and not simple))):
                body[name] = value
        # The shop fetches images anew each time that they are named: only for a new product, or when they changed.
        if record.images and (new or (want.fields is not None and "images" in want.fields)):
            body["images"] = [{"src": address} for address in record.images]
        if simple and wanted("variants"):
            body |= self._variant(one, new)
        own = record.custom.get(self._connection)
        if own and (want.fields is None or "custom" in want.fields):
            body["meta_data"] = [{"key": key, "value": value} for key, value in own.items()]
        return body

    def _attributes(self, record: Product) -> list[Body]:
        axes = [
            {
                "name": axis.name, "variation": True, "visible": True,
                "options": list(dict.fromkeys(v.options[axis.code] for v in record.variants if axis.code in v.options)),
            }
            for axis in record.axes
        ]  # fmt: skip
        return axes + [
            {"name": name, "visible": True, "options": [str(one) for one in (v if isinstance(v, list) else [v])]}
            for name, v in record.attributes.items()
        ]

    def _variant(self, variant: Variant, new: bool) -> Body:
        body: Body = {"backorders": _BACKORDERS[variant.backorder]}
        if new or not variant.track_stock:  # for a known article counting is switched on with its first figure
            body["manage_stock"] = variant.track_stock
        if variant.weight_g is not None:
            weight = Decimal(variant.weight_g) / self._map.facts.grams
            body["weight"] = f"{weight.quantize(Decimal('0.000001')).normalize():f}"
        if variant.gtin:
            body["global_unique_id"] = variant.gtin[0]
        return body

    def _finished(self, want: Want, row: ProductRow) -> Result:
        try:
            return self._finish(want, row)
        except Rejected as error:
            # A SKU may belong to another product's variation: this product must never be bound to that.
            return Rejected(error.what, where=error.where, remote=error.remote)
        except InvalidRecord as error:
            return bad_data(error, want.key)

    def _finish(self, want: Want, row: ProductRow) -> Result:
        """The variations of a product that the shop has taken; the result of the whole."""
        record = _as_product(want)
        rows: list[ProductRow] = [row]
        if row.type == "variable":
            if want.fields is not None and not {"variants", "axes"} & want.fields:
                return Done(external_id=str(row.id))
            known = {sku_key(one.sku): one.id for one in self._reader.variations(row.id) if isinstance(one, ProductRow)}
            names = {axis.code: axis.name for axis in record.axes}
            bodies: dict[str, list[Body]] = {"create": [], "update": []}
            for variant in record.variants:
                chosen = [{"name": names[code], "option": value} for code, value in variant.options.items()]
                id_ = known.get(variant.key)
                body = {"attributes": chosen, "status": _STATUS[variant.status], **self._variant(variant, id_ is None)}
                if variant.images and id_ is None:
                    body["image"] = {"src": variant.images[0]}
                bodies["update" if id_ else "create"].append(
                    {"id": id_, **body} if id_ else {"sku": variant.sku, **body}
                )
            rows = []
            for verb, group in bodies.items():
                for start in range(0, len(group), 100):
                    path = f"/products/{row.id}/variations/batch"
                    for answer in self._batch(path, verb, group[start : start + 100]):
                        if isinstance(answer, SamklangError):
                            raise answer
                        rows.append(answer)
        seen = partial(self._map.product, row, sorted(rows, key=lambda one: one.id))
        return Done(external_id=str(row.id), parts=parts(row, rows), seen=seen)

    def _categories(self, wants: Sequence[Want]) -> dict[str, int]:
        """Ids of the categories by name; missing ones are created."""
        needed = {name.casefold(): name for want in wants for name in _as_product(want).categories}
        known: dict[str, int] = {}
        page = 1
        while needed.keys() - known.keys():
            asked = {"per_page": 100, "page": page, "orderby": "id", "order": "asc", "_fields": "id,name"}
            rows = PRODUCTS(self._shop.call("GET", "/products/categories", asked))
            known.update({row.name.casefold(): row.id for row in reversed(rows) if isinstance(row, ProductRow)} | known)
            page += 1
            if len(rows) < 100:
                break
        for key in needed.keys() - known.keys():
            try:
                known[key] = self._shop.call("POST", "/products/categories", None, {"name": needed[key]}).json()["id"]
            except Rejected as error:  # someone else was faster
                if not error.existing:
                    raise
                known[key] = int(error.existing)
        return known

    def find(self, wants: Sequence[Want]) -> list[list[Match]]:
        """Products by SKU, exactly: a product's own, or of any of its variants (then its parent matches)."""
        skus = dict.fromkeys(sku for want in wants for sku in _skus(want))
        held: dict[str, str] = {}
        for row in (
            PRODUCTS(
                self._shop.call(
                    "GET", "/products", {"sku": ",".join(skus), "per_page": 100, "_fields": "id,sku,parent_id"}
                )
            )
            if skus
            else []
        ):
            if isinstance(row, ProductRow):
                held.setdefault(sku_key(row.sku), str(row.parent_id or row.id))
        found = [dict.fromkeys(held[key] for sku in _skus(want) if (key := sku_key(sku)) in held) for want in wants]
        return [[Match(external_id=id_, by="sku") for id_ in ids] for ids in found]

    # ------------------------------------------------------------------------------------------------ orders

    def status(self, want: Want) -> Result:
        """Move an order forward and note the invoice number. Writes nothing when nothing differs: that would echo."""
        record = want.record
        assert isinstance(record, OrderStatus)
        path = f"/orders/{self._order_id(want, record.order)}"
        now = self._order(path)
        if now.status == "trash":  # writing would revive it (observed)
            return Rejected("The order lies in the shop's trash", where=record.order)
        body: Body = {}
        word = status_word(record, want.options, self._words)
        if word == "cancelled" and now.status == "completed":
            advice = "Refund or cancel it in the shop, where it has been delivered already."
            return Rejected("The order is completed and cannot be cancelled", where=record.order, do_this=advice)
        ahead = word not in _RANK or now.status not in _RANK or _RANK.index(word) > _RANK.index(now.status)
        if word and word != now.status and ahead and now.status not in ("cancelled", "refunded"):
            body["status"] = word
        numbers = ", ".join(one.number for one in record.documents if one.kind == "invoice")
        if numbers and numbers not in [str(meta.value) for meta in now.meta_data if meta.key == _INVOICE]:
            body["meta_data"] = [{"key": _INVOICE, "value": numbers}]
        if body:
            now = self._shop.call("PUT", path, None, body, idempotent=True).parsed(_ORDER)
            if "status" in body and now.status != word:
                return Rejected(f"The shop made {now.status!r} of the status {word!r}", where=record.order)
        return Done(external_id=str(now.id), seen=self._map.status(now, record.order))

    def shipment(self, want: Want) -> Result:
        """Tracking numbers as an order note; the buyer gets it by mail if the flow's option `mail` says so."""
        record = want.record
        assert isinstance(record, Shipment)
        path = f"/orders/{self._order_id(want, record.order)}/notes"
        tracked = [f"{parcel.tracking_no} {parcel.tracking_url}".strip() for parcel in record.parcels]
        text = f"{record.carrier_code or 'Shipment'} {record.number}: {', '.join(tracked)}".rstrip(": ")
        for note in self._shop.call("GET", path).json():  # a note has no key: look before writing a second one
            if note["note"] == text:
                return Done(external_id=str(note["id"]))
        body = {"note": text, "customer_note": bool(want.options.get("mail", False))}
        return Done(external_id=str(self._shop.call("POST", path, None, body).json()["id"]))

    def one_by_one(self, write: Callable[[Want], Result], wants: Sequence[Want]) -> list[Result]:
        """Several single writes side by side, each with a result of its own; a lost login stops them all."""

        def single(want: Want) -> Result:
            try:
                return write(want)
            except (Rejected, Wait) as error:
                return error

        return list(self._shop.each(partial(single, want) for want in wants))

    def _order(self, path: str) -> OrderRow:
        return self._shop.call("GET", path).parsed(_ORDER)

    def _order_id(self, want: Want, key: str) -> str:
        id_ = want.external_id if isinstance(want.record, OrderStatus) else ""
        id_ = want.ids.get(("order", key)) or id_
        if not id_:
            raise Wait("order", key)
        return id_


class _Batch(msgspec.Struct):
    """Answer to a batch."""

    create: list[msgspec.Raw] = []
    update: list[msgspec.Raw] = []


class _Failed(msgspec.Struct):
    """The part of a batch's answer that tells an error from a row."""

    id: int | None = None
    error: Any = None

    @property
    def status(self) -> int:
        data = self.error.get("data") if isinstance(self.error, dict) else None
        return int(data["status"]) if isinstance(data, dict) and "status" in data else 400


_ANSWERS = msgspec.json.Decoder(_Batch)
_FAILED = msgspec.json.Decoder(_Failed)
_ROW = msgspec.json.Decoder(ProductRow)
_ORDER = msgspec.json.Decoder(OrderRow)


def _as_product(want: Want) -> Product:
    assert isinstance(want.record, Product)
    return want.record


def _skus(want: Want) -> list[str]:
    record = _as_product(want)
    return list(dict.fromkeys([record.code, *(variant.sku for variant in record.variants)]))
