"""What pages call the things that the code knows by short names: record types, states, kinds of system, hops."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

#: Short name → words. What is missing here is shown with spaces for underscores (see a test: nothing of ours is).
WORDS: dict[str, str | Promise] = {
    # record types
    "product": _("product"), "price_list": _("price list"), "price": _("price"), "stock": _("stock level"),
    "customer": _("customer"), "order": _("order"), "order_status": _("order status"), "shipment": _("shipment"),
    "capture": _("capture"), "refund": _("refund"), "void": _("void"), "order_edit": _("order edit"),
    "release": _("release"), "return": _("return"), "inbound": _("inbound delivery"), "receipt": _("receipt"),
    "voucher": _("voucher"), "variant": _("article"), "payout": _("payout"), "cancellation": _("cancellation"),
    # kinds of system
    "shop": _("shop"), "erp": _("ERP"), "wms": _("warehouse"), "carrier": _("carrier"),
    "marketplace": _("marketplace"), "payment": _("payment"), "pos": _("till"), "bank": _("bank"),
    # states of a delivery
    "idle": _("delivered"), "due": _("on its way"), "sending": _("being sent"), "waiting": _("waits"),
    "stopped": _("stopped"), "held": _("held"), "parked": _("flow is off"),
    # what a step says
    "read": _("read"), "created": _("created"), "updated": _("updated"), "unchanged": _("unchanged"),
    "waits": _("waits"), "retry": _("will be tried again"), "matched": _("found there"), "paused": _("paused"),
    # the life of an order
    "draft": _("draft"), "placed": _("placed"), "confirmed": _("confirmed"), "closed": _("closed"),
    "cancelled": _("cancelled"), "expired": _("expired"), "none": _("not begun"),
    "waiting_stock": _("waits for stock"), "ready": _("ready"), "released": _("released"),
    "picking": _("being picked"), "partly_shipped": _("partly shipped"), "shipped": _("shipped"),
    "delivered": _("delivered"), "partly_returned": _("partly returned"), "returned": _("returned"),
    "not_required": _("nothing to pay"), "pending": _("not paid"), "authorised": _("authorised"),
    "partly_captured": _("partly captured"), "captured": _("paid"), "partly_refunded": _("partly refunded"),
    "refunded": _("refunded"), "voided": _("voided"), "disputed": _("disputed"), "charged_back": _("charged back"),
    # transfers
    "running": _("running"), "ok": _("ok"), "failed": _("failed"), "in": _("read"), "out": _("written"),
    # articles
    "active": _("active"), "archived": _("archived"),
}  # fmt: skip

# Units that templatetags/words.py asks for by name.
_UNITS = (gettext_noop("h"), gettext_noop("min"), gettext_noop("s"), gettext_noop("ms"))
