"""Orders as the shop keeps, sums and writes them: net and tax per row, rounded as the shop rounds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from samklang.sandboxes.woocommerce.catalogue import Catalogue
from samklang.sandboxes.woocommerce.wire import (
    JSON,
    Refused,
    cents,
    dates,
    links,
    money,
)

ZERO = Decimal(0)


class Row(msgspec.Struct):
    """A line, freight or fee. `subtotal` and `total` are without tax, kept to six decimals as the shop does."""

    id: int
    kind: str  # line, shipping, fee
    name: str
    total: Decimal
    subtotal: Decimal
    rate: tuple[int, Decimal, str] | None
    tax_class: str = ""
    product_id: int = 0
    variation_id: int = 0
    quantity: int = 1
    sku: str | None = None
    parent_name: str | None = None
    method: str = ""
    meta: list[JSON] = []

    def tax(self, amount: Decimal) -> Decimal:
        """Tax on an amount without tax, unrounded."""
        return amount * self.rate[1] / 100 if self.rate else ZERO


class Order(msgspec.Struct):
    """One order. Times are seconds since the epoch."""

    id: int
    created: int
    modified: int
    key: str
    status: str = "pending"
    completed: int | None = None
    paid: int | None = None
    customer_id: int = 0
    billing: JSON = {}
    shipping: JSON = {}
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    created_via: str = "rest-api"
    customer_note: str = ""
    currency: str = "SEK"
    rows: list[Row] = []
    coupons: list[JSON] = []
    refunds: list[JSON] = []
    notes: list[JSON] = []
    meta: list[JSON] = []
    stock_taken: bool = False
    body: bytes | None = None


class Till:
    """All orders by id. `moved(event, order)` is called after every change, for webhooks."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        zone: ZoneInfo,
        site: str,
        currency: str,
        prices_include_tax: bool,
        round_at_subtotal: bool,
        now: Callable[[], int],
        next_id: Callable[[], int],
        moved: Callable[[str, Order], None],
    ) -> None:
        self.orders: dict[int, Order] = {}
        self.version = 0
        self._catalogue = catalogue
        self._zone, self._site, self._currency = zone, site, currency
        self._inclusive, self._round_at_subtotal = prices_include_tax, round_at_subtotal
        self._now, self._next_id, self._moved = now, next_id, moved

    def get(self, id_: object) -> Order:
        """An order, also a trashed one; the shop's 404 otherwise."""
        order = self.orders.get(id_) if isinstance(id_, int) else None
        if order is None:
            raise Refused(404, "woocommerce_rest_shop_order_invalid_id", "Invalid ID.")
        return order

    def totals(self, order: Order) -> dict[str, Decimal]:
        """The order's sums: net per row rounded to öre, tax rounded per row or per rate as the shop is set."""
        sums = dict.fromkeys(("lines", "before", "shipping", "fees", "cart_tax", "before_tax", "shipping_tax"), ZERO)
        for row in order.rows:
            name = {"line": "lines", "shipping": "shipping", "fee": "fees"}[row.kind]
            sums[name] += cents(row.total)
            sums["shipping_tax" if row.kind == "shipping" else "cart_tax"] += self._tax(row, row.total)
            if row.kind == "line":
                sums["before"] += cents(row.subtotal)
                sums["before_tax"] += self._tax(row, row.subtotal)
        for name in ("cart_tax", "shipping_tax", "before_tax"):
            sums[name] = cents(sums[name], tax_in_inclusive_shop=self._inclusive)
        sums["tax"] = sums["cart_tax"] + sums["shipping_tax"]
        sums["total"] = sums["lines"] + sums["shipping"] + sums["fees"] + sums["tax"]
        sums["discount"] = sums["before"] - sums["lines"]
        goods_tax = sum((self._tax(row, row.total) for row in order.rows if row.kind == "line"), ZERO)
        sums["discount_tax"] = sums["before_tax"] - cents(goods_tax, tax_in_inclusive_shop=self._inclusive)
        return sums

    def _tax(self, row: Row, amount: Decimal) -> Decimal:
        tax = row.tax(amount)
        return tax if self._round_at_subtotal else cents(tax, tax_in_inclusive_shop=self._inclusive)

    def as_json(self, order: Order, dp: int = 2) -> JSON:
        """The order as /orders shows it, amounts with `dp` decimals."""
        sums = self.totals(order)
        by_kind: dict[str, list[JSON]] = {"line": [], "shipping": [], "fee": []}
        for row in order.rows:
            by_kind[row.kind].append(self._row(row, dp))
        return {
            "id": order.id,
            "parent_id": 0,
            "status": order.status,
            "currency": order.currency,
            "version": "10.0.2",
            "prices_include_tax": self._inclusive,
            "date_created": dates("d", order.created, self._zone)["d"],
            "date_modified": dates("d", order.modified, self._zone)["d"],
            "discount_total": money(sums["discount"], dp),
            "discount_tax": money(sums["discount_tax"], dp),
            "shipping_total": money(sums["shipping"], dp),
            "shipping_tax": money(sums["shipping_tax"], dp),
            "cart_tax": money(sums["cart_tax"], dp),
            "total": money(sums["total"], dp),
            "total_tax": money(sums["tax"], dp),
            "customer_id": order.customer_id,
            "order_key": order.key,
            "billing": order.billing,
            "shipping": order.shipping,
            "payment_method": order.payment_method,
            "payment_method_title": order.payment_method_title,
            "transaction_id": order.transaction_id,
            "customer_ip_address": "",
            "customer_user_agent": "",
            "created_via": order.created_via,
            "customer_note": order.customer_note,
            "date_completed": dates("d", order.completed, self._zone)["d"],
            "date_paid": dates("d", order.paid, self._zone)["d"],
            "cart_hash": "",
            "number": str(order.id),
            "meta_data": order.meta,
            "line_items": by_kind["line"],
            "tax_lines": self._tax_lines(order, dp),
            "shipping_lines": by_kind["shipping"],
            "fee_lines": by_kind["fee"],
            "coupon_lines": order.coupons,
            "refunds": [
                {"id": one["id"], "reason": one["reason"], "total": f"-{one['amount']}"} for one in order.refunds
            ],
            "payment_url": f"{self._site}/checkout/order-pay/{order.id}/?pay_for_order=true&key={order.key}",
            "is_editable": order.status in ("pending", "on-hold", "auto-draft"),
            "needs_payment": order.status in ("pending", "failed") and sums["total"] > 0,
            "needs_processing": True,
            "date_created_gmt": dates("d", order.created, self._zone)["d_gmt"],
            "date_modified_gmt": dates("d", order.modified, self._zone)["d_gmt"],
            "date_completed_gmt": dates("d", order.completed, self._zone)["d_gmt"],
            "date_paid_gmt": dates("d", order.paid, self._zone)["d_gmt"],
            "currency_symbol": "kr",
            "_links": {
                **links(self._site, f"/orders/{order.id}"),
                "email_templates": [
                    {
                        "embeddable": True,
                        "href": f"{self._site}/wp-json/wc/v3/orders/{order.id}/actions/email_templates",
                    }
                ],
            },
        }

    def _row(self, row: Row, dp: int) -> JSON:
        tax, tax_before = money(row.tax(row.total), dp), money(row.tax(row.subtotal), dp)
        total = money(row.total, dp)
        if row.kind == "shipping":
            return {
                "id": row.id, "method_title": row.name, "method_id": row.method, "instance_id": "", "total": total,
                "total_tax": tax, "taxes": [{"id": row.rate[0], "total": tax, "subtotal": ""}] if row.rate else [],
                "tax_status": "taxable", "meta_data": row.meta,
            }  # fmt: skip
        if row.kind == "fee":
            return {
                "id": row.id, "name": row.name, "tax_class": row.tax_class, "tax_status": "taxable", "amount": total,
                "total": total, "total_tax": tax, "meta_data": row.meta,
                "taxes": [{"id": row.rate[0], "total": tax, "subtotal": ""}] if row.rate else [],
            }  # fmt: skip
        each = row.total / row.quantity if row.quantity else ZERO
        return {
            "id": row.id,
            "name": row.name,
            "product_id": row.product_id,
            "variation_id": row.variation_id,
            "quantity": row.quantity,
            "tax_class": row.tax_class,
            "subtotal": money(row.subtotal, dp),
            "subtotal_tax": tax_before,
            "total": total,
            "total_tax": tax,
            "taxes": [{"id": row.rate[0], "total": tax, "subtotal": tax_before}] if row.rate else [],
            "meta_data": row.meta,
            "sku": row.sku,
            "price": float(six(each)) if each else 0,
            "image": {"id": "" if row.product_id else 0, "src": ""},
            "parent_name": row.parent_name,
        }

    def _tax_lines(self, order: Order, dp: int) -> list[JSON]:
        found: dict[int, tuple[tuple[int, Decimal, str], list[Decimal]]] = {}
        for row in order.rows:
            if row.rate:
                sums = found.setdefault(row.rate[0], (row.rate, [ZERO, ZERO]))[1]
                sums[row.kind == "shipping"] += self._tax(row, row.total)
        return [
            {
                "id": order.id * 100 + rate[0],
                "rate_code": f"SE-{rate[2].upper()}-1",
                "rate_id": rate[0],
                "label": rate[2],
                "compound": False,
                "tax_total": money(goods, dp),
                "shipping_tax_total": money(freight, dp),
                "rate_percent": int(rate[1]),
                "meta_data": [],
            }
            for rate, (goods, freight) in found.values()
        ]


def six(value: Decimal) -> Decimal:
    """Six decimals: what the shop keeps of an amount without tax."""
    return value.quantize(Decimal("0.000001"))
