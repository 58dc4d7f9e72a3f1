"""Addresses, login, envelopes, pages and errors of Fortnox' API v3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from samklang.connectors.contract import ATTACH_LISTS, Limits, Surroundings
from samklang.connectors.errors import BadAnswer, Forbidden, LoginRefused, Rejected, SamklangError, there
from samklang.connectors.kit.consent import Consented
from samklang.connectors.kit.paging import Slice, by_number
from samklang.connectors.kit.rows import Broken, Rows, sure
from samklang.connectors.transport import Answer, Upload

S = TypeVar("S", bound=msgspec.Struct)

_SCOPES = "article customer order invoice price payment bookkeeping companyinformation settings warehouse"
_OF_FILES = "archive connectfile"
_LARGEST_PAGE = 500

#: Codes as other users of the API report them (not in the vendor's document); any other code is a "no" to the record.
_MEANING: dict[object, type[SamklangError]] = {
    2000310: LoginRefused, 2000311: LoginRefused, 2003275: LoginRefused,
    2000663: Forbidden, 2001101: Forbidden, 2001103: Forbidden,
}  # fmt: skip


class _Company(msgspec.Struct):
    name: str = msgspec.field(name="CompanyName")


class _Meta(msgspec.Struct):
    total: int = msgspec.field(name="@TotalResources")


class Client(Consented):
    """One company in Fortnox."""

    def __init__(self, settings: Mapping[str, Any], limits: Limits, around: Surroundings) -> None:
        scope = f"{_SCOPES} {_OF_FILES}" if settings.get(ATTACH_LISTS) else _SCOPES
        super().__init__(
            settings, limits, around, api="https://api.fortnox.se", login="https://apps.fortnox.se",
            tokens="/oauth-v1/token", page="/oauth-v1/auth", scope=scope, refusal=_refusal,
            access_type="offline", account_type="service",
        )  # fmt: skip

    def get(self, as_: type[S], *path: str) -> S | None:
        """One object out of its envelope; None when there is none."""
        answer = self.transport.request("GET", _path(path), expect=(404,))
        return None if answer.status == 404 else _object(as_, answer)

    def put(self, as_: type[S], *path: str, **envelope: object) -> S | None:
        """Change or act; repeating it does no harm. None when there is no such object."""
        answer = self.transport.request("PUT", _path(path), json=envelope or None, idempotent=True, expect=(404,))
        return None if answer.status == 404 else _object(as_, answer)

    def change(self, as_: type[S], *path: str, **envelope: object) -> S:
        """`put` of something that we once saw; Rejected when it is gone."""
        changed = self.put(as_, *path, **envelope)
        return there(changed, Rejected(f"{next(iter(envelope), path[0])} {path[1]} is no longer in Fortnox"))

    def post(self, as_: type[S], path: str, **envelope: object) -> S:
        """Create; never repeated by itself."""
        return _object(as_, self.transport.request("POST", f"/3/{path}", json=envelope or None))

    def upload(self, as_: type[S], path: str, file: Upload) -> S:
        """Leave a file; never repeated by itself."""
        return _object(as_, self.transport.request("POST", f"/3/{path}", file=file))

    def pages(self, name: str, rows: Rows[S], *path: str, **query: object) -> Iterator[Slice[S | Broken]]:
        """The list `name` at this path, page by page. BadAnswer unless every row came."""

        def page(number: int) -> tuple[list[S | Broken], int]:
            asked = {**query, "limit": _LARGEST_PAGE, "page": number + 1}
            answer = self.transport.request("GET", _path(path), params=asked)
            found = answer.of(dict[str, msgspec.Raw])
            if name not in found or "MetaInformation" not in found:
                raise BadAnswer(f"The answer holds no {name}", where=answer.where)
            return rows(found[name], answer.where), _decoded(_Meta, found["MetaInformation"], answer).total

        return by_number(name, page, _LARGEST_PAGE, self.transport)

    def listed(self, name: str, as_: type[S], *path: str, **query: object) -> list[S]:
        """All rows of a short list, none of which may be wrong."""
        return [row for page in self.pages(name, Rows(as_), *path, **query) for row in sure(page.rows, name)]

    def company(self) -> str | None:
        """The company's name; None when nothing answers like Fortnox."""
        found = self.get(_Company, "companyinformation")
        return found.name if found else None

    def warehouse(self) -> bool:
        """Whether the warehouse module is on; an answer other than yes counts as off."""
        answer = self.transport.request("GET", "/api/warehouse/tenants-v4", expect=(400, 403, 404))
        return answer.status == 200 and bool(answer.json().get("activated"))


def _object(as_: type[S], answer: Answer) -> S:
    envelope = answer.of(dict[str, msgspec.Raw])
    found = list(envelope.values())  # the object comes first; more may stand beside it one day
    if not found:
        raise BadAnswer("The answer is no object in its envelope", where=answer.where)
    return _decoded(as_, found[0], answer)


def _decoded(as_: type[S], raw: msgspec.Raw, answer: Answer) -> S:
    try:
        return msgspec.json.decode(raw, type=as_)
    except msgspec.DecodeError as error:
        raise BadAnswer(f"The answer does not fit: {error}", where=answer.where) from error


def _path(parts: tuple[str, ...]) -> str:
    return "/3/" + "/".join(quote(part, safe="") for part in parts)


def _refusal(answer: Answer) -> SamklangError | None:
    """ErrorInformation, whose keys come in upper or lower case, as our error."""
    if answer.status in (401, 403):
        return None
    body = answer.json()
    info = body.get("ErrorInformation") if isinstance(body, dict) else None
    said = {str(key).lower(): value for key, value in info.items()} if isinstance(info, dict) else {}
    code, text = said.get("code", 0), str(said.get("message") or f"Fortnox answered {answer.status}")
    return _MEANING.get(code, Rejected)(text, where=answer.where, remote=str(code))
