"""What stands in the database that benchmarks/filling.py fills, by number: names of articles, orders and buyers.

Only the standard library: whoever asks for pages need not open the database to know what they can ask for.
"""

from __future__ import annotations

from typing import NamedTuple

DAYS = 180  # over which the orders are spread, up to now
SHOPS = ("se", "fi")
_WORDS = (
    "Kopp", "Skål", "Fat", "Vas", "Kanna", "Ljus", "Lykta", "Bricka", "Pläd", "Duk", "Handduk", "Kudde", "Korg",
    "Matta", "Klocka", "Spegel", "Krok", "Hylla", "Pall", "Lampa",
)  # fmt: skip
_MANNERS = ("handdrejad", "glaserad", "randig", "slipad", "vävd", "rökt", "oljad", "gjuten", "målad", "tovad")
_COLOURS = ("sjögrön", "blå", "vit", "grå", "röd", "mässing", "koppar", "svart", "ek", "björk")
_FIRST = (
    "Anna", "Erik", "Maja", "Mohammed", "Ingrid", "Oskar", "Екатерина", "Karl-Johan", "Sofia", "Lars", "Aino", "Elin",
    "Nils", "Sara", "Johan", "Lena", "Omar", "Karin", "Göran", "Åsa",
)  # fmt: skip
_LAST = (
    "Sjögren", "Lindqvist", "Öberg", "Hassan", "Berg", "Nyström", "Смирнова", "af Ugglas", "Virtanen", "Ek", "Holm",
    "Dahl", "Ström", "Lund", "Falk", "Sandberg", "Norén", "Åkesson", "Blom", "Fransson",
)  # fmt: skip
_BUSINESSES = 10  # that order again and again
ABROAD = 10  # every so many-th article is sold in the second shop too
BY_BUSINESS = 50  # one of so many orders is theirs
_SPREAD = 7919  # a prime: neighbours in time have buyers and articles far from each other


class Size(NamedTuple):
    """How much stands in the database: articles (each with its price, its stock, and what the shop is told of that),
    orders, open problems."""

    articles: int
    orders: int
    problems: int

    @property
    def buyers(self) -> int:
        """How many different buyers there are."""
        return max(_BUSINESSES + 1, self.orders * 7 // 10)

    def part(self, share: int) -> Size:
        """The same, so many times smaller."""
        return Size(*(max(1, count // share) for count in self))

    def sold_in(self, order: int) -> list[int]:
        """Numbers of the articles of an order."""
        return [(order * _SPREAD + 31 * place) % self.articles for place in range(1 + order % 3)]

    def buyer(self, order: int) -> int:
        """Number of an order's buyer."""
        if order % BY_BUSINESS == 0:
            return order // BY_BUSINESS % _BUSINESSES
        return _BUSINESSES + order * _SPREAD % (self.buyers - _BUSINESSES)


def article_no(n: int) -> str:
    """Number of an article; its key is the same in small letters."""
    return f"KOPP-{n:07}"


def article_key(n: int) -> str:
    """Key of an article."""
    return article_no(n).lower()


def article_name(n: int) -> str:
    """Name of an article."""
    noun, manner, colour = _WORDS[n % 20], _MANNERS[n // 20 % 10], _COLOURS[n // 200 % 10]
    return f"{noun} {manner} {colour} nr {n // 2000}"


def gtin(n: int) -> str:
    """Its bar code (the last digit is not checked here)."""
    return f"7350{n:09}"


def channel(n: int) -> str:
    """Where an order was placed: one in five in Finland."""
    return SHOPS[n % 5 == 4]


def order_no(n: int) -> str:
    """Number of an order as the buyer knows it."""
    return str(1_000_000 + n)


def order_key(n: int) -> str:
    """Key of an order."""
    return f"{channel(n)}/{order_no(n)}"


def name(buyer: int) -> str:
    """A buyer's name: 400 different ones."""
    return f"{_FIRST[buyer % 20]} {_LAST[buyer // 20 % 20]}"


def email(buyer: int) -> str:
    """A buyer's address, which is different for each."""
    return f"kund{buyer:07}@example.se"


def tracking_no(n: int) -> str:
    """Number of an order's parcel."""
    return f"SE{n:09}PN"


def invoice_no(n: int) -> str:
    """Number of the ledger's invoice for an order."""
    return str(300_000 + n)


def word(n: int) -> str:
    """A word of letters only for a number: errors that differ in it are different ones (numbers are left out)."""
    text = ""
    while True:
        n, letter = divmod(n, 20)
        text += "bcdfghjklmnpqrstvxzå"[letter]
        if not n:
            return text.capitalize()
        text += "aeiou"[n % 5]
