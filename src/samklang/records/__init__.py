"""What commerce is: pure typed data and its arithmetic. No I/O; imports nothing else of Samklang.

`base`    the Record all types share, canonical encoding, content hash
`money`   decimals, rounding, largest-remainder split        `vat`    effective-dated rates
`ids`     SKU and customer compare keys, GTIN check digit    `times`  instants in UTC, shop-local dates
`product` product, variant, axis; price, price list; stock   `party`  customer, address
`order`   order, line, charge, discount; status on three axes; shipment and parcel
`payment` what moved at the payment providers; VAT category, scheme and number check
`states`  the three axes as a state machine              `warehouse` edits, release, returns, inbound
`movements` what a provider is asked: capture, refund, void
`voucher` what is booked: balanced lines that name their sources
`totals`  an order's money as rows of a document             `units`  weights in grams

Modules that map a vendor's shapes `import records as r`, so that `r.Order` is ours and `shapes.Order` is theirs.
"""

from samklang.records.base import (
    InvalidRecord,
    Record,
    content_hash,
    decode,
    encode,
    record_class,
    record_types,
    types_of_order,
)
from samklang.records.ids import gtin, gtins, org_no_key, sku, sku_key
from samklang.records.money import ZERO, currency, decimal, from_minor_units, minor_units, rounded, split
from samklang.records.movements import Capture, MoneyLine, Refund, Void
from samklang.records.order import (
    Charge,
    Discount,
    Document,
    Fulfilment,
    Lifecycle,
    LineStatus,
    Order,
    OrderLine,
    OrderStatus,
    Parcel,
    Payment,
    Shipment,
    ShipmentLine,
    TaxTotal,
)
from samklang.records.party import Address, Customer
from samklang.records.payment import PaidPart, PaymentTransaction, VatCheck
from samklang.records.product import Axis, Price, PriceList, Product, StockLevel, Variant
from samklang.records.times import business_date, instant
from samklang.records.totals import amounts, document_rows, percent, priced_rows, tax_totals
from samklang.records.units import GRAMS, grams
from samklang.records.vat import rates
from samklang.records.voucher import Ref, Voucher, VoucherLine
from samklang.records.warehouse import EditLine, Inbound, InboundLine, OrderEdit, Receipt, Release, Return, ReturnLine

__all__ = [
    "GRAMS",
    "ZERO",
    "Address",
    "Axis",
    "Capture",
    "Charge",
    "Customer",
    "Discount",
    "Document",
    "EditLine",
    "Fulfilment",
    "Inbound",
    "InboundLine",
    "InvalidRecord",
    "Lifecycle",
    "LineStatus",
    "MoneyLine",
    "Order",
    "OrderEdit",
    "OrderLine",
    "OrderStatus",
    "PaidPart",
    "Parcel",
    "Payment",
    "PaymentTransaction",
    "Price",
    "PriceList",
    "Product",
    "Receipt",
    "Record",
    "Ref",
    "Refund",
    "Release",
    "Return",
    "ReturnLine",
    "Shipment",
    "ShipmentLine",
    "StockLevel",
    "TaxTotal",
    "Variant",
    "VatCheck",
    "Void",
    "Voucher",
    "VoucherLine",
    "amounts",
    "business_date",
    "content_hash",
    "currency",
    "decimal",
    "decode",
    "document_rows",
    "encode",
    "from_minor_units",
    "grams",
    "gtin",
    "gtins",
    "instant",
    "minor_units",
    "org_no_key",
    "percent",
    "priced_rows",
    "rates",
    "record_class",
    "record_types",
    "rounded",
    "sku",
    "sku_key",
    "split",
    "tax_totals",
    "types_of_order",
]
