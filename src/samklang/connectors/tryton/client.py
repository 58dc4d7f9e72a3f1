"""Tryton's JSON-RPC: login, typed JSON, paging by id, errors.

`POST /<database>/rpc/` with {"id", "method", "params"}; the last parameter is always the context. Errors come with
HTTP 200 in `error`. Everything here was observed on running 8.2 servers; Tryton has no machine-readable document.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused, Misconfigured, Rejected, RemoteFault, SamklangError
from samklang.connectors.kit.login import Session
from samklang.connectors.kit.paging import Slice, by_last
from samklang.connectors.kit.shape import dotted
from samklang.connectors.transport import Answer, Transport
from samklang.connectors.tryton.shapes import Row

T = TypeVar("T")
R = TypeVar("R", bound=Row)
Domain = Sequence[Any]

#: Tryton 8.2.1 says of every longer answer that it is compressed, and only compresses it when this was asked for.
_GZIP = {"Accept-Encoding": "gzip"}
_PREFERENCES = ("company", "companies", "company_filter", "employee", "employees", "language")


class Reply(msgspec.Struct, Generic[T]):
    """Answer to a call: `result`, or `error` as [kind, details]."""

    result: T | None = None
    error: list[Any] | None = None


def typed(value: object) -> object:
    """Decimals and times in Tryton's typed JSON, inside any mapping or list. Times are UTC, without a zone."""
    if isinstance(value, Mapping):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [typed(inner) for inner in value]
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        clock = {part: getattr(value, part) for part in ("hour", "minute", "second", "microsecond")}
        return {"__class__": "datetime", "year": value.year, "month": value.month, "day": value.day, **clock}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    return value


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    # On SQLite Tryton gives booleans as 0 and 1, on PostgreSQL as false and true: strict=False takes both.
    return msgspec.json.Decoder(Reply[type_], strict=False)


class Client:
    """Calls to one Tryton database as one user."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        self._user, self._password = str(settings["user"]), str(settings["password"])
        self._path = f"/{settings['database']}/rpc/"
        self.transport = Transport(str(settings["url"]), manifest.limits, around, timeout=60)
        self.transport.auth = Session(self._logged_in, "Session")
        self._context: Mapping[str, Any] | None = None
        self._lock = threading.Lock()

    def _logged_in(self) -> str:
        params = [self._user, {"password": self._password}]
        answer = self._post(self._path, "common.db.login", params, auth=False, idempotent=True, expect=(401,))
        result = answer.parsed(_decoder(list[Any])).result if answer.status == 200 else None
        if not result:
            raise LoginRefused("Tryton refused the user or the password", where=answer.where)
        user_id, token = result[:2]
        return base64.b64encode(f"{self._user}:{user_id}:{token}".encode()).decode()

    def _post(self, path: str, method: str, params: Sequence[Any], **how: Any) -> Answer:
        call = {"id": 0, "method": method, "params": typed(params)}
        answer = self.transport.request("POST", path, json=call, headers=_GZIP, **how)
        if answer.status == 404:
            raise Misconfigured(
                "The server has no such database", where=answer.where, do_this="Correct the name of the database."
            )
        return answer

    def version(self) -> str:
        """The server's series, such as 8.2."""
        answer = self._post("/rpc/", "common.server.version", [], auth=False, idempotent=True)
        return answer.parsed(_decoder(str)).result or ""

    @property
    def context(self) -> Mapping[str, Any]:
        """The user's preferences: which company, which language. Sent with every call."""
        with self._lock:
            if self._context is None:
                said = self._call("model.res.user.get_preferences", [True, {}], dict[str, Any], reads=True)
                self._context = {key: said[key] for key in _PREFERENCES if key in said}
        if not self._context.get("company"):
            raise Misconfigured("The user belongs to no company", do_this="Give Samklang's user a company in Tryton.")
        return self._context

    def call(self, method: str, *params: Any, type_: type[T], reads: bool = False, **context: Any) -> T:
        """One call in the user's context. `reads`: repeating it changes nothing."""
        result: T | None = self._call(method, [*params, {**self.context, **context}], type_, reads=reads)
        if result is None:
            raise BadAnswer("The answer has no result", where=method)
        return result

    def do(self, method: str, *params: Any) -> None:
        """A call whose result says nothing. Warnings meant for a person at a screen are passed over."""
        self._call(method, [*params, {**self.context, "_skip_warnings": True}], Any, reads=False)

    def _call(self, method: str, params: Sequence[Any], type_: Any, *, reads: bool) -> Any:
        answer = self._post(self._path, method, params, idempotent=reads)
        if answer.status >= 400:
            raise RemoteFault(f"Tryton answered {answer.status}", where=method)
        reply = answer.parsed(_decoder(type_))
        if reply.error is not None:
            raise _error(method, reply.error)
        return reply.result

    def rows(
        self, model: str, domain: Domain, type_: type[R], fields: Sequence[str] = (), most: int = 0, /, **more: Any
    ) -> list[R]:
        """Records that match, in the order of their ids; all of them only for what is few. `more`: for the context."""
        method, asked = f"model.{model}.search_read", list(fields or _asked(type_))
        return self.call(
            method, domain, 0, most or None, [["id", "ASC"]], asked,
            type_=list[type_], reads=True, **more,  # type: ignore[valid-type]  # a type made at run time
        )  # fmt: skip

    def pages(
        self, model: str, domain: Domain, type_: type[R], fields: Sequence[str], size: int, resume: str, **more: Any
    ) -> Iterator[Slice[R]]:
        """The records that match, by id, so that what changes meanwhile moves nothing."""

        def page(last: str) -> list[R]:
            return self.rows(model, [domain, ["id", ">", int(last or 0)]], type_, fields, size, **more)

        return by_last(page, size, lambda row: row.id, resume)

    def count(self, model: str, domain: Domain, **more: Any) -> int:
        """How many records match."""
        return self.call(f"model.{model}.search_count", domain, type_=int, reads=True, **more)

    def create(self, model: str, values: Mapping[str, Any]) -> int:
        """Create one record; its id."""
        return self.call(f"model.{model}.create", [values], type_=list[int])[0]

    def fields(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        """The model's fields as this server has them: modules add fields."""
        return self.call(f"model.{model}.fields_get", type_=dict[str, dict[str, Any]], reads=True)

    def known(self, type_: type[Row], **models: str) -> list[str]:
        """What of a struct this server's modules bring. `models`: the model itself (`own`), and behind a field."""
        names = _asked(type_)
        for field, model in models.items():
            known, at = self.fields(model), 0 if field == "own" else 1
            names = [n for n in names if (at and not n.startswith(f"{field}.")) or n.split(".")[at] in known]
        return names


def _asked(type_: type[Row]) -> list[str]:
    """A struct's fields as search_read wants them; ids come unasked."""
    return [name for name in dotted(type_) if name.rpartition(".")[2] != "id"]


def _error(method: str, error: Sequence[Any]) -> SamklangError:
    kind, details, *_ = (*error, "", "")
    if kind == "UserError" and isinstance(details, list):
        return Rejected(" ".join(str(part) for part in details[:2] if part), where=method)
    if kind == "UserWarning" and isinstance(details, list):
        return Rejected(str(details[1] if len(details) > 1 else details), where=method)
    if kind == "LoginException":
        return LoginRefused("Tryton asks for more than a password", where=method)
    # ConcurrencyException, time-outs and faults in the server: Tryton has rolled the call back.
    return RemoteFault(f"Tryton failed: {str(kind)[:300]}", where=method)
