"""Batches of wanted records into the shop. Each record has its own result; a batch never fails as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from samklang.connectors.contract import Body, Done, Match, Result, Want, status_word
from samklang.connectors.errors import BadAnswer, Rejected, SamklangError, Unsupported
from samklang.connectors.kit.paging import chunks
from samklang.connectors.kit.rows import Rows, readable
from samklang.connectors.kit.writing import asked, asks, attempt, batched, needed, of_order, record_of
from samklang.connectors.woocommerce import shapes
from samklang.connectors.woocommerce.client import Shop, refusal
from samklang.connectors.woocommerce.map import Mapper, parts
from samklang.connectors.woocommerce.read import PRODUCTS, Reader
from samklang.records import OrderStatus, Price, Product, Shipment, StockLevel, Variant
from samklang.records.ids import sku_key
from samklang.records.money import rounded

_STATUS = {"active": "publish", "archived": "private", "draft": "draft"}
_BACKORDERS = {"deny": "no", "allow": "yes", "preorder": "notify"}
_RANK = ("pending", "failed", "on-hold", "processing", "completed")
_INVOICE = "invoice_number"  # meta key of the ERP's invoice number
_MOST = 100  # rows in one batch

Answered = shapes.ProductRow | SamklangError


class Writer:
    """Writes to one shop."""

    def __init__(self, shop: Shop, reader: Reader, connection: str, words: Mapping[str, str]) -> None:
        self._shop, self._reader = shop, reader
        self._connection, self._words = connection, words

    @property
    def _map(self) -> Mapper:
        return self._reader.mapper()

    def _batch(self, path: str, bodies: Sequence[Body]) -> list[Answered]:
        """Bodies with an id are updates, the others creates; each is answered by a row or an error of its own."""
        answered: dict[int, Answered] = {}
        for verb in ("create", "update"):
            places = [place for place, body in enumerate(bodies) if ("id" in body) == (verb == "update")]
            for some in chunks(places, _MOST):
                answered.update(zip(some, self._sent(path, verb, [bodies[place] for place in some]), strict=True))
        return [answered[place] for place in range(len(bodies))]

    def _sent(self, path: str, verb: str, bodies: Sequence[Body]) -> list[Answered]:
        answer = self._shop.call("POST", path, {"_fields": verb}, {verb: bodies}, idempotent=verb == "update")
        rows = getattr(answer.of(_Batch), verb)
        if len(rows) != len(bodies):
            raise BadAnswer(f"{len(bodies)} rows were sent, {len(rows)} were answered", where=answer.where)
        return [row if row.error is None else _refused(path, row) for row in rows]

    # ------------------------------------------------------------------------------------------------ stock, price

    def figures(self, wants: Sequence[Want]) -> list[Result]:
        """Stock levels or prices: articles in one batch, variations in one batch for each product, side by side."""
        return batched(self._figure, self._send_figures, wants)

    def _figure(self, want: Want, record: StockLevel | Price) -> tuple[str, Body]:
        parent, _, own = needed(want.ids, "variant", sku_key(record.sku)).rpartition(":")
        path = f"/products/{parent}/variations/batch" if parent else "/products/batch"
        return path, {"id": int(own), **(_stock(record) if isinstance(record, StockLevel) else self._price(record))}

    def _send_figures(self, figures: list[tuple[Want, tuple[str, Body]]]) -> list[Result]:
        groups: dict[str, list[int]] = {}
        for place, (_, (path, _)) in enumerate(figures):
            groups.setdefault(path, []).append(place)

        def send(path: str, bodies: list[Body]) -> list[Answered]:
            try:
                return self._batch(path, bodies)
            except Rejected as error:  # the product of these variations is gone: its neighbours go on
                return [error] * len(bodies)

        calls = (partial(send, path, [figures[place][1][1] for place in group]) for path, group in groups.items())
        results: dict[int, Result] = {}
        for group, rows in zip(groups.values(), self._shop.transport.overlap(calls), strict=True):
            for place, row in zip(group, rows, strict=True):
                want, (_, body) = figures[place]
                results[place] = row if isinstance(row, SamklangError) else self._taken(want.record, body, row)
        return [results[place] for place in range(len(figures))]

    def _price(self, record: Price) -> Body:
        if record.price_list or record.min_qty != 1:
            raise Unsupported("WooCommerce has one price per article", where=record.sku)
        if record.currency != self._map.facts.currency:
            raise Unsupported(f"The shop sells in {self._map.facts.currency}, not {record.currency}", where=record.sku)
        amount, before = self._shown(record), record.lowered_from
        if before is None:
            days = {"date_on_sale_from": None, "date_on_sale_to": None}
            return {"regular_price": f"{amount:f}", "sale_price": "", **days}
        return {
            "regular_price": f"{self._shown(before):f}",
            "sale_price": f"{amount:f}",
            "date_on_sale_from": f"{record.valid_from}T00:00:00" if record.valid_from else None,
            "date_on_sale_to": f"{record.valid_to}T23:59:59" if record.valid_to else None,
        }

    def _shown(self, price: Price) -> Decimal:
        """The amount on the shop's side; with VAT it is what the buyer sees and pays, so whole öre."""
        inclusive = self._map.facts.inclusive
        amount = price.on_side(inclusive)
        return rounded(amount, price.currency) if inclusive else amount

    def _taken(self, record: object, body: Body, row: shapes.ProductRow) -> Result:
        """What the shop says that it holds now. It takes bad figures in silence, so they are compared."""
        if isinstance(record, StockLevel):
            if row.stock_quantity != body["stock_quantity"]:
                return Rejected("The shop did not take the stock figure", where=record.sku)
            return Done(seen=self._map.stock(row))
        assert isinstance(record, Price)
        if Decimal(row.regular_price or -1) != Decimal(body["regular_price"]):
            return Rejected("The shop did not take the price", where=record.sku)
        seen = self._map.price(row, row)
        return Done(seen=seen and msgspec.structs.replace(seen, tax_percent=record.tax_percent))

    # ------------------------------------------------------------------------------------------------ products

    def products(self, wants: Sequence[Want]) -> list[Result]:
        """Products with their variants: all parents in one batch, then the variations of each, side by side."""
        categories = self._categories([want for want in wants if asks(want, "categories")])
        return batched(partial(self._product, categories), self._send_products, wants)

    def _send_products(self, products: list[tuple[Want, Body]]) -> list[Result]:
        rows = self._batch("/products/batch", [body for _, body in products])
        sent = [(want, row) for (want, _), row in zip(products, rows, strict=True)]
        grouped = [  # these cost calls of their own
            partial(self._finished, want, row)
            for want, row in sent
            if isinstance(row, shapes.ProductRow) and row.type == "variable"
        ]
        finished = iter(list(self._shop.transport.overlap(grouped)))
        return [
            row if isinstance(row, SamklangError) else next(finished) if row.type == "variable" else
            self._done(row, [row])
            for _, row in sent
        ]  # fmt: skip

    def _product(self, categories: Mapping[str, int], want: Want, record: Product) -> Body:
        new, simple, one = not want.external_id, not record.axes, record.variants[0]
        if simple and len(record.variants) > 1:
            raise Unsupported("WooCommerce tells variants apart by their choices only", where=record.code)
        body: Body = {"sku": one.sku if simple else record.code} if new else {"id": int(want.external_id)}
        if new or not simple:  # an article that got variants becomes a variable product, never the other way
            body["type"] = "simple" if simple else "variable"
        body |= asked(want.fields, {
            "name": {"name": record.name},
            "description": {"description": record.description},
            "status": {"status": _STATUS[record.status]},
            "tax_class": lambda: {"tax_class": self._map.slug_of(record.tax_class) or "standard"},
            "categories": lambda: {"categories": [{"id": categories[name.casefold()]} for name in record.categories]},
            "axes attributes" if simple else "axes attributes variants": {"attributes": _attributes(record)},
        })  # fmt: skip
        # The shop fetches images anew each time that they are named: only for a new product, or when they changed.
        if record.images and (new or (want.fields is not None and "images" in want.fields)):
            body["images"] = [{"src": address} for address in record.images]
        if simple and asks(want, "variants"):
            body |= self._variant(one, new)
        own = record.custom.get(self._connection)
        if own and asks(want, "custom"):
            body["meta_data"] = [{"key": key, "value": value} for key, value in own.items()]
        return body

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

    def _finished(self, want: Want, row: shapes.ProductRow) -> Result:
        result = attempt(partial(self._finish, row), want)
        if isinstance(result, Rejected):
            # A SKU may belong to another product's variation: this product must never be bound to that.
            return Rejected(result.what, where=result.where, remote=result.remote)
        return result

    def _finish(self, row: shapes.ProductRow, want: Want, record: Product) -> Done:
        """The variations of a variable product that the shop has taken; the result of the whole."""
        if not asks(want, "variants", "axes"):
            return Done(external_id=str(row.id))
        path = f"/products/{row.id}/variations"
        there = self._reader.variations(row.id)
        known = {sku_key(one.sku): one.id for one in readable(there)}
        bodies = [self._variation(record, variant, known.get(variant.key)) for variant in record.variants]
        rows = []
        for answer in self._batch(f"{path}/batch", bodies):
            if isinstance(answer, SamklangError):
                raise answer
            rows.append(answer)
        return self._done(row, sorted(rows, key=lambda one: one.id))

    def _done(self, row: shapes.ProductRow, articles: Sequence[shapes.ProductRow]) -> Done:
        """The shop has the product and all its variations."""
        seen = partial(self._map.product, row, articles)
        return Done(external_id=str(row.id), parts=parts(row, articles), seen=seen)

    def _variation(self, record: Product, variant: Variant, id_: int | None) -> Body:
        names = {axis.code: axis.name for axis in record.axes}
        chosen = [{"name": names[code], "option": value} for code, value in variant.options.items()]
        body = {"attributes": chosen, "status": _STATUS[variant.status], **self._variant(variant, id_ is None)}
        if id_ is not None:
            return {"id": id_, **body}
        image = {"image": {"src": variant.images[0]}} if variant.images else {}
        return {"sku": variant.sku, **body, **image}

    def _categories(self, wants: Sequence[Want]) -> dict[str, int]:
        """Ids of the categories by name; missing ones are created."""
        needed = {name.casefold(): name for want in wants for name in record_of(want, Product).categories}
        known: dict[str, int] = {}
        if needed:
            rows = self._shop.short("/products/categories", _CATEGORIES, {"_fields": "id,name"})
            for row in readable(rows):
                known.setdefault(row.name.casefold(), row.id)
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
        query = {"sku": ",".join(skus), "_fields": "id,sku,parent_id"}
        held: dict[str, str] = {}
        rows = self._shop.some("/products", PRODUCTS, query) if skus else []
        for row in readable(rows):
            held.setdefault(sku_key(row.sku), str(row.parent_id or row.id))
        found = [dict.fromkeys(held[key] for sku in _skus(want) if (key := sku_key(sku)) in held) for want in wants]
        return [[Match(external_id=id_, by="sku") for id_ in ids] for ids in found]

    # ------------------------------------------------------------------------------------------------ orders

    def status(self, want: Want, record: OrderStatus) -> Result:
        """Move an order forward and note the invoice number. Writes nothing when nothing differs: that would echo."""
        path = f"/orders/{of_order(want, record.order)}"
        now = self._shop.call("GET", path).of(shapes.OrderRow)
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
            now = self._shop.call("PUT", path, None, body, idempotent=True).of(shapes.OrderRow)
            if "status" in body and now.status != word:
                return Rejected(f"The shop made {now.status!r} of the status {word!r}", where=record.order)
        return Done(external_id=str(now.id), seen=self._map.status(now, record.order))

    def shipment(self, want: Want, record: Shipment) -> Result:
        """Tracking numbers as an order note; the buyer gets it by mail if the flow's option `mail` says so."""
        path = f"/orders/{needed(want.ids, 'order', record.order)}/notes"
        tracked = [f"{parcel.tracking_no} {parcel.tracking_url}".strip() for parcel in record.parcels]
        text = f"{record.carrier_code or 'Shipment'} {record.number}: {', '.join(tracked)}".rstrip(": ")
        for note in self._shop.call("GET", path).json():  # a note has no key: look before writing a second one
            if note["note"] == text:
                return Done(external_id=str(note["id"]))
        body = {"note": text, "customer_note": bool(want.options.get("mail", False))}
        return Done(external_id=str(self._shop.call("POST", path, None, body).json()["id"]))


