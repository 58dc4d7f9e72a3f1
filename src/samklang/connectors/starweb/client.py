"""Address, login, lists and refusals of Shop API v2, on top of the transport; and what must be known about the shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, Rejected, SamklangError, there
from samklang.connectors.kit.kept import Kept
from samklang.connectors.kit.login import client_credentials
from samklang.connectors.kit.paging import Slice, by_number
from samklang.connectors.kit.rows import Broken, Rows, sure
from samklang.connectors.starweb import shapes
from samklang.connectors.transport import Answer, Transport

T = TypeVar("T")
N = TypeVar("N", bound=shapes.Named)
_FULL = 100  # rows of a list that does not tell its pages' size (unconfirmed)


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str = ""


class Shop:
    """Calls to one shop."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        client = str(settings["client_id"]), str(settings["client_secret"])
        address = str(settings["url"]).rstrip("/").removesuffix("/api/v2")
        self.transport = Transport(f"{address}/api/v2", manifest.limits, around, timeout=60.0, refusal=_refusal)
        self.transport.auth = client_credentials(self.transport, "/token", client, "Starweb shop")
        self.kept = Kept(around.now)

    def call(
        self, method: str, path: str, params: Mapping[str, object] | None = None, json: object = None, *,
        idempotent: bool | None = None, expect: tuple[int, ...] = (),
    ) -> Answer:  # fmt: skip
        """One call; Rejected with the shop's own words for a refusal that is not in `expect`."""
        again = method in ("GET", "PUT", "PATCH") if idempotent is None else idempotent
        return self.transport.request(method, path, params=params, json=json, idempotent=again, expect=expect)

    def one(self, as_: type[T], method: str, path: str, json: object = None, include: str = "") -> T:
        """One call whose answer is one thing."""
        answer = self.call(method, path, {"include": include} if include else None, json)
        envelope: shapes.One[T] = answer.of(shapes.One[as_])  # type: ignore[valid-type]  # a class
        return envelope.data

    def slices(
        self, path: str, rows: Rows[T], params: Mapping[str, object], resume: str = ""
    ) -> Iterator[Slice[T | Broken]]:
        """A whole list, page by page; the shop says how large its pages are."""
        start = int(resume.partition("/")[0] or 0)
        first, size, total = self.page(path, rows, params, start)

        def page(number: int) -> tuple[list[T | Broken], int]:
            return (first, total) if number == start else self.page(path, rows, params, number)[::2]

        return by_number(path, page, size, self.transport, resume)

    def page(
        self, path: str, rows: Rows[T], params: Mapping[str, object], number: int
    ) -> tuple[list[T | Broken], int, int]:
        """Page `number` (from 0) of a list: its rows, how many make a page, how many there are in all."""
        answer = self.call("GET", path, {"page": number + 1, **params})
        listing = answer.of(shapes.Listing)
        told = there(listing.meta.pagination, BadAnswer("The list does not say how long it is", where=answer.where))
        return rows(listing.data, answer.where), told.per_page, told.total

    def whole(self, path: str, rows: Rows[T], params: Mapping[str, object]) -> list[T | Broken]:
        """A short list in which nothing tells how many rows there are: a page that is not full is the last."""
        found: list[T | Broken] = []
        for number in range(1, 1000):
            answer = self.call("GET", path, {**params, **({"page": number} if number > 1 else {})})
            listing = answer.of(shapes.Listing)
            some = rows(listing.data, answer.where)
            found += some
            told = listing.meta.pagination
            if len(found) >= told.total if told else len(some) < _FULL:
                return found
        raise BadAnswer(f"{path} does not end")

    # ------------------------------------------------------------------------------------------------ the shop itself

    def shop(self) -> shapes.ShopRow:
        """The shop, looked up again after ten minutes."""
        return self.kept("/shop", lambda: self.one(shapes.ShopRow, "GET", "/shop"))

    def table(self, path: str, type_: type[N], **params: object) -> list[N]:
        """A list of the installation's own things, looked up again after ten minutes."""
        return self.kept(path, lambda: self.listed(path, type_, **params))

    def listed(self, path: str, type_: type[N], **params: object) -> list[N]:
        """Such a list as it is now."""
        return sure(self.whole(path, Rows(type_), params), path)

    def label(self, row: shapes.Named) -> str:
        """A thing's name in the shop's own language."""
        words = {word.lang_code: word.name or word.title for word in row.languages.data}
        return (words.get(self.shop().default_lang_code) or next(filter(None, words.values()), "") or row.name).strip()

    def labels(self, path: str, type_: type[N]) -> dict[int, str]:
        """Names by id of the things in a table; where two have the same, each with its id behind it."""
        rows = self.table(path, type_)
        names = {row.id: self.label(row) for row in rows}
        twins = [name for name in names.values() if list(names.values()).count(name) > 1]
        return {id_: f"{name} ({id_})" if name in twins or not name else name for id_, name in names.items()}


def _refusal(answer: Answer) -> SamklangError | None:
    said = answer.of(_Refusal) if answer.body.startswith(b"{") else _Refusal()
    what = said.error_description or said.error or f"The shop answered {answer.status}"
    if answer.status == 401:
        return None
    if answer.status == 403:
        return Forbidden(f"The shop refused: {what}", where=answer.where, remote=said.error)
    return Rejected(what, where=answer.where, remote=said.error)
