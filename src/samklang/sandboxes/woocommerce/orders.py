"""What happens to orders: tax, coupons, refunds, notes, stock that moves with the status."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from samklang.sandboxes.woocommerce.shelf import TAX_RATES, Product
from samklang.sandboxes.woocommerce.till import ZERO, Order, Row, Till, six
from samklang.sandboxes.woocommerce.wire import (
    JSON,
    ORDER_STATUSES,
    Refused,
    as_decimal_text,
    cents,
    dates,
    links,
    money,
    put_meta,
    truth,
)

_STOCK_TAKEN = ("processing", "on-hold", "completed")
_PAID = ("processing", "completed")
_ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
#: Gateways of this shop that can refund by themselves.
REFUNDING_GATEWAYS = ("klarna_payments", "swish")


class Orders(Till):
    """The till with what may be done to its orders."""

    def create(self, body: JSON) -> Order:
        """A new order from a REST body; unknown articles become empty lines (observed)."""
        now = self._now()
        order = Order(id=self._next_id(), created=now, modified=now, key=f"wc_order_{now:x}", currency=self._currency)
        order.billing = dict.fromkeys((*_ADDRESS, "email", "phone"), "")
        order.shipping = dict.fromkeys((*_ADDRESS, "phone"), "")
        order.customer_id = int(body.get("customer_id", 0))
        order.created_via = str(body.get("created_via", "rest-api"))
        self._apply(order, body)
        order.rows = [self._line(order, part) for part in body.get("line_items", [])]
        order.rows += [self._extra(order, part, "shipping") for part in body.get("shipping_lines", [])]
        order.rows += [self._extra(order, part, "fee") for part in body.get("fee_lines", [])]
        for coupon in body.get("coupon_lines", []):
            self._use_coupon(order, coupon)
        self.orders[order.id] = order
        self._to_status(order, str(body.get("status", "pending")))
        if truth(body.get("set_paid")) and order.paid is None:
            self._to_status(order, "processing")
        self._touch(order)
        self._moved("created", order)
        return order

    def update(self, order: Order, body: JSON) -> Order:
        """Change status, notes, addresses or meta data. Lines of an existing order cannot be changed here."""
        if {"line_items", "shipping_lines", "fee_lines", "coupon_lines"} & set(body):
            raise Refused(400, "sandbox_unsupported", "This stand-in does not change the lines of an order.")
        self._apply(order, body)
        if "status" in body:
            self._to_status(order, str(body["status"]))
        if truth(body.get("set_paid")) and order.paid is None:
            self._to_status(order, "processing")
        self._touch(order)
        self._moved("updated", order)
        return order

    def trash(self, order: Order) -> None:
        """To the trash; a second time is refused."""
        if order.status == "trash":
            raise Refused(410, "woocommerce_rest_already_trashed", "The order has already been deleted.")
        order.status = "trash"
        self._touch(order)
        self._moved("deleted", order)

    def add_note(self, order: Order, body: JSON) -> JSON:
        """A note; does not move the order (observed)."""
        id_ = self._next_id()
        path = f"/orders/{order.id}/notes/{id_}"
        order.notes.append(
            {
                "id": id_,
                "author": "WooCommerce",
                **dates("date_created", self._now(), self._zone),
                "note": str(body["note"]),
                "customer_note": truth(body.get("customer_note", False)),
                "_links": links(self._site, path, up=f"/orders/{order.id}", allow=("GET", "DELETE")),
            }
        )
        return order.notes[-1]

    def refund(self, order: Order, body: JSON) -> JSON:
        """Give money back. Errors are 500 with an int as data (observed)."""
        lines = {int(part["id"]): part for part in body.get("line_items", [])}
        amount = Decimal(as_decimal_text(body.get("amount", "0")) or 0)
        given = sum((Decimal(refund["amount"]) for refund in order.refunds), ZERO)
        code = "woocommerce_rest_cannot_create_order_refund"
        if amount <= 0 or amount > self.totals(order)["total"] - given:
            raise Refused(500, code, "Invalid refund amount.", data=500)
        by_gateway = truth(body.get("api_refund", True))
        if by_gateway and order.payment_method not in REFUNDING_GATEWAYS:
            said = "The payment gateway for this order does not support automatic refunds."
            raise Refused(500, code, said, data=500)
        id_ = self._next_id()
        taken: dict[str, list[JSON]] = {"line": [], "shipping": [], "fee": []}
        for row in order.rows:
            part = lines.get(row.id)
            if part is None:
                continue
            tax = sum((Decimal(str(one["refund_total"])) for one in part.get("refund_tax", [])), ZERO)
            total = Decimal(str(part.get("refund_total", 0)))
            back = msgspec.structs.replace(
                row, id=self._next_id(), quantity=-int(part.get("quantity", 0)), total=-total, subtotal=-total,
                meta=[{"id": self._next_id(), "key": "_refunded_item_id", "value": str(row.id)}],
            )  # fmt: skip
            wire = self._row(back, 2)
            wire["total_tax"] = money(-tax)
            if "subtotal_tax" in wire:
                wire["subtotal_tax"] = money(-tax)
            wire["taxes"] = [{**one, "total": money(-tax)} for one in wire["taxes"]]
            taken[row.kind].append(wire)
            if truth(body.get("api_restock", True)) and row.product_id and back.quantity:
                product = self._catalogue.rows.get(row.variation_id or row.product_id)
                if product:
                    self._catalogue.change_stock(product, -back.quantity)
        path = f"/orders/{order.id}/refunds/{id_}"
        refund: JSON = {
            "id": id_,
            **dates("date_created", self._now(), self._zone),
            "amount": money(amount),
            "reason": str(body.get("reason", "")),
            "refunded_by": 1,
            "refunded_payment": by_gateway,
            "meta_data": [],
            "line_items": taken["line"],
            "shipping_lines": taken["shipping"],
            "tax_lines": [],
            "fee_lines": taken["fee"],
            "_links": links(self._site, path, up=f"/orders/{order.id}", allow=("GET", "DELETE")),
        }
        order.refunds = [*order.refunds, refund]
        if amount + given == self.totals(order)["total"]:
            self._to_status(order, "refunded")
        self._touch(order)
        self._moved("updated", order)
        return refund

    def _apply(self, order: Order, body: JSON) -> None:
        for name in ("billing", "shipping"):
            known = getattr(order, name)
            setattr(order, name, {**known, **{k: str(v) for k, v in body.get(name, {}).items() if k in known}})
        for name in ("payment_method", "payment_method_title", "transaction_id", "customer_note"):
            if name in body:
                setattr(order, name, str(body[name]))
        if "meta_data" in body:
            order.meta = [dict(row) for row in order.meta]
            put_meta(order.meta, body["meta_data"], self._next_id)

    def _to_status(self, order: Order, status: str) -> None:
        order.status = (
            status if status in (*ORDER_STATUSES, "trash") else "pending"
        )  # batches let any word in (observed)
        if order.status in _PAID and order.paid is None:
            order.paid = self._now()
        if order.status == "completed":
            order.completed = self._now()
        if order.status in _STOCK_TAKEN and not order.stock_taken:
            self._move_stock(order, -1)
        elif order.status in ("cancelled", "pending") and order.stock_taken:
            self._move_stock(order, 1)

    def _move_stock(self, order: Order, sign: int) -> None:
        order.stock_taken = sign < 0
        for row in order.rows:
            product = self._catalogue.rows.get(row.variation_id or row.product_id)
            if row.kind == "line" and product is not None:
                self._catalogue.change_stock(product, sign * row.quantity)
                row.meta = [part for part in row.meta if part["key"] != "_reduced_stock"]
                if order.stock_taken:
                    row.meta.append(
                        _shown({"id": self._next_id(), "key": "_reduced_stock", "value": str(row.quantity)})
                    )

    def _line(self, order: Order, part: JSON) -> Row:
        if not ({"product_id", "variation_id", "sku"} & set(part)):
            raise Refused(400, "woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
        quantity = int(part.get("quantity", 1))
        if quantity == 0:
            raise Refused(
                500, "internal_server_error", "<p>There has been a critical error on this website.</p>",
                error={"type": 1, "message": "Uncaught TypeError"},
            )  # fmt: skip
        id_ = part.get("variation_id") or part.get("product_id") or self._catalogue.by_sku.get(str(part["sku"]).lower())
        product = self._catalogue.rows.get(id_) if isinstance(id_, int) else None
        if product is None:
            return Row(
                id=self._next_id(), kind="line", name=str(part.get("name", "")), total=ZERO, subtotal=ZERO,
                rate=TAX_RATES[""], quantity=quantity,
            )  # fmt: skip
        return self._sold(order, product, quantity, part)

    def _sold(self, order: Order, product: Product, quantity: int, part: JSON) -> Row:
        parent = self._catalogue.rows.get(product.parent)
        tax_class = self._catalogue.tax_class(product)
        asked = Decimal(self._catalogue.price(product) or 0) * quantity
        home = TAX_RATES.get(tax_class)
        net = asked / (1 + home[1] / 100) if home and self._inclusive else asked
        subtotal = Decimal(part["subtotal"]) if "subtotal" in part else net
        product.total_sales, product.body = product.total_sales + quantity, None
        return Row(
            id=self._next_id(),
            kind="line",
            name=f"{parent.name} - {product.name}" if parent else product.name,
            subtotal=six(subtotal),
            total=six(Decimal(part["total"])) if "total" in part else six(subtotal),
            rate=self._rate(order, tax_class),
            tax_class=tax_class,
            product_id=product.parent or product.id,
            variation_id=product.id if parent else 0,
            quantity=quantity,
            sku=product.sku,
            parent_name=parent.name if parent else None,
            meta=[
                _shown({"id": self._next_id(), "key": chosen["slug"], "value": chosen["option"]}, chosen["name"])
                for chosen in (product.attributes if parent else [])
            ],
        )

    def _extra(self, order: Order, part: JSON, kind: str) -> Row:
        total = Decimal(as_decimal_text(part.get("total", "0")) or 0)
        return Row(
            id=self._next_id(), kind=kind, name=str(part.get("method_title", part.get("name", ""))), total=total,
            subtotal=total, rate=self._rate(order, ""), method=str(part.get("method_id", "")),
        )  # fmt: skip

    def _rate(self, order: Order, tax_class: str) -> tuple[int, Decimal, str] | None:
        country = order.shipping["country"] or order.billing["country"]
        return TAX_RATES.get(tax_class) if country in ("", "SE") else None

    def _use_coupon(self, order: Order, coupon: JSON) -> None:
        """A percentage off every line, rounded to öre on the side in which the shop keeps its prices."""
        percent = Decimal(str(coupon.get("percent", 10)))
        off = tax = ZERO
        for row in order.rows:
            if row.kind != "line":
                continue
            factor = 1 + row.rate[1] / 100 if row.rate and self._inclusive else Decimal(1)
            less = cents(row.total * factor * percent / 100) / factor
            off, tax = off + less, tax + row.tax(less)
            row.total = six(row.total - less)
        order.coupons.append(
            {
                "id": self._next_id(), "code": str(coupon["code"]), "discount": money(off), "discount_tax": money(tax),
                "meta_data": [], "discount_type": "percent", "nominal_amount": int(percent), "free_shipping": False,
            }
        )  # fmt: skip

    def _touch(self, order: Order) -> None:
        order.modified, order.body = self._now(), None
        self.version += 1


def _shown(meta: JSON, name: str = "") -> JSON:
    return {**meta, "display_key": name or meta["key"], "display_value": meta["value"]}
