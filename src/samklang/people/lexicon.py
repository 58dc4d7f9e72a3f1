"""What pages call the things that the code knows by short names: record types, states, kinds of system, hops."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

#: Short name → words. What is missing here is shown with spaces for underscores (see a test: nothing of ours is).
WORDS: dict[str, str | Promise] = {
    # record types
    "product": _("product"), "price_list": _("price list"), "price": _("price"), "stock": _("stock level"),
    "customer": _("customer"), "order": _("order"), "order_status": _("order status"), "shipment": _("shipment"),
    "capture": _("capture"), "refund": _("refund"), "void": _("void"), "order_edit": _("order edit"),
    "release": _("release"), "return": _("return"), "inbound": _("inbound delivery"), "receipt": _("receipt"),
    "voucher": _("voucher"), "variant": _("article"), "payout": _("payout"), "cancellation": _("cancellation"),
    "quota": _("package"),
    # kinds of system
    "shop": _("shop"), "erp": _("ERP"), "wms": _("warehouse"), "carrier": _("carrier"),
    "marketplace": _("marketplace"), "payment": _("payment"), "pos": _("till"), "bank": _("bank"),
    # states of a delivery
    "idle": _("delivered"), "due": _("on its way"), "sending": _("being sent"), "waiting": _("waits"),
    "stopped": _("stopped"), "held": _("held"), "parked": _("flow is off"),
    # what a step says
    "read": _("read"), "created": _("created"), "updated": _("updated"), "unchanged": _("unchanged"),
    "waits": _("waits"), "retry": _("will be tried again"), "matched": _("found there"), "paused": _("paused"),
    "released": _("released"), "let go": _("let go"), "tried again": _("tried again"), "skipped": _("given up"),
    "resent": _("sent once more"), "amended": _("corrected"), "late": _("came late"),
    # what is done to many
    "mend": _("try again"), "give up": _("give up"), "hold": _("hold"),
    # the life of an order
    "draft": _("draft"), "placed": _("placed"), "confirmed": _("confirmed"), "closed": _("closed"),
    "cancelled": _("cancelled"), "expired": _("expired"), "none": _("not begun"),
    "waiting_stock": _("waits for stock"), "ready": _("ready"),
    "picking": _("being picked"), "partly_shipped": _("partly shipped"), "shipped": _("shipped"),
    "delivered": _("delivered"), "partly_returned": _("partly returned"), "returned": _("returned"),
    "not_required": _("nothing to pay"), "pending": _("not paid"), "authorised": _("authorised"),
    "partly_captured": _("partly captured"), "captured": _("paid"), "partly_refunded": _("partly refunded"),
    "refunded": _("refunded"), "voided": _("voided"), "disputed": _("disputed"), "charged_back": _("charged back"),
    # what problems of the books are about
    "books check": _("check of the books"), "statement file": _("statement file"),
    "itemised list": _("itemised list"),
    # vouchers, files, and lines of statements
    "validated": _("to be approved"), "approved": _("approved"), "sent": _("sent to the ledger"),
    "posted": _("posted"), "reversed": _("taken back"), "taken": _("read in"), "refused": _("refused"),
    "sale": _("sale"), "fee": _("fee"), "fee_vat": _("VAT on fees"), "fee_correction": _("correction of a fee"),
    "adjustment": _("adjustment"), "chargeback": _("dispute"), "chargeback_reversal": _("dispute won"),
    "refund_reversal": _("refund that came back"), "holdback": _("held back"),
    "statement_line": _("statement line"),
    "bank_line": _("bank line"), "invoice": _("invoice"), "opening": _("opening item"),
    # transfers
    "running": _("running"), "ok": _("ok"), "failed": _("failed"), "in": _("read"), "out": _("written"),
    # feeds
    "orders": _("orders"), "products": _("products"), "catalogue": _("catalogue"), "customers": _("customers"),
    "statuses": _("statuses"), "articles": _("articles"), "prices": _("prices"), "stock_levels": _("stock levels"),
    "shipments": _("shipments"), "returns": _("returns"), "receipts": _("receipts"),
    # articles and their fields
    "name": _("name"), "variants": _("variants"), "axes": _("axes"), "tax_class": _("tax class"),
    "status": _("state"), "description": _("description"), "names": _("names in other languages"),
    "descriptions": _("descriptions in other languages"), "brand": _("brand"), "categories": _("categories"),
    "attributes": _("attributes"), "images": _("pictures"), "origin_country": _("country of origin"),
    "hs_code": _("customs code"),
    "active": _("active"), "archived": _("archived"),
    "code": _("code"), "amount": _("amount"), "compare_at": _("price before"), "valid_from": _("valid from"),
    "valid_to": _("valid to"), "currency": _("currency"), "on_hand": _("on hand"), "reserved": _("reserved"),
    "unavailable": _("not available"), "incoming": _("on order"), "warehouse": _("warehouse"),
    "sku": _("article number"),
    # fields of orders, customers and what hangs on an order
    "order_no": _("order number"), "customer_no": _("customer number"), "org_no": _("organisation number"),
    "vat_no": _("VAT number"), "email": _("e-mail"), "phone": _("phone"), "kind": _("kind"),
    "billing": _("invoice address"), "shipping": _("delivery address"), "lines": _("lines"), "charges": _("fees"),
    "note": _("note"), "shipping_method": _("shipping method"), "payment_method": _("payment method"),
    "carrier_code": _("carrier"), "service_code": _("service"), "net": _("net"), "tax": _("VAT"), "gross": _("total"),
    "lifecycle": _("order state"), "fulfilment": _("goods"), "documents": _("documents"), "parcels": _("parcels"),
    "tracking_no": _("tracking number"), "tracking_url": _("tracking address"), "payment_id": _("id of the payment"),
    "final": _("last capture"), "whole": _("the whole"), "after": _("after"), "at": _("time"), "number": _("number"),
    "series": _("series"), "date": _("date"), "text": _("text"), "supplier": _("supplier"),
    "expected_on": _("expected on"), "state": _("state"), "reason": _("reason"),
    "quantity": _("quantity"), "totals": _("totals"), "payments": _("payments"), "tax_percent": _("VAT rate"),
    "vat": _("VAT rate"), "price_lists": _("price lists"), "service": _("service"), "drop_point": _("pick-up point"),
    "custom": _("own fields"), "city": _("city"), "postcode": _("postcode"),
    "placed_at": _("placed at"), "prices_include_tax": _("prices include VAT"), "tax_rounding": _("VAT rounding"),
    "paid": _("paid"), "test": _("test order"), "group": _("customer group"), "customer_groups": _("customer groups"),
    "language": _("language"), "vat_check": _("check of the VAT number"), "discounts": _("discounts"),
    "taxes": _("VAT by rate"), "transaction_id": _("id of the transaction"), "raw": _("word of the system"),
    "min_qty": _("from quantity"), "tax_included": _("includes VAT"), "received_at": _("received at"),
    "shipped_at": _("sent at"), "by": _("by"), "key": _("key"), "reverses": _("reverses"),
    # parts of records, as errors of rules name them
    "order line": _("order line"), "charge": _("fee"), "discount": _("discount"), "tax total": _("VAT total"),
    "document": _("document"), "line status": _("line state"), "parcel": _("parcel"), "axis": _("axis"),
    "shipment line": _("shipment line"), "money line": _("amount line"), "edit line": _("edit line"),
    "release line": _("release line"), "return line": _("return line"), "inbound line": _("inbound line"),
    "voucher line": _("voucher line"), "ref": _("reference"), "paid part": _("paid part"),
    # what a configuration is made of, and what the audit tells of an act
    "tenant": _("tenant"), "connection": _("connection"), "channel": _("channel"), "company": _("company"),
    "flow": _("flow"), "rules": _("rules"), "settings": _("settings"), "status_words": _("status words"),
    "options": _("options"), "fields": _("fields"), "mode": _("mode"), "when": _("condition"), "since": _("from"),
    "enabled": _("on"), "source": _("source"), "target": _("target"), "country": _("country"),
    "time_zone": _("time zone"), "dimension": _("result unit"), "role": _("role"), "rows": _("rows"),
    "filters": _("filters"), "count": _("count"), "scopes": _("rights"), "days": _("days"), "why": _("why"),
    "webhook": _("webhook"), "token": _("API token"), "hours": _("hours"), "work": _("kind of work"),
    "delivery": _("delivery"), "installation": _("installation"), "training": _("training"),
    "configuration": _("configuration"), "bulk": _("act on many"), "problem": _("problem"), "file": _("file"),
    "line": _("line"), "version": _("version"), "package": _("package"),
    "person": _("person"), "member": _("member"), "invitation": _("invitation"),
    "type": _("type"), "types": _("kinds"), "address": _("address"), "account": _("account"), "before": _("before"),
    "broken off": _("broken off"),
    # what does not add up in the books (accounting/problems.py)
    "TX_WITHOUT_ORDER": _("a line without its order"),
    "ORDER_WITHOUT_TX": _("an order that the provider has not stated"),
    "AMOUNT_DIFF": _("amounts differ"), "VAT_DIFF": _("VAT differs"), "CURRENCY_DIFF": _("currencies differ"),
    "DUPLICATE_STATEMENT": _("a statement that is there already"), "STATEMENT_CHANGED": _("a statement was changed"),
    "STATEMENT_UNBALANCED": _("a statement does not add up"), "PAYOUT_WITHOUT_BANK": _("a payout is not at the bank"),
    "BANK_WITHOUT_PAYOUT": _("a bank line without its payout"),
    "FEE_TREATMENT_UNDECIDED": _("how a fee is taxed is not decided"), "ACCOUNT_MISSING": _("an account is missing"),
    "PERIOD_LOCKED": _("the period is locked"), "SUSPENSE_NOT_EMPTY": _("the suspense account is not empty"),
    "CONTROL_DIFF": _("a control differs"), "VOUCHER_CHANGED": _("a voucher was changed"),
    # rights, as tokens name them
    "see": _("look"), "operate": _("mend"), "configure": _("configure"), "books": _("see books"),
    "approve": _("approve"), "people": _("people"),
    # what a brake stopped (hub/guards.py)
    "go to zero stock": _("go to zero stock"), "disappear or are archived": _("disappear or are archived"),
    "change price": _("change price"), "change order status": _("change order status"),
}  # fmt: skip

# Units that templatetags/words.py asks for by name.
_UNITS = (_("h"), _("min"), _("s"), _("ms"))

#: What a charge of an order is for, where it has no name of its own; some of these words mean other things elsewhere.
CHARGES = {
    "shipping": pgettext_lazy("charge", "shipping"), "fee": pgettext_lazy("charge", "fee"),
    "rounding": pgettext_lazy("charge", "rounding"), "tip": pgettext_lazy("charge", "tip"),
    "gift_wrap": pgettext_lazy("charge", "gift wrapping"),
}  # fmt: skip