class _Answer(shapes.ProductRow, frozen=True):
    """What a batch answers of one row: how it is now, or an error (then the id is 0 or that of the update)."""

    id: int = 0
    error: Any = None


class _Batch(msgspec.Struct):
    """Answer to a batch."""

    create: list[_Answer] = []
    update: list[_Answer] = []


_CATEGORIES = Rows(shapes.CategoryRow)


def _refused(path: str, row: _Answer) -> SamklangError:
    data = row.error.get("data") if isinstance(row.error, dict) else None
    status = int(data["status"]) if isinstance(data, dict) and "status" in data else 400
    return refusal(status, row.error, f"{path} {row.id}")


def _stock(record: StockLevel) -> Body:
    # Where the shop counts no stock it would ignore the figure without a word (observed): counting is switched on.
    return {"manage_stock": True, "stock_quantity": record.sellable}


def _attributes(record: Product) -> list[Body]:
    """The axes with their choices, and free attributes."""
    found: list[Body] = [
        {"name": axis.name, "variation": True, "visible": True, "options": record.choices(axis)} for axis in record.axes
    ]
    for name, value in record.attributes.items():
        texts = [str(one) for one in (value if isinstance(value, list) else [value])]
        found.append({"name": name, "visible": True, "options": texts})
    return found


def _skus(want: Want) -> list[str]:
    record = record_of(want, Product)
    return list(dict.fromkeys([record.code, *(variant.sku for variant in record.variants)]))
