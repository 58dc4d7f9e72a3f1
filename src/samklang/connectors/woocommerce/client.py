"""Address, login, lists and refusals of wc/v3, on top of the transport; and what must be known about the shop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, LoginRefused, Misconfigured, Rejected, SamklangError
from samklang.connectors.kit.kept import Kept
from samklang.connectors.kit.paging import Placed, Slice, by_offset, chunks
from samklang.connectors.kit.rows import Broken, Rows
from samklang.connectors.transport import Answer, Basic, Transport
from samklang.records.units import GRAMS

_PER_PAGE = 100  # the most that the shop gives
_IN_ID_ORDER = {"per_page": _PER_PAGE, "orderby": "id", "order": "asc"}
T = TypeVar("T", bound=Placed)
S = TypeVar("S", bound=msgspec.Struct)


class Facts(msgspec.Struct, frozen=True):
    """The shop's settings that give its numbers their meaning. `percents`: VAT by tax class in the shop's country."""

    currency: str
    country: str
    inclusive: bool
    per_line: bool
    grams: Decimal  # grams in the shop's unit of weight
    percents: Mapping[str, Decimal]


class Shop:
    """Calls to one shop."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        key, secret = str(settings["consumer_key"]), str(settings["consumer_secret"])
        in_query = settings.get("login") == "query"
        self._login = {"consumer_key": key, "consumer_secret": secret} if in_query else {}
        address = str(settings["url"]).rstrip("/") + "/wp-json/wc/v3"
        auth = None if in_query else Basic(key, secret)
        self.transport = Transport(address, manifest.limits, around, auth=auth, timeout=120.0, refusal=_refused)
        self._kept = Kept(around.now)

    def call(
        self, method: str, path: str, params: Mapping[str, object] | None = None, json: object = None, *,
        idempotent: bool | None = None,
    ) -> Answer:  # fmt: skip
        """One call; raises the error that the shop's refusal means."""
        params = {**(params or {}), **self._login}
        return self.transport.request(method, path, params=params, json=json, idempotent=idempotent)

    def slices(
        self, path: str, rows: Rows[T], params: Mapping[str, object], since: datetime | None, resume: str = ""
    ) -> Iterator[Slice[T | Broken]]:
        """The whole list in id order; nothing is skipped though rows leave it meanwhile."""
        asked = {**_IN_ID_ORDER, **params}
        if since is not None:  # strictly greater, in whole seconds
            moment = since.astimezone(UTC) - timedelta(seconds=1)
            asked |= {"modified_after": f"{moment:%Y-%m-%dT%H:%M:%S}", "dates_are_gmt": "true"}

        def page(offset: int) -> tuple[list[T | Broken], int]:
            answer = self.call("GET", path, {**asked, "offset": offset})
            return rows(answer.body, answer.where), _total(answer)

        return by_offset(path, page, _PER_PAGE, self.transport, resume)

    def some(self, path: str, rows: Rows[T], params: Mapping[str, object]) -> list[T | Broken]:
        """One page of a list."""
        answer = self.call("GET", path, {"per_page": _PER_PAGE, **params})
        return rows(answer.body, answer.where)

    def short(self, path: str, rows: Rows[T], params: Mapping[str, object]) -> Iterator[T | Broken]:
        """A list that nobody changes while it is read: a product's variations, the categories."""
        offset = 0
        while True:
            found = self.some(path, rows, {**_IN_ID_ORDER, "offset": offset, **params})
            yield from found
            if len(found) < _PER_PAGE:
                return
            offset += _PER_PAGE

    def whole(self, path: str, row: type[S]) -> list[S]:
        """A list that has no pages, none of whose rows may be wrong: statuses, gateways, zones."""
        return self.call("GET", path).of(list[row])  # type: ignore[valid-type]  # a class

    def by_ids(
        self, path: str, rows: Rows[T], ids: Sequence[str], params: Mapping[str, object]
    ) -> Iterator[list[T | Broken]]:
        """The rows with these ids, a page at a time; what is not there (or in the trash) is missing."""
        for some in chunks(ids, _PER_PAGE):
            yield self.some(path, rows, {**params, "include": ",".join(some)})

    def facts(self) -> Facts:
        """The shop's settings, looked up again after ten minutes."""
        return self._kept("facts", self._read_facts)

    def _read_facts(self) -> Facts:
        groups = self.transport.overlap(partial(self._settings, group) for group in ("general", "tax", "products"))
        known = {name: value for group in groups for name, value in group.items()}
        country = str(known.get("woocommerce_default_country", "")).partition(":")[0]
        rates = self.call("GET", "/taxes", {"per_page": _PER_PAGE}).json()
        percents: dict[str, Decimal] = {}
        for rate in rates:
            if rate["country"] in ("", country):
                slug = "" if rate["class"] == "standard" else rate["class"]
                percents.setdefault(slug, Decimal(rate["rate"]))
        return Facts(
            currency=str(known["woocommerce_currency"]),
            country=country,
            inclusive=known["woocommerce_prices_include_tax"] == "yes",
            per_line=known.get("woocommerce_tax_round_at_subtotal") != "yes",
            grams=GRAMS[str(known.get("woocommerce_weight_unit", "kg"))],
            percents=percents,
        )

    def _settings(self, group: str) -> dict[str, object]:
        return {row["id"]: row["value"] for row in self.call("GET", f"/settings/{group}").json() if "value" in row}


def _refused(answer: Answer) -> SamklangError:
    return refusal(answer.status, answer.json(), answer.where)


def refusal(status: int, said: object, where: str = "") -> SamklangError:
    """What a refusal means: {code, message, data: {status, resource_id …}}; data may also be a mere number."""
    body = said if isinstance(said, dict) else {}
    code, message = str(body.get("code", "")), str(body.get("message", f"The shop answered {status}"))
    data = body.get("data")
    details = data if isinstance(data, dict) else {}
    if status == 403 or (status == 401 and "permissions" in message):
        return Forbidden(f"The shop's key may not do this: {message}", where=where, remote=code)
    if status == 401:
        return LoginRefused(f"The shop refused the key: {message}", where=where, remote=code)
    if code == "rest_no_route":
        advice = "Check the address, that WooCommerce is active and that permalinks are not set to Plain."
        return Misconfigured("There is no WooCommerce at this address", where=where, remote=code, do_this=advice)
    params = details.get("params")
    if isinstance(params, dict):
        message = f"{message}: {'; '.join(str(text) for text in params.values())}"
    return Rejected(message, where=where, remote=code, existing=str(details.get("resource_id") or ""))


def _total(answer: Answer) -> int:
    try:
        return int(answer.headers["x-wp-total"])
    except (KeyError, ValueError):
        raise BadAnswer("The list does not say how long it is (X-WP-Total)", where=answer.where) from None
