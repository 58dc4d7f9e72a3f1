"""Addresses, login, lists, errors and careful changes at Visma eEkonomi's (Spiris') API v2."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import Body, Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Rejected
from samklang.connectors.kit.consent import Consented
from samklang.connectors.kit.paging import Slice, by_number
from samklang.connectors.kit.rows import Broken, Rows, sure
from samklang.connectors.transport import Answer
from samklang.connectors.visma_eekonomi.map import READONLY, Company, Refusal

S = TypeVar("S", bound=msgspec.Struct)

_SCOPES = "ea:api offline_access ea:sales ea:accounting"
_SERVICE = "service:44643EB1-3F76-4C1C-A672-402AE8085934"  # Bokföring & Fakturering, at the common login
_SIZE = 100  # rows a page; 1000 is said to be the most (unconfirmed)
_TRIES = 3
#: Codes with a meaning of their own; any other is told in the vendor's words.
_ADVICE = {4026: "Open the period in eEkonomi, or give the voucher a date that is open."}


class _Meta(msgspec.Struct, rename="pascal"):
    total_number_of_results: int


class _Page(msgspec.Struct, rename="pascal"):
    data: msgspec.Raw
    meta: _Meta


class Client(Consented):
    """One company in eEkonomi."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        test = "-sandbox.test" if settings.get("sandbox") else ""
        super().__init__(
            settings, limits, around, api=f"https://eaccountingapi{test}.vismaonline.com",
            login=f"https://identity{test}.vismaonline.com", tokens="/connect/token", page="/connect/authorize",
            refusal=_refusal, scope=_SCOPES, prompt="select_account", acr_values=_SERVICE,
        )  # fmt: skip
        self._busy: dict[str, threading.Lock] = defaultdict(threading.Lock)

    # ------------------------------------------------------------------------------------------------ reading

    def get(self, as_: type[S], *path: str) -> S | None:
        """One object; None when there is none."""
        answer = self.transport.request("GET", _path(path), expect=(404,))
        return None if answer.status == 404 else answer.of(as_)

    def pages(self, rows: Rows[S], *path: str, **query: object) -> Iterator[Slice[S | Broken]]:
        """A list, page by page. BadAnswer unless every row came."""

        def page(number: int) -> tuple[list[S | Broken], int]:
            asked = {**_named(query), "$page": number + 1, "$pagesize": _SIZE}
            answer = self.transport.request("GET", _path(path), params=asked)
            found = answer.of(_Page)
            return rows(found.data, answer.where), found.meta.total_number_of_results

        return by_number(path[0], page, _SIZE, self.transport)

    def listed(self, as_: type[S], *path: str, **query: object) -> list[S]:
        """All rows of a short list, none of which may be wrong."""
        return [row for page in self.pages(Rows(as_, "Id"), *path, **query) for row in sure(page.rows, path[0])]

    def company(self) -> Company | None:
        """The company's settings; None when nothing answers like eEkonomi."""
        return self.get(Company, "companysettings")

    # ------------------------------------------------------------------------------------------------ writing

    def post(self, as_: type[S], *path: str, body: Body | None = None, **query: object) -> S:
        """Create or act; never repeated by itself."""
        return self.transport.request("POST", _path(path), json=body, params=query).of(as_)

    def delete(self, *path: str) -> None:
        """Remove it; gone already is well."""
        self.transport.request("DELETE", _path(path), idempotent=True, expect=(404,))

    def change(
        self, as_: type[S], *path: str, edit: Callable[[Body], Body], derived: frozenset[str] = frozenset()
    ) -> S:
        """Change an object that can only be replaced as a whole: read it, put `edit` of it over it, write it, look.

        eEkonomi has no versions, so whoever writes last wins with the whole object. Nobody of this process writes
        between our read and our write, and afterwards it is looked whether ours is there: if another program's or
        person's older copy was written over it, it is done again. `derived` fields it may count itself. Rejected when
        the object is gone, or when eEkonomi does not keep what it is given.
        """
        where, readonly = _path(path), READONLY[path[0]]
        for _ in range(_TRIES):
            with self._busy[where]:
                now = self._raw(where)
                wanted = edit(now)
                if all(_kept(now.get(name), value) for name, value in wanted.items()):
                    return _converted(as_, now)
                whole = {name: value for name, value in now.items() if name not in readonly} | wanted
                self.transport.request("PUT", where, json=whole, idempotent=True)
            now = self._raw(where)
            lost = [name for name in wanted.keys() - derived if not _kept(now.get(name), wanted[name])]
            if not lost:
                return _converted(as_, now)
        raise Rejected(
            f"eEkonomi does not keep {', '.join(sorted(lost))} of {path[0]}", where=where,
            do_this="Look whether a module or another program governs this in eEkonomi; then retry.",
        )  # fmt: skip

    def _raw(self, where: str) -> Body:
        answer = self.transport.request("GET", where, expect=(404,))
        if answer.status == 404:
            raise Rejected("It is no longer in eEkonomi", where=where)
        found = answer.json()
        if not isinstance(found, dict):
            raise BadAnswer("The answer is no object", where=where)
        return found


def quoted(text: str) -> str:
    """The text as a value in a filter."""
    return "'" + text.replace("'", "''") + "'"


def _kept(now: object, wanted: object) -> bool:
    """Whether the object holds what was written; of rows and the like eEkonomi adds fields of its own."""
    if isinstance(wanted, dict):
        return isinstance(now, dict) and all(_kept(now.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(now, list) and len(now) == len(wanted) and all(map(_kept, now, wanted))
    return now == wanted or (not now and not wanted)


def _named(query: Mapping[str, object]) -> dict[str, object]:
    """OData's options have names with a dollar."""
    return {f"${name}" if name in ("filter", "select") else name: value for name, value in query.items()}


def _path(parts: tuple[str, ...]) -> str:
    return "/v2/" + "/".join(quote(part, safe="") for part in parts)


def _converted(as_: type[S], found: Body) -> S:
    try:
        return msgspec.convert(found, as_)
    except msgspec.ValidationError as error:
        raise BadAnswer(f"The answer does not fit: {error}") from error


def _refusal(answer: Answer) -> Rejected | None:
    if answer.status in (401, 403):
        return None
    said = answer.of(Refusal)
    fields = "; ".join(f"{one.field}: {one.message}" for one in said.errors or [] if one.message)
    what = said.developer_error_message or f"eEkonomi answered {answer.status}"
    return Rejected(
        f"{what} ({fields})" if fields else what, where=answer.where, do_this=_ADVICE.get(said.error_code, ""),
        remote=f"{said.error_code} {said.error_id}".strip(),
    )  # fmt: skip
