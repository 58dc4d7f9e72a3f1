"""Address, login, searches and refusals of Magento's REST, on top of the transport; and what must be known of the shop.

A search that goes past its end gives the last page again (observed by others), so lists are read by the id behind the
last one that was seen: what changes meanwhile moves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, LoginRefused, Misconfigured, Rejected, SamklangError, there
from samklang.connectors.kit.kept import Kept
from samklang.connectors.kit.login import Key, OAuth1
from samklang.connectors.kit.paging import Placed, Slice, by_last, chunks, id_of
from samklang.connectors.kit.rows import Broken, Rows, sure
from samklang.connectors.magento import shapes
from samklang.connectors.transport import Answer, Transport

T = TypeVar("T")
P = TypeVar("P", bound=Placed)
SIZE = 100  # rows of a page; installations may allow 300 at the most, and 20 entities in a write


class Where(NamedTuple):
    """One condition of a search; all of a search's conditions must hold."""

    field: str
    value: object
    how: str = "eq"


class Group(msgspec.Struct, frozen=True):
    """A customer group, which is Magento's price list."""

    id: int
    code: str


class Shop:
    """Calls to one Magento."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        address = str(settings["url"]).rstrip("/").removesuffix("/rest")
        self.transport = Transport(f"{address}/rest", manifest.limits, around, timeout=120.0, refusal=self._refusal)
        token = str(settings["access_token"])
        self._signed = settings.get("login") != "token"
        if self._signed:
            given = [
                str(settings.get(name) or "") for name in ("consumer_key", "consumer_secret", "access_token_secret")
            ]
            if not all(given):
                raise Misconfigured("A signed login needs all four values of the integration")
            key, secret, token_secret = given
            self.transport.auth = OAuth1(key, secret, token, token_secret, around.now)
        else:
            self.transport.auth = Key({"Authorization": f"Bearer {token}"})
        self._store = str(settings.get("store") or "default")
        self._country = str(settings.get("country") or "SE")
        self.kept = Kept(around.now)

    def call(
        self, method: str, path: str, params: Mapping[str, object] | None = None, json: object = None, *,
        idempotent: bool | None = None, expect: tuple[int, ...] = (), scope: str = "all/V1",
    ) -> Answer:  # fmt: skip
        """One call; raises the error that the refusal means. Values are written for all store views."""
        return self.transport.request(
            method, f"/{scope}{path}", params=params, json=json, idempotent=idempotent, expect=expect
        )

    def _refusal(self, answer: Answer) -> SamklangError:
        found = answer.json() if answer.body.lstrip().startswith(b"{") else {}
        said: Mapping[str, Any] = found if isinstance(found, dict) else {}
        status, where = answer.status, answer.where
        what = message(said) or f"The shop answered {status}"
        if status in (401, 403) and "isn't authorized" in what and self._signed:
            advice = "Give the integration this resource in System › Integrations, then resume the connection."
            return Forbidden(f"The integration may not do this: {what}", where=where, do_this=advice)
        if status in (401, 403):
            advice = "Compare the values with System › Integrations, and this machine's clock." if self._signed else (
                "From 2.4.4 on choose the signed login, or allow access tokens as bearer tokens in Stores › "
                "Configuration › Services › OAuth."
            )  # fmt: skip
            return LoginRefused(f"The shop refused the login: {what}", where=where, do_this=advice)
        if status == 404 and not said:
            return Misconfigured("There is no Magento REST API at this address", where=where)
        return Rejected(what, where=where, remote=str(said.get("code") or ""))

    # ------------------------------------------------------------------------------------------------ searches

    def search(
        self, path: str, rows: Rows[T], where: Sequence[Where] = (), *, size: int = SIZE, sort: str = "", page: int = 1,
        fields: str = "",
    ) -> tuple[list[T | Broken], int]:  # fmt: skip
        """One page of a search, and how many rows it finds in all."""
        asked: dict[str, object] = {"searchCriteria[pageSize]": size, "searchCriteria[currentPage]": page}
        for n, (field, value, how) in enumerate(where):
            one = f"searchCriteria[filterGroups][{n}][filters][0]"
            asked |= {f"{one}[field]": field, f"{one}[value]": value, f"{one}[conditionType]": how}
        for n, field in enumerate(sort.split()):
            asked |= {f"searchCriteria[sortOrders][{n}][field]": field}
            asked |= {f"searchCriteria[sortOrders][{n}][direction]": "ASC"}
        if fields:
            asked["fields"] = f"items[{fields}],total_count"
        answer = self.call("GET", path, asked)
        listing = answer.of(shapes.Listing)
        found = rows(listing.items, answer.where) if bytes(listing.items) != b"null" else []
        if len(found) < min(size, max(0, listing.total_count - (page - 1) * size)):
            raise BadAnswer(f"Only {len(found)} of {listing.total_count} rows came", where=answer.where)
        return found, listing.total_count

    def slices(
        self, path: str, rows: Rows[P], where: Sequence[Where] = (), *, since: datetime | None = None,
        resume: str = "", fields: str = "",
    ) -> Iterator[Slice[P | Broken]]:  # fmt: skip
        """All rows of a search in the order of their ids, or those that changed.

        A row that is too broken to have an id would hide where to go on, so it ends the read.
        """
        changed = [Where("updated_at", f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}", "gteq")] if since else []

        def page(last: str) -> list[P | Broken]:
            behind = Where("entity_id", last or "0", "gt")
            return self.search(path, rows, [*where, *changed, behind], sort="entity_id", fields=fields)[0]

        return by_last(page, SIZE, id_of, resume)

    def among(
        self, path: str, rows: Rows[T], field: str, values: Sequence[object], fields: str = ""
    ) -> Iterator[T | Broken]:
        """The rows whose field is one of these, a page at a time."""
        for some in chunks(values, SIZE):
            asked = [Where(field, ",".join(map(str, some)), "in")]
            yield from self.search(path, rows, asked, fields=fields)[0]

    def whole(self, path: str, rows: Rows[T], where: Sequence[Where] = (), sort: str = "") -> list[T]:
        """A short list, every page of it; BadAnswer for a row that is not as documented."""
        found: list[T] = []
        for page in range(1, 1000):
            some, total = self.search(path, rows, where, sort=sort, page=page)
            found += sure(some, path)
            if len(found) >= total:
                break
        return found

    # ------------------------------------------------------------------------------------------------ the shop itself

    def store(self) -> shapes.StoreConfig:
        """The store view of the settings."""
        configs = self.kept("stores", lambda: self.call("GET", "/store/storeConfigs").of(list[shapes.StoreConfig]))
        found = next((one for one in configs if one.code == self._store), None)
        known = ", ".join(one.code for one in configs)
        return there(found, Misconfigured(f"The shop has no store view {self._store!r}; it has {known}"))

    def groups(self) -> dict[int, str]:
        """Customer groups that have a login: id → name."""
        rows = self.kept("groups", lambda: self.whole("/customerGroups/search", _GROUPS))
        return {row.id: row.code for row in rows if row.id}

    def sources(self) -> list[shapes.Source]:
        """Inventory sources."""
        return self.kept("sources", lambda: self.whole("/inventory/sources", _SOURCES))

    def percents(self) -> dict[int, Decimal]:
        """VAT by product tax class, in the country of the settings."""
        return self.kept("taxes", self._percents)

    def _percents(self) -> dict[int, Decimal]:
        rates = {
            row.id: row.rate for row in self.whole("/taxRates/search", _RATES) if row.tax_country_id == self._country
        }
        found: dict[int, Decimal] = {}
        for rule in self.whole("/taxRules/search", _RULES):
            percent = next((rates[id_] for id_ in rule.tax_rate_ids if id_ in rates), None)
            for class_ in rule.product_tax_class_ids if percent is not None else ():
                found.setdefault(class_, percent or Decimal(0))
        for row in self.whole("/taxClasses/search", _CLASSES):
            if row.class_type == "PRODUCT":
                found.setdefault(row.class_id, Decimal(0))
        return found

    def attributes(self) -> dict[int, shapes.Attribute]:
        """Attributes that are chosen from a list, by id, with their choices."""
        return {row.attribute_id: row for row in self.kept("attributes", self.list_attributes)}

    def list_attributes(self) -> list[shapes.Attribute]:
        """These attributes as they are now."""
        return self.whole("/products/attributes", _ATTRIBUTES, [Where("frontend_input", "select")], "attribute_id")

    def categories(self) -> dict[int, str]:
        """Categories by id."""
        return {row.id: row.name for row in self.kept("categories", self.list_categories)}

    def list_categories(self) -> list[shapes.Category]:
        """The categories as they are now."""
        return self.whole("/categories/list", Rows(shapes.Category), sort="entity_id")


_GROUPS, _SOURCES, _ATTRIBUTES = Rows(Group), Rows(shapes.Source, "source_code"), Rows(shapes.Attribute, "attribute_id")
_RATES, _RULES, _CLASSES = Rows(shapes.TaxRate), Rows(shapes.TaxRule), Rows(shapes.TaxClass, "class_id")


def message(said: Mapping[str, Any]) -> str:
    """The shop's words with its parameters put in: %1, %2 … of a list, %name of a table."""
    text, given = str(said.get("message") or ""), said.get("parameters")
    if isinstance(given, list) and given and isinstance(given[0], dict):  # as the vendor's document has it
        given = {name: value for one in given for name, value in one.items()}
    named = dict(enumerate(given, 1)) if isinstance(given, list) else given if isinstance(given, dict) else {}
    values = {str(name): str(value) for name, value in named.items()}
    return re.sub(r"%(\w+)", lambda found: values.get(found[1], found[0]), text)
