"""What the test ERP holds: a Swedish company with its chart, VAT, fiscal years, catalogue, price lists and stock.

Everything goes in over JSON-RPC, so nothing of Tryton is imported. The articles are the same stream that the sandboxes
are filled from. Prices are stored without VAT, as ERPs do; account numbers follow the BAS chart.
"""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from samklang.sandboxes import swedish

if TYPE_CHECKING:
    from tests.integration.tryton_server import Tryton

#: The user that Samklang logs in as; not an administrator.
USER, PASSWORD = "samklang", "a-test-password-1"
#: Groups of that user: what the connector's README tells a merchant to give.
GROUPS = ("Sales", "Stock", "Accounting", "Product Administration", "Party Administration", "Sales Administrator")
SEED, FAMILIES = 1, 60
VAT = {"standard": Decimal(25), "reduced": Decimal(12), "food": Decimal(6), "low": Decimal(6)}
#: Price list → (formula, formula from 10 pieces).
PRICE_LISTS = {"Återförsäljare": ("unit_price * 0.7", "unit_price * 0.6"), "Klubb": ("unit_price * 0.9", None)}

CARRIER = "PostNord"

# code, name, type of account, further fields
_ACCOUNTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("1510", "Kundfordringar", "receivable", {"reconcile": True, "party_required": True}),
    ("1460", "Lager av handelsvaror", "stock", {}),
    ("1930", "Företagskonto", "bank", {}),
    ("2440", "Leverantörsskulder", "payable", {"reconcile": True, "party_required": True}),
    ("2611", "Utgående moms 25 %", "vat", {}),
    ("2621", "Utgående moms 12 %", "vat", {}),
    ("2631", "Utgående moms 6 %", "vat", {}),
    ("3001", "Försäljning inom Sverige, 25 % moms", "revenue", {}),
    ("3002", "Försäljning inom Sverige, 12 % moms", "revenue", {}),
    ("3003", "Försäljning inom Sverige, 6 % moms", "revenue", {}),
    ("3740", "Öres- och kronutjämning", "revenue", {}),
    ("4010", "Inköp av varor", "expense", {}),
)
_TYPES: dict[str, dict[str, Any]] = {
    "receivable": {"statement": "balance", "assets": True, "receivable": True},
    "stock": {"statement": "balance", "assets": True, "stock": True},
    "bank": {"statement": "balance", "assets": True},
    "payable": {"statement": "balance", "assets": False, "payable": True},
    "vat": {"statement": "balance", "assets": False},
    "revenue": {"statement": "income", "revenue": True},
    "expense": {"statement": "income", "expense": True},
}
_SALES = {Decimal(25): ("2611", "3001"), Decimal(12): ("2621", "3002"), Decimal(6): ("2631", "3003")}


def families() -> list[swedish.Family]:
    """The catalogue."""
    return list(itertools.islice(swedish.families(SEED), FAMILIES))


def catalogue_bytes() -> bytes:
    """Changes whenever the catalogue does."""
    return repr(families()).encode()


def today() -> dt.date:
    """The day on which the ERP thinks it is (its server runs in this machine's zone)."""
    return dt.datetime.now().astimezone().date()


