"""Which fields of a Fortnox resource may be written, of which type and length; and how a wrong one is refused.

Names, types and lengths follow the vendor's own OpenAPI. Fields that it holds but that nobody writes here (read-only
totals and the like) are refused as unknown names: stricter than the service may be (unconfirmed), so that a connector
that leans on them is found out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any


class Refused(Exception):
    """The ledger says no: HTTP status, Fortnox error code, message in Swedish as the service words them.

    Codes marked 0 in this package are not known to us; the service has a number of its own there.
    """

    def __init__(self, message: str, code: int = 0, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status


#: Characters outside the basic plane and control characters are "ej tillåtna tecken" (exact set unconfirmed).
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\U00010000-\U0010ffff]")
_FIELD = re.compile(r"(\w+)(!?)=([a-z]+)(\d*)")

Rules = Mapping[str, tuple[str, int, bool]]  # name → kind, longest text, required


def _rules(text: str) -> Rules:
    """`Name!=str200` is a required text of at most 200 characters; kinds: str, num, int, bool, date, rows, any."""
    return {name: (kind, int(most or 0), bool(must)) for name, must, kind, most in _FIELD.findall(text)}


ARTICLE = _rules(
    """ArticleNumber=str50 Description!=str200 EAN=str30 Unit=str VAT=num Type=str StockGoods=bool WebshopArticle=bool
    Active=bool Expired=bool Bulky=bool Housework=bool Weight=int Width=int Height=int Depth=int Manufacturer=str50
    ManufacturerArticleNumber=str50 Note=str10000 PurchasePrice=num QuantityInStock=num StockPlace=str100
    StockWarning=num SalesAccount=int EUAccount=int EUVATAccount=int ExportAccount=int PurchaseAccount=int
    SupplierNumber=str FreightCost=num OtherCost=num DirectCost=num DefaultStockPoint=str"""
)
_ADDRESS = "Address1=str1024 Address2=str1024 ZipCode=str10 City=str1024 Phone1=str1024 Phone2=str1024"
_DELIVERY = (
    "DeliveryName=str1024 DeliveryAddress1=str1024 DeliveryAddress2=str1024 DeliveryZipCode=str10 DeliveryCity=str1024"
)
CUSTOMER = _rules(
    f"""CustomerNumber=str1024 Name!=str1024 OrganisationNumber=str30 Email=str1024 Type=str VATType=str VATNumber=str
    {_ADDRESS} CountryCode=str2 {_DELIVERY} DeliveryCountryCode=str2 DeliveryPhone1=str1024 Currency=str3
    PriceList=str EmailInvoice=str1024 EmailOrder=str1024 ExternalReference=str1024 GLN=str13 Comments=str1024
    ShowPriceVATIncluded=bool Active=bool SalesAccount=str4 YourReference=str50 OurReference=str50
    TermsOfPayment=str TermsOfDelivery=str WayOfDelivery=str"""
)
_DOCUMENT = f"""CustomerNumber!=str CustomerName=str1024 {_ADDRESS} Country=str {_DELIVERY} DeliveryCountry=str
    DeliveryDate=date Currency=str3 CurrencyRate=num VATIncluded=bool Freight=num AdministrationFee=num PriceList=str
    ExternalInvoiceReference1=str80 ExternalInvoiceReference2=str80 YourOrderNumber=str75 YourReference=str50
    OurReference=str50 Remarks=str1024 Comments=str1024 WayOfDelivery=str TermsOfDelivery=str TermsOfPayment=str
    NotCompleted=bool Language=str CostCenter=str Project=str"""
ORDER = _rules(f"{_DOCUMENT} OrderDate=date DeliveryState=str OrderType=str OrderRows=rows CopyRemarks=bool")
INVOICE = _rules(f"{_DOCUMENT} InvoiceDate=date DueDate=date InvoiceType=str PaymentWay=str OCR=str InvoiceRows=rows")
ROW = _rules(
    """ArticleNumber=str50 Description=str255 OrderedQuantity=num DeliveredQuantity=num Price=num Discount=num
    DiscountType=str VAT=num VATCode=str AccountNumber=int Unit=str CostCenter=str Project=str RowId=int
    StockPointCode=str"""
)
PRICE_LIST = _rules("Code!=str100 Description!=str50 Comments=str PreSelected=bool")
PRICE = _rules("ArticleNumber!=str50 PriceList!=str100 FromQuantity=num Price=num Percent=num")
UNIT = _rules("Code!=str20 Description!=str100 CodeEnglish=str100")
PAYMENT = _rules(
    """InvoiceNumber!=int Amount=num AmountCurrency=num Currency=str3 CurrencyRate=num PaymentDate=date
    ModeOfPayment=str ModeOfPaymentAccount=int ExternalInvoiceReference1=str ExternalInvoiceReference2=str"""
)
VOUCHER = _rules(
    """Description!=str200 TransactionDate!=date VoucherSeries!=str Year=int Comments=str1000 CostCenter=str
    Project=str VoucherRows!=rows"""
)
FILE = _rules("FileId!=str VoucherSeries!=str VoucherNumber!=str")
VOUCHER_ROW = _rules("Account!=int Debit=num Credit=num CostCenter=str Project=str TransactionInformation=str100")

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "Type": ("STOCK", "SERVICE", "PRIVATE", "COMPANY"),
    "VATType": ("SEVAT", "SEREVERSEDVAT", "EUREVERSEDVAT", "EUVAT", "EXPORT"),
    "DiscountType": ("AMOUNT", "PERCENT"),
    "DeliveryState": ("registration", "reservation", "delivery"),
    "InvoiceType": ("INVOICE", "AGREEMENTINVOICE", "INTRESTINVOICE", "SUMMARYINVOICE", "CASHINVOICE"),
}


def checked(data: object, rules: Rules, *, partial: bool = False) -> dict[str, Any]:
    """The fields with numbers as Decimal and dates as text; Refused for the first that is wrong.

    `partial`: a PUT, where omitted fields stay as they are.
    """
    if not isinstance(data, dict) or not data:
        raise Refused("Ingen eller felaktig typ av data.", 2001392)
    good: dict[str, Any] = {}
    for name, value in data.items():
        if name not in rules:
            raise Refused(f"Felaktigt fältnamn ({name})", 2001399)
        kind, most, _ = rules[name]
        good[name] = _value(name, value, kind, most)
    required: Iterable[str] = () if partial else (name for name, rule in rules.items() if rule[2])
    for name in required:
        if good.get(name) in (None, "", []):
            raise Refused(f"Värde måste anges för {name}", 0)
    return good


def _value(name: str, value: Any, kind: str, most: int) -> Any:
    if kind == "rows":
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise Refused("Ingen eller felaktig typ av data.", 2001392)
        return value
    if kind == "bool":
        if not isinstance(value, bool):
            raise Refused(f"Värdet måste vara en boolean ({value})", 2000134)
        return value
    if kind in ("num", "int"):
        try:
            number = Decimal(value if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else "x")
        except InvalidOperation:
            raise Refused(f"Värdet måste vara numeriskt ({value})", 2000108) from None
        if not number.is_finite() or (kind == "int" and number != int(number)):
            raise Refused(f"Värdet måste vara numeriskt ({value})", 2000108)
        return int(number) if kind == "int" else number
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Refused(f"Värdet måste vara alfanumeriskt ({value})", 2000106)
    text = str(value)
    if _ILLEGAL.search(text):
        raise Refused(f"Värdet innehåller ej tillåtna tecken. ({text})", 2000359)
    if most and len(text) > most:
        raise Refused(f"{name} får vara högst {most} tecken långt", 0)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise Refused(f"Ogiltigt värde för {name} ({text})", 0)
    if kind == "date":
        try:
            date.fromisoformat(text)
        except ValueError:
            raise Refused("Failed to format date. Not given in any of the valid formats.", 0) from None
    return text
