"""Articles and what lies on the shelves: pieces per warehouse, what is locked, when either changed."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from samklang.sandboxes.swedish import Family

Row = dict[str, Any]
ZERO = Decimal(0)
#: The warehouses of the company: id, code, name.
WAREHOUSES = ((1, "GBG", "Göteborg"), (2, "BOR", "Borås"))


class Refused(Exception):
    """The API says no; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Article(msgspec.Struct, kw_only=True):
    """An article. `data` holds what was sent and only comes back."""

    id: int
    number: str
    data: Row
    updated: datetime
    moved: datetime  # its stock changed


class Shelves:
    """Articles by number, and their pieces. `now` is the clock of every stamp."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.articles: dict[str, Article] = {}
        self.by_id: dict[int, Article] = {}
        self.pieces: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
        self.locked: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
        self._ids = itertools.count(18067)

    def fill(self, families: Iterable[Family], articles: int, *, stocked: bool) -> None:
        """Take in the first `articles` articles, with pieces on the shelves unless they are still to be received."""
        every = ((family, one) for family in families for one in family.articles)
        for family, one in itertools.islice(every, articles):
            text = " ".join((family.name, *one.options.values()))
            made = self.put_article(
                {
                    "articleNumber": one.sku, "articleName": text, "productCode": family.code if family.axes else "",
                    "barCodeInfo": {"barCode": one.gtin}, "weight": Decimal(one.weight_g) / 1000,
                    "supplierInfo": {"supplierArticleNumber": f"L-{one.sku}", "supplierName": family.brand},
                }
            )  # fmt: skip
            if stocked:
                self.move(made, 1 if made.id % 5 else 2, Decimal(one.stock))

    def put_article(self, given: Row) -> Article:
        """Create or change by number; what is not named stays."""
        number = str(given.get("articleNumber") or "").strip()
        if not number:
            raise Refused("The ArticleNumber field is required.")
        data = {name: value for name, value in given.items() if name not in ("articleNumber", "goodsOwnerId")}
        article = self.articles.get(number)
        if article is None:
            at = self.now()
            article = Article(id=next(self._ids), number=number, data={}, updated=at, moved=at)
            self.articles[number] = self.by_id[article.id] = article
        stock_article = data.get("isStockArticle", article.data.get("isStockArticle"))
        if article.data and stock_article is False and any(self.pieces[article.id, w] for w, _, _ in WAREHOUSES):
            raise Refused(f"Article {number} has stock and cannot become a non stock article.")
        article.data |= data
        article.updated = self.now()
        return article

    def article(self, number: str) -> Article:
        """The article; Refused when there is none."""
        found = self.articles.get(number.strip())
        if found is None:
            raise Refused(f"Could not find article with article number '{number}'.")
        return found

    def move(self, article: Article, warehouse: int, pieces: Decimal) -> None:
        """Pieces come to the shelf, or (below 0) leave it."""
        held = self.pieces[article.id, warehouse] + pieces
        if held < 0:
            raise Refused(f"There are only {self.pieces[article.id, warehouse]} of {article.number} on the shelf.")
        self.pieces[article.id, warehouse] = held
        article.moved = self.now()
