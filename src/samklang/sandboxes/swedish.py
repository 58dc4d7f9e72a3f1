"""Swedish trade as sandboxes show it: product families with variants, customers, addresses. Deterministic by seed.

The same seed gives the same stream, and a longer stream begins with the shorter one, so that a shop and an ERP that
are filled from the same seed hold the same articles. Nothing here names a real person or company: e-mail uses
example.com (RFC 2606), phone numbers come from the series that the Swedish regulator keeps free for fiction,
organisation numbers are valid by check digit in a series that is not handed out as far as we know (unconfirmed).
"""

from __future__ import annotations

import itertools
import random
import unicodedata
from collections.abc import Iterator
from decimal import Decimal

import msgspec
from stdnum import ean, luhn


class Article(msgspec.Struct, frozen=True):
    """One sellable thing of a family; `options` holds one value per axis name."""

    sku: str
    gtin: str
    weight_g: int
    stock: int
    options: dict[str, str]


class Family(msgspec.Struct, frozen=True):
    """A product with its articles: exactly one, or one per combination of the axes' values.

    `price` is one piece in SEK including VAT, `cost` what it was bought for without; `tax_class` is one of
    records.vat: standard (25 %), reduced (12 %), food, low (6 %).
    """

    code: str
    name: str
    brand: str
    category: str
    tax_class: str
    price: Decimal
    cost: Decimal
    description: str
    axes: dict[str, tuple[str, ...]]
    articles: tuple[Article, ...]


class Party(msgspec.Struct, frozen=True):
    """A buyer with one address. A company has `company` and a valid `org_no` (NNNNNN-NNNN), a person neither."""

    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    postcode: str
    city: str
    company: str = ""
    org_no: str = ""
    country: str = "SE"

    @property
    def vat_no(self) -> str:
        """Swedish VAT number of the company, empty for a person."""
        return f"SE{self.org_no.replace('-', '')}01" if self.org_no else ""


_COLOURS = ("Svart", "Marinblå", "Röd", "Grå", "Mossgrön", "Gräddvit", "Ljusblå", "Rosé")
_SIZES = ("XS", "S", "M", "L", "XL", "XXL")
_SHOES = ("36", "37", "38", "39", "40", "41", "42", "43", "44", "45")
_WIDTHS = ("70 cm", "90 cm", "120 cm", "140 cm")
_VOLUMES = ("0,5 l", "1 l", "2 l")

# noun, category, tax class, price from–to (SEK incl. VAT), grams from–to, axes of the variants
_KINDS: tuple[tuple[str, str, str, int, int, int, int, dict[str, tuple[str, ...]]], ...] = (
    ("Ullfilt", "Hem & inredning", "standard", 599, 1499, 900, 1800, {"Färg": _COLOURS}),
    ("Kaffepress", "Kök & servering", "standard", 249, 899, 500, 1200, {"Volym": _VOLUMES}),
    ("Stickad tröja", "Kläder", "standard", 499, 1299, 300, 700, {"Färg": _COLOURS, "Storlek": _SIZES}),
    ("Regnjacka", "Kläder", "standard", 799, 2499, 400, 900, {"Färg": _COLOURS, "Storlek": _SIZES}),
    ("Löparsko", "Skor", "standard", 899, 1899, 500, 900, {"Storlek": _SHOES}),
    ("Gummistövel", "Skor", "standard", 399, 999, 1200, 2200, {"Färg": _COLOURS, "Storlek": _SHOES}),
    ("Trasmatta", "Hem & inredning", "standard", 399, 1999, 1500, 5000, {"Bredd": _WIDTHS}),
    ("Gjutjärnspanna", "Kök & servering", "standard", 349, 1199, 1800, 4200, {}),
    ("Brödkniv", "Kök & servering", "standard", 199, 799, 120, 350, {}),
    ("Skärbräda i ek", "Kök & servering", "standard", 179, 699, 600, 2400, {}),
    ("Pannlampa", "Friluftsliv", "standard", 249, 1299, 80, 250, {}),
    ("Termos", "Friluftsliv", "standard", 199, 599, 300, 700, {"Volym": _VOLUMES}),
    ("Yxa", "Verktyg", "standard", 299, 1499, 700, 2600, {}),
    ("Såg", "Verktyg", "standard", 149, 899, 300, 1200, {}),
    ("Cykelväska", "Cykel", "standard", 299, 1399, 500, 1500, {"Färg": _COLOURS}),
    ("Snöskovel", "Trädgård", "standard", 199, 599, 1200, 2800, {}),
    ("Växthuslåda", "Trädgård", "standard", 129, 899, 800, 6000, {}),
    ("Mörkrostat kaffe", "Livsmedel", "food", 49, 149, 250, 1000, {}),
    ("Hjortronsylt", "Livsmedel", "food", 45, 119, 200, 500, {}),
    ("Knäckebröd", "Livsmedel", "food", 29, 69, 200, 600, {}),
    ("Lakritskonfekt", "Livsmedel", "food", 35, 129, 100, 400, {}),
    ("Kokbok", "Böcker", "low", 149, 399, 500, 1500, {}),
    ("Fågelbok", "Böcker", "low", 129, 349, 300, 1100, {}),
    ("Signerat grafiskt blad", "Konst", "reduced", 600, 4500, 100, 900, {}),
)
_SERIES = (
    "Åre", "Öland", "Fårö", "Skåne", "Härjedal", "Älvsborg", "Väröbacka", "Lövstad", "Björkö", "Höganäs", "Norrsken",
    "Midsommar", "Fjällnära", "Kvällsbris", "Morgondagg", "Storskog", "Sjöliv", "Tallmo", "Ängsull", "Frostig",
)  # fmt: skip
_BRANDS = ("Nordanvik", "Blåbärsfabriken", "Ekträ & Järn", "Hållö", "Tjärn", "Söderslätt", "Kråkfors", "Lillån")
_FIRST = (
    "Åsa", "Björn", "Märta", "Göran", "Örjan", "Elin", "Lars", "Anna-Karin", "Håkan", "Sofia", "Ängla", "Per", "Maja",
    "Oskar", "Fatima", "Jörgen", "Linnéa", "Mohammed", "Ebba", "Ove",
)  # fmt: skip
_LAST = (
    "Öberg", "Åkerström", "Lindqvist", "Sjögren", "Bergström", "Hägg", "Nyström", "Ångman", "Söderlund", "Haddad",
    "Ek", "Forsmo", "Grönvall", "Wikström", "Järvinen", "Dahl", "Svärd", "Holmgren",
)  # fmt: skip
_STREETS = (
    "Storgatan", "Ängsvägen", "Kungsgatan", "Björkallén", "Östra Långgatan", "Sjövägen", "Åkerstigen", "Skolgatan",
    "Hantverkargatan", "Kråkbärsstigen",
)  # fmt: skip
_CITIES = (
    ("41101", "Göteborg"), ("11120", "Stockholm"), ("21119", "Malmö"), ("75310", "Uppsala"), ("58222", "Linköping"),
    ("70210", "Örebro"), ("72211", "Västerås"), ("90326", "Umeå"), ("83131", "Östersund"), ("98131", "Kiruna"),
    ("25221", "Helsingborg"), ("62145", "Visby"), ("59330", "Västervik"), ("26252", "Ängelholm"),
)  # fmt: skip
_TRADES = ("Måleri", "Bygg", "Konditori", "Fastigheter", "Redovisning", "Trädgård", "Åkeri", "Förlag")
# Series that the Swedish Post and Telecom Authority keeps free for books and films; the last two digits are ours.
_PHONES = ("+467017406", "+468465004", "+463139006", "+464062804")


