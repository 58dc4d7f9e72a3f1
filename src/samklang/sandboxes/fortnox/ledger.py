"""The ledger itself: registers, stock, prices, vouchers. Plain dicts with the vendor's field names, numbers as Decimal.

`documents` builds orders and invoices on top of it. Every stored thing has `_modified`, its last change in Swedish
local time to the minute, which is what `lastmodified` filters compare with (unconfirmed; the document only names it).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from samklang.records.vat import rates
from samklang.sandboxes.fortnox import chart, fields
from samklang.sandboxes.fortnox.fields import Refused, checked
from samklang.sandboxes.fortnox.totals import ore
from samklang.sandboxes.swedish import families, parties

ZONE = ZoneInfo("Europe/Stockholm")
Row = dict[str, Any]

_WAYS = {"B": "Brev", "POSTEN": "PostNord MyPack", "DHL": "DHL Service Point", "H": "Hämtas"}
_TERMS = {"30": "30 dagar netto", "10": "10 dagar netto", "0": "Kontant", "K": "Kortbetalning"}
_UNITS = {"st": "Styck", "kg": "Kilogram", "m": "Meter", "l": "Liter", "tim": "Timmar", "par": "Par"}


class Registers:
    """Articles, customers, price lists, units, vouchers, with the checks that Fortnox makes."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.warehouse = False
        self.articles: dict[str, Row] = {}
        self.customers: dict[str, Row] = {}
        self.price_lists: dict[str, Row] = {}
        self.prices: dict[tuple[str, str], dict[Decimal, Decimal]] = {}
        self.units: dict[str, Row] = {code: {"Code": code, "Description": text} for code, text in _UNITS.items()}
        self.ways: dict[str, Row] = {code: {"Code": code, "Description": text} for code, text in _WAYS.items()}
        self.terms: dict[str, Row] = {code: {"Code": code, "Description": text} for code, text in _TERMS.items()}
        self.vouchers: dict[tuple[str, int, int], Row] = {}  # series, number, year
        self.accounts: dict[int, Row] = {
            number: {"Number": number, "Description": name, "VATCode": code, "Active": True}
            for number, (name, code) in chart.ACCOUNTS.items()
        }
        self.series: dict[str, str] = dict(chart.SERIES)
        self.locked_until = ""
        self.reserved: dict[str, Decimal] = {}
        self._numbers = {"article": itertools.count(1), "customer": itertools.count(1)}
        for code, text in (("A", "Prislista A"), ("B", "Återförsäljare")):
            self.price_lists[code] = {"Code": code, "Description": text, "Comments": "", "PreSelected": code == "A"}

    # ------------------------------------------------------------------------------------------------ helpers

    def today(self) -> date:
        """The business day in Sweden."""
        return self._now().astimezone(ZONE).date()

    def touch(self, thing: Row) -> None:
        """Stamp a change, as `lastmodified` sees it."""
        thing["_modified"] = self._now().astimezone(ZONE).strftime("%Y-%m-%d %H:%M")

    def known(self, given: Row) -> None:
        """Refuse a price list, way of delivery or terms of payment that are not in their registers."""
        registers = (
            ("PriceList", "Prislistan", self.price_lists), ("WayOfDelivery", "Leveranssättet", self.ways),
            ("TermsOfPayment", "Betalningsvillkoret", self.terms),
        )  # fmt: skip
        for name, called, register in registers:
            if given.get(name) and given[name] not in register:
                raise Refused(f"{called} {given[name]} finns inte", 0)

    def _free_number(self, kind: str, taken: Mapping[str, Row]) -> str:
        return next(str(n) for n in self._numbers[kind] if str(n) not in taken)

    # ------------------------------------------------------------------------------------------------ articles

    def article(self, number: str) -> Row:
        """The article; 404 when there is none."""
        if number not in self.articles:
            raise Refused("Kan inte hitta artikeln", 2000428, 404)
        return self.articles[number]

    def put_article(self, data: object, number: str | None = None) -> Row:
        """Create (number None) or update an article."""
        given = checked(data, fields.ARTICLE, partial=number is not None)
        if given.get("Unit") and given["Unit"] not in self.units:
            raise Refused(f"Enheten {given['Unit']} finns inte", 0)
        if self.warehouse and "QuantityInStock" in given:
            raise Refused("Lagersaldo kan inte ändras när lagermodulen är aktiv", 2003127)
        if number is None:
            number = given.get("ArticleNumber") or self._free_number("article", self.articles)
            if number in self.articles:
                raise Refused(f"Artikelnummer {number} används redan.", 0)
            article = {
                "ArticleNumber": number,
                "Active": True,
                "Type": "STOCK",
                "StockGoods": False,
                "VAT": Decimal(25),
            }
            article |= {"QuantityInStock": Decimal(0), "WebshopArticle": False, "Unit": "", "EAN": ""}
            self.articles[number] = article
        else:
            article = self.article(number)
            if given.get("ArticleNumber", number) != number:
                raise Refused("Artikelnummer kan inte ändras", 0)
        article |= given
        self.touch(article)
        return article

    def shown_article(self, article: Row) -> Row:
        """The article as GET shows it: with stock figures and the preselected list's price."""
        number = article["ArticleNumber"]
        in_stock, reserved = article["QuantityInStock"], self.reserved.get(number, Decimal(0))
        return {
            "@url": f"https://api.fortnox.se/3/articles/{number}",
            **{name: value for name, value in article.items() if name[0] != "_"},
            "ReservedQuantity": reserved,
            "DisposableQuantity": in_stock - reserved,
            "StockValue": ore(in_stock * Decimal(article.get("PurchasePrice", 0))),
            "SalesPrice": self.price(number),
        }

    def delete_article(self, number: str) -> None:
        """Remove an article that nothing waits for."""
        self.article(number)
        if self.reserved.get(number):
            raise Refused("Artikeln används och kan inte tas bort", 0)
        del self.articles[number]
        self.prices = {key: value for key, value in self.prices.items() if key[1] != number}

    # ------------------------------------------------------------------------------------------------ prices

    def preselected(self) -> str:
        """Code of the price list that applies when nothing else is said."""
        return next((code for code, row in self.price_lists.items() if row["PreSelected"]), "A")

    def price(self, article: str, price_list: str = "", pieces: Decimal = Decimal(0)) -> Decimal:
        """What one piece costs in a list at a quantity; 0 where no price is set."""
        steps = self.prices.get((price_list or self.preselected(), article), {})
        fitting = [step for step in steps if step <= pieces]
        return steps[max(fitting)] if fitting else Decimal(0)

    def put_price(self, data: object, *, path: tuple[str, str, str] | None = None) -> Row:
        """Create a price, or (with path) change the one at list, article, from-quantity."""
        given = checked(data, fields.PRICE, partial=path is not None)
        code, number = (path[0], path[1]) if path else (given["PriceList"], given["ArticleNumber"])
        step = quantity(path[2]) if path else Decimal(given.get("FromQuantity", 0))
        if code not in self.price_lists:
            raise Refused(f"Prislistan {code} finns inte", 0, 404 if path else 400)
        self.article(number)
        steps = self.prices.setdefault((code, number), {})
        if path and step not in steps:
            raise Refused("Kan inte hitta priset", 0, 404)
        if not path and step in steps:
            raise Refused("Priset finns redan", 0)
        steps[step] = ore(Decimal(given.get("Price", steps.get(step, 0))))
        return self.shown_price(code, number, step)

    def shown_price(self, code: str, number: str, step: Decimal) -> Row:
        """One price as the service shows it; 404 when there is none."""
        steps = self.prices.get((code, number), {})
        if step not in steps:
            raise Refused("Kan inte hitta priset", 0, 404)
        return {"ArticleNumber": number, "PriceList": code, "FromQuantity": step, "Price": steps[step]}

    def put_price_list(self, data: object, code: str | None = None) -> Row:
        """Create or change a price list; only one is preselected."""
        given = checked(data, fields.PRICE_LIST, partial=code is not None)
        if code is None:
            code = str(given["Code"])
            if code in self.price_lists:
                raise Refused(f"Prislistan {code} finns redan", 0)
            self.price_lists[code] = {"Code": code, "Comments": "", "PreSelected": False}
        elif code not in self.price_lists:
            raise Refused("Kan inte hitta prislistan", 0, 404)
        if given.get("PreSelected"):
            for row in self.price_lists.values():
                row["PreSelected"] = False
        self.price_lists[code] |= given
        return self.price_lists[code]

    # ------------------------------------------------------------------------------------------------ customers

    def customer(self, number: str) -> Row:
        """The customer; 404 when there is none."""
        if number not in self.customers:
            raise Refused("Kunde inte hitta kund", 2000204, 404)
        return self.customers[number]

    def put_customer(self, data: object, number: str | None = None) -> Row:
        """Create (number None) or update a customer."""
        given = checked(data, fields.CUSTOMER, partial=number is not None)
        self.known(given)
        if number is None:
            number = given.get("CustomerNumber") or self._free_number("customer", self.customers)
            if number in self.customers:
                raise Refused(f"Kundnummer {number} används redan.", 2000637)
            defaults = {"CustomerNumber": number, "Active": True, "Type": "COMPANY", "VATType": "SEVAT"}
            self.customers[number] = defaults | {
                "Currency": "SEK",
                "CountryCode": "SE",
                "PriceList": self.preselected(),
            }
        customer = self.customer(number)
        customer |= given | {"CustomerNumber": number}
        self.touch(customer)
        return customer

    # ------------------------------------------------------------------------------------------------ bookkeeping

    def put_voucher(self, data: object, year: str = "") -> Row:
        """Book a voucher: at least two rows, in balance, on accounts in use, dated in an open year (`year`: its id)."""
        given = checked(data, fields.VOUCHER)
        rows = [checked(row, fields.VOUCHER_ROW) for row in given["VoucherRows"]]
        if len(rows) < 2 or sum(row.get("Debit", 0) - row.get("Credit", 0) for row in rows):
            raise Refused("Verifikationen balanserar inte", 0)
        for row in rows:
            if not self.accounts.get(row["Account"], {"Active": False})["Active"]:
                raise Refused(f"Kontot {row['Account']} finns inte eller är inaktivt", 0)
        if given["VoucherSeries"] not in self.series:
            raise Refused(f"Verifikationsserien {given['VoucherSeries']} finns inte", 0)
        of = self.year_of(given["TransactionDate"])
        if of is None or (year and str(of["Id"]) != year):
            raise Refused("Datumet ligger utanför räkenskapsåret", 0)
        if given["TransactionDate"] <= self.locked_until:
            raise Refused("Perioden är låst", 0)
        return self.book(given["VoucherSeries"], given | {"VoucherRows": rows})

    def book(self, series: str, voucher: Row) -> Row:
        """Give the voucher the next number of its series and year."""
        year = (self.year_of(voucher["TransactionDate"]) or self.year())["Id"]
        number = 1 + sum(1 for key in self.vouchers if (key[0], key[2]) == (series, year))
        made = voucher | {"VoucherSeries": series, "VoucherNumber": number, "Year": year}
        self.vouchers[series, number, year] = made
        return made

    def years(self) -> list[Row]:
        """The financial years that are there: last year's and this year's."""
        return [self.year(self.today().year - 1), self.year()]

    def year_of(self, day: str) -> Row | None:
        """The financial year of a date."""
        return next((year for year in self.years() if year["FromDate"] <= day <= year["ToDate"]), None)

    def year(self, year: int = 0) -> Row:
        """A financial year, which is a calendar year; without one the open year."""
        year = year or self.today().year
        ends = {"FromDate": f"{year}-01-01", "ToDate": f"{year}-12-31"}
        return {"Id": year - 2020, **ends, "AccountingMethod": "ACCRUAL", "AccountChartType": "Bas 2024"}

    # ------------------------------------------------------------------------------------------------ seed

    def fill(self, articles: int, customers: int, seed: int) -> None:
        """Swedish articles (each variant its own) and customers, the same for the same seed."""
        for data, price in itertools.islice(_articles(seed, self.today()), articles):
            number = self.put_article(data)["ArticleNumber"]
            self.prices["A", number] = {Decimal(0): price}
            if len(self.articles) % 3 == 0:
                self.prices["B", number] = {Decimal(0): ore(price * Decimal("0.8")), Decimal(10): ore(price * 3 / 4)}
        for party in itertools.islice(parties(seed), customers):
            self.put_customer(
                {
                    "Name": party.company or f"{party.first_name} {party.last_name}",
                    "Type": "COMPANY" if party.company else "PRIVATE",
                    "OrganisationNumber": party.org_no,
                    "VATNumber": party.vat_no,
                    "Email": party.email,
                    "Phone1": party.phone,
                    "Address1": party.street,
                    "ZipCode": party.postcode,
                    "City": party.city,
                    "CountryCode": party.country,
                }
            )


def _articles(seed: int, day: date) -> Iterator[tuple[Row, Decimal]]:
    """Every article of the Swedish families, with its price without VAT."""
    for family in families(seed):
        vat = rates.percent("SE", family.tax_class, day)
        for article in family.articles:
            data = {
                "ArticleNumber": article.sku,
                "Description": " ".join((family.name, *article.options.values())),
                "EAN": article.gtin,
                "Unit": "st",
                "VAT": vat,
                "StockGoods": True,
                "WebshopArticle": True,
                "Weight": article.weight_g,
                "Manufacturer": family.brand,
                "PurchasePrice": family.cost,
                "QuantityInStock": Decimal(article.stock),
            }
            yield data, ore(family.price / (1 + vat / 100))


def quantity(text: str) -> Decimal:
    """A from-quantity of an address."""
    if not text.replace(".", "", 1).isdigit():
        raise Refused(f"Värdet måste vara numeriskt ({text})", 2000108)
    return Decimal(text)


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)