def net(family: swedish.Family) -> Decimal:
    """The price without VAT, with the four decimals that Tryton keeps."""
    return (family.price / (1 + VAT[family.tax_class] / 100)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def seed(erp: Tryton) -> None:
    """Fill an empty Tryton."""
    company = _company(erp)
    taxes, accounts = _books(erp, company)
    categories = _categories(erp, taxes, accounts)
    _catalogue(erp, categories)
    _stock(erp, company)
    _user(erp, company)


def _company(erp: Tryton) -> int:
    # Currency rates are relative to each other: the company's own is 1.
    (sek,) = erp.create(
        "currency.currency",
        {
            "name": "Svensk krona", "code": "SEK", "numeric_code": "752", "symbol": "kr", "rounding": Decimal("0.01"),
            "digits": 2, "rates": [["create", [{"date": dt.date(2020, 1, 1), "rate": Decimal(1)}]]],
        },
    )  # fmt: skip
    (sweden, *_) = erp.create(
        "country.country",
        {"name": "Sverige", "code": "SE", "code3": "SWE", "code_numeric": "752"},
        {"name": "Norge", "code": "NO", "code3": "NOR", "code_numeric": "578"},
        {"name": "Finland", "code": "FI", "code3": "FIN", "code_numeric": "246"},
        {"name": "Danmark", "code": "DK", "code3": "DNK", "code_numeric": "208"},
    )
    address = {"street_unstructured": "Hamngatan 1", "postal_code": "41106", "city": "Göteborg", "country": sweden}
    (party,) = erp.create("party.party", {"name": "Provbolaget AB", "addresses": [["create", [address]]]})
    (company,) = erp.create("company.company", {"party": party, "currency": sek, "timezone": "Europe/Stockholm"})
    (admin,) = erp.rows("res.user", [["login", "=", "admin"]])
    erp.call("model.res.user.write", [admin["id"]], {"companies": [["add", [company]]], "company": company})
    erp.login()
    return company


def _books(erp: Tryton, company: int) -> tuple[dict[Decimal, int], dict[str, int]]:
    kinds = erp.create("account.account.type", *({"name": k, "company": company, **v} for k, v in _TYPES.items()))
    kind = dict(zip(_TYPES, kinds, strict=True))
    ids = erp.create(
        "account.account",
        *({"code": c, "name": n, "type": kind[t], "company": company, **more} for c, n, t, more in _ACCOUNTS),
    )
    accounts = dict(zip((row[0] for row in _ACCOUNTS), ids, strict=True))
    erp.call(
        "model.account.configuration.write",
        [1],
        {
            "default_account_receivable": accounts["1510"], "default_account_payable": accounts["2440"],
            "default_category_account_revenue": accounts["3001"], "default_category_account_expense": accounts["4010"],
        },
    )  # fmt: skip
    rates = tuple(_SALES)
    made = erp.create(
        "account.tax",
        *(
            {
                "name": f"Moms {rate}", "description": f"Moms {rate} %", "type": "percentage", "rate": rate / 100,
                "company": company, "invoice_account": accounts[_SALES[rate][0]],
                "credit_note_account": accounts[_SALES[rate][0]],
            }
            for rate in rates
        ),
    )  # fmt: skip
    for year in (today().year, today().year + 1):
        _fiscal_year(erp, company, year)
    (journal,) = erp.rows("account.journal", [["type", "=", "cash"]])
    bank = accounts["1930"]
    erp.create(
        "account.invoice.payment.method",
        {"name": "Bank", "company": company, "journal": journal["id"], "credit_account": bank, "debit_account": bank},
    )
    erp.create(
        "account.invoice.payment_term",
        {"name": "Direkt", "lines": [["create", [{"type": "remainder"}]]]},
        {
            "name": "30 dagar",
            "lines": [["create", [{"type": "remainder", "relativedeltas": [["create", [{"days": 30}]]]}]]],
        },
    )
    return dict(zip(rates, made, strict=True)), accounts


def _fiscal_year(erp: Tryton, company: int, year: int) -> None:
    def sequence(kind: str, prefix: str) -> int:
        (of,) = erp.rows("ir.sequence.type", [["name", "=", kind]])
        row = {"name": f"{kind} {year}", "sequence_type": of["id"], "company": company, "prefix": prefix}
        return erp.create("ir.sequence.strict", row)[0]

    invoices = sequence("Invoice", f"{year}-")
    numbers = {
        "company": company,
        **dict.fromkeys(("out_invoice_sequence", "out_credit_note_sequence"), invoices),
        **dict.fromkeys(("in_invoice_sequence", "in_credit_note_sequence"), invoices),
    }
    fiscal = {
        "name": str(year), "company": company, "start_date": dt.date(year, 1, 1), "end_date": dt.date(year, 12, 31),
        "move_sequence": sequence("Account Move", "V"), "invoice_sequences": [["create", [numbers]]],
    }  # fmt: skip
    made = erp.create("account.fiscalyear", fiscal)
    erp.call("model.account.fiscalyear.create_period", made)


def _categories(erp: Tryton, taxes: dict[Decimal, int], accounts: dict[str, int]) -> dict[str, int]:
    """Accounting categories (they hold VAT and accounts) by VAT rate, and categories to look at, by name."""
    made = {}
    for rate, tax in taxes.items():
        row = {
            "name": f"Varor {rate} %", "accounting": True, "account_expense": accounts["4010"],
            "account_revenue": accounts[_SALES[rate][1]], "customer_taxes": [["add", [tax]]],
        }  # fmt: skip
        made[f"vat {rate}"] = erp.create("product.category", row)[0]
    rounding = {"name": "Öresutjämning", "accounting": True, "account_revenue": accounts["3740"]}
    rounding["account_expense"] = accounts["4010"]
    made["rounding"] = erp.create("product.category", rounding)[0]
    names = sorted({family.category for family in families()})
    return made | dict(zip(names, erp.create("product.category", *({"name": name} for name in names)), strict=True))


def _catalogue(erp: Tryton, categories: dict[str, int]) -> None:
    (unit,) = erp.rows("product.uom", [["name", "=", "Unit"]])
    (gram,) = erp.rows("product.uom", [["name", "=", "Gram"]])
    sold = {"default_uom": unit["id"], "sale_uom": unit["id"], "salable": True}
    axes: dict[str, set[str]] = {}
    for family in families():
        for axis, values in family.axes.items():
            axes.setdefault(axis, set()).update(values)
    # An attribute is a typed field of variants; a set says which of them a product's variants have.
    names = {
        axis: "".join(c for c in axis.lower().translate(str.maketrans("åäö", "aao")) if c.isalnum()) for axis in axes
    }
    attributes = {
        axis: erp.create("product.attribute", {"name": names[axis], "string": axis, "type_": "char"})[0]
        for axis in axes
    }
    sets: dict[tuple[str, ...], int] = {}
    templates = []
    for family in families():
        used = tuple(family.axes)
        if used and used not in sets:
            row = {"name": " + ".join(used), "attributes": [["add", [attributes[axis] for axis in used]]]}
            sets[used] = erp.create("product.attribute.set", row)[0]
        variants = [
            {
                "suffix_code": article.sku.removeprefix(family.code), "description": family.description,
                "cost_price": family.cost,
                "identifiers": [["create", [{"type": "ean", "code": article.gtin}]]],
                **({"attributes": {names[axis]: value for axis, value in article.options.items()}} if used else {}),
            }
            for article in family.articles
        ]  # fmt: skip
        templates.append(
            {
                **sold, "name": family.name, "code": family.code, "type": "goods", "list_price": net(family),
                "account_category": categories[f"vat {VAT[family.tax_class]}"],
                "categories": [["add", [categories[family.category]]]], "attribute_set": sets.get(used),
                "weight": family.articles[0].weight_g, "weight_uom": gram["id"], "products": [["create", variants]],
            }
        )  # fmt: skip
    services = [
        {
            **sold, "name": name, "code": code, "type": "service", "list_price": Decimal(price),
            "account_category": categories[category], "products": [["create", [{"suffix_code": ""}]]],
        }
        for code, name, price, category in (
            ("FRAKT", "Frakt", "39.20", "vat 25"),
            ("AVGIFT", "Avgift", "0", "vat 25"),
            ("AVRUND", "Öresutjämning", "0", "rounding"),
        )
    ]  # fmt: skip
    everything = [*templates, *services]
    for first in range(0, len(everything), 10):  # SQLite's parser overflows on the check over many codes at once
        erp.create("product.template", *everything[first : first + 10])
    (freight,) = erp.rows("product.product", [["code", "=", "FRAKT"]])
    (carrier,) = erp.create("party.party", {"name": CARRIER})
    erp.create("carrier", {"party": carrier, "carrier_product": freight["id"]})
    for name, (formula, many) in PRICE_LISTS.items():
        lines = [{"formula": formula}] if many is None else [{"quantity": 10, "formula": many}, {"formula": formula}]
        erp.create("product.price_list", {"name": name, "price": "list_price", "lines": [["create", lines]]})


def _stock(erp: Tryton, company: int) -> None:
    (storage,) = erp.rows("stock.location", [["code", "=", "STO"]])
    ids = {row["code"]: row["id"] for row in erp.rows("product.product", [["type", "=", "goods"]], "code")}
    articles = [article for family in families() for article in family.articles]
    lines = [{"product": ids[article.sku], "quantity": float(article.stock)} for article in articles]
    inventory = {"location": storage["id"], "date": today(), "company": company, "lines": [["create", lines]]}
    erp.call("model.stock.inventory.confirm", erp.create("stock.inventory", inventory))


def _user(erp: Tryton, company: int) -> None:
    groups = {row["name"]: row["id"] for row in erp.rows("res.group", [["name", "in", list(GROUPS)]], "name")}
    login = {
        "name": "Samklang", "login": USER, "password": PASSWORD, "companies": [["add", [company]]], "company": company,
        "groups": [["add", [groups[name] for name in GROUPS]]],
    }  # fmt: skip
    erp.create("res.user", login)