def families(seed: int = 1) -> Iterator[Family]:
    """An endless, repeatable stream of product families; about one in seven has variants."""
    dice = random.Random(f"families {seed}")  # noqa: S311  # data to look at, no secret
    for number in itertools.count(1):
        noun, category, tax_class, low, high, light, heavy, possible = dice.choice(_KINDS)
        series, brand = dice.choice(_SERIES), dice.choice(_BRANDS)
        code = f"{noun[:2].upper().replace('Å', 'A').replace('Ä', 'A').replace('Ö', 'O')}-{10000 + number}"
        price = Decimal(dice.randint(low, high))
        if price > 200 and dice.random() < 0.3:
            price -= Decimal("0.50")
        axes: dict[str, tuple[str, ...]] = {}
        if possible and dice.random() < 0.4:
            for axis, values in possible.items():
                first = dice.randrange(len(values) - 1)
                axes[axis] = values[first : first + dice.randint(2, 4)]
        choices = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
        articles = tuple(
            Article(
                sku=f"{code}-{place:02d}" if axes else code,
                gtin=_gtin(number, place),
                weight_g=dice.randint(light, heavy),
                stock=dice.choice((0, 1, 2, 3)) if dice.random() < 0.15 else dice.randint(4, 250),
                options=options,
            )
            for place, options in enumerate(choices, start=1)
        )
        yield Family(
            code=code,
            name=f"{noun} {series} {number}",
            brand=brand,
            category=category,
            tax_class=tax_class,
            price=price,
            cost=(price * Decimal(dice.randint(30, 60)) / 100).quantize(Decimal("0.01")),
            description=f"<p>{noun} ur serien {series} från {brand}. Tillverkad i Sverige – håller i många år.</p>",
            axes=axes,
            articles=articles,
        )


def parties(seed: int = 1, companies: float = 0.2) -> Iterator[Party]:
    """An endless, repeatable stream of buyers, of which the given share are companies. E-mail addresses are unique."""
    dice = random.Random(f"parties {seed}")  # noqa: S311  # data to look at, no secret
    for number in itertools.count(1):
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        postcode, city = dice.choice(_CITIES)
        is_company = dice.random() < companies
        yield Party(
            first_name=first,
            last_name=last,
            email=f"{_ascii(first)}.{_ascii(last)}.{number}@example.com",
            phone=f"{dice.choice(_PHONES)}{dice.randint(5, 99):02d}",
            street=f"{dice.choice(_STREETS)} {dice.randint(1, 120)}{dice.choice(('', '', '', 'A', 'B'))}",
            postcode=postcode,
            city=city,
            company=f"{last}s {dice.choice(_TRADES)} AB" if is_company else "",
            org_no=org_no(number) if is_company else "",
        )


def org_no(number: int) -> str:
    """The n-th organisation number of the fictional series, valid by Luhn: 559900-0013 …"""
    digits = f"5599{number % 100000:05d}"
    digits += luhn.calc_check_digit(digits)
    return f"{digits[:6]}-{digits[6:]}"


def _gtin(number: int, place: int) -> str:
    digits = f"7359{number % 1000000:06d}{place % 100:02d}"
    return digits + ean.calc_check_digit(digits)


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "")
