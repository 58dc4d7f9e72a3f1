"""Tryton's JSON-RPC: login, typed JSON, paging by id, errors.

`POST /<database>/rpc/` with {"id", "method", "params"}; the last parameter is always the context. Errors come with
HTTP 200 in `error`. Everything here was observed on running 8.2 servers; Tryton has no machine-readable document.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import (
    BadAnswer,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    SamklangError,
)
from samklang.connectors.transport import Transport

T = TypeVar("T")

#: Tryton 8.2.1 says of every longer answer that it is compressed, and only compresses it when this was asked for.
_GZIP = {"Accept-Encoding": "gzip"}
Domain = Sequence[Any]


class Row(Protocol):
    """Every row of Tryton has an id."""

    @property
    def id(self) -> int:
        """The row's id."""


R = TypeVar("R", bound=Row)


class Reply(msgspec.Struct, Generic[T]):
    """Answer to a call: `result`, or `error` as [kind, details]."""

    result: T | None = None
    error: list[Any] | None = None


class LoginReply(msgspec.Struct):
    """Answer to a login: [user id, session, …]."""

    result: list[Any] | None = None
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
    return msgspec.json.Decoder(type_, strict=False)


class Session:
    """Login of one user, shared by threads: a 401 makes one of them log in again, the others take its session."""

    def __init__(self, login: Callable[[], str]) -> None:
        self._login = login
        self._lock = threading.Lock()
        self._header = ""

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if not self._header:
                self._header = self._login()
            return {"Authorization": self._header}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            if self._header == used.get("Authorization"):
                self._header = self._login()
            return True


class Client:
    """Calls to one Tryton database as one user."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        self._user, self._password = str(settings["user"]), str(settings["password"])
        self._path = f"/{settings['database']}/rpc/"
        self.transport = Transport(str(settings["url"]), manifest.limits, around, timeout=60)
        self.transport.auth = Session(self._logged_in)
        self._context: Mapping[str, Any] | None = None
        self._lock = threading.Lock()

    def _logged_in(self) -> str:
        call = {"id": 0, "method": "common.db.login", "params": [self._user, {"password": self._password}]}
        answer = self.transport.request("POST", self._path, json=call, auth=False, idempotent=True, expect=(401, 404))
        if answer.status == 404:
            raise Misconfigured(
                "The server has no such database", where=answer.where, do_this="Correct the name of the database."
            )
        reply = answer.parsed(_decoder(LoginReply)) if answer.status == 200 else LoginReply()
        if not reply.result:
            raise LoginRefused("Tryton refused the user or the password", where=answer.where)
        user_id, token = reply.result[:2]
        return "Session " + base64.b64encode(f"{self._user}:{user_id}:{token}".encode()).decode()

    def version(self) -> str:
        """The server's series, such as 8.2."""
        call = {"id": 0, "method": "common.server.version", "params": []}
        answer = self.transport.request("POST", "/rpc/", json=call, auth=False, idempotent=True)
        reply: Reply[str] = answer.parsed(_decoder(Reply[str]))
        return reply.result or ""

    @property
    def context(self) -> Mapping[str, Any]:
        """The user's preferences: which company, which language. Sent with every call."""
        with self._lock:
            if self._context is None:
                wanted = ("company", "companies", "company_filter", "employee", "employees", "language")
                said = self._call("model.res.user.get_preferences", [True, {}], dict[str, Any], reads=True)
                self._context = {key: said[key] for key in wanted if key in said}
        if not self._context.get("company"):
            raise Misconfigured("The user belongs to no company", do_this="Give Samklang's user a company in Tryton.")
        return self._context

    def call(self, method: str, *params: Any, type_: type[T], reads: bool = False, **context: Any) -> T:
        """One call in the user's context. `reads`: repeating it changes nothing."""
        result: T = self._call(method, [*params, {**self.context, **context}], type_, reads=reads)
        return result

    def do(self, method: str, *params: Any) -> None:
        """A call whose result says nothing. Warnings meant for a person at a screen are passed over."""
        self._call(method, [*params, {**self.context, "_skip_warnings": True}], None, reads=False)

    def _call(self, method: str, params: Sequence[Any], type_: Any, *, reads: bool) -> Any:
        call = {"id": 0, "method": method, "params": typed(params)}
        answer = self.transport.request("POST", self._path, json=call, headers=_GZIP, idempotent=reads)
        if answer.status == 404:
            raise Misconfigured("The server has no such database", where=method)
        if answer.status >= 400:
            raise RemoteFault(f"Tryton answered {answer.status}", where=method)
        reply = answer.parsed(_decoder(Reply[Any] if type_ is None else Reply[type_]))
        if reply.error is not None:
            raise _error(method, reply.error)
        if type_ is not None and reply.result is None:
            raise BadAnswer("The answer has no result", where=method)
        return reply.result

    def rows(self, model: str, domain: Domain, type_: type[R], fields: Sequence[str], **more: Any) -> list[R]:
        """All records that match; only for what is few. `more` goes into the context."""
        return self.call(
            f"model.{model}.search_read",
            domain, 0, None, [["id", "ASC"]], list(fields), type_=list[type_], reads=True, **more,  # type: ignore[valid-type]  # a type made at run time
        )  # fmt: skip

    def pages(
        self,
        model: str,
        domain: Domain,
        type_: type[R],
        fields: Sequence[str],
        size: int,
        resume: str = "",
        **more: Any,
    ) -> Iterator[list[R]]:
        """The records that match, by id, so that what changes meanwhile moves nothing. `resume`: the last id seen."""
        last = int(resume or 0)
        while True:
            page: list[R] = self.call(
                f"model.{model}.search_read",
                [domain, ["id", ">", last]], 0, size, [["id", "ASC"]], list(fields),
                type_=list[type_], reads=True, **more,  # type: ignore[valid-type]  # a type made at run time
            )  # fmt: skip
            if page:
                yield page
                last = page[-1].id
            if len(page) < size:
                return

    def count(self, model: str, domain: Domain, **more: Any) -> int:
        """How many records match."""
        return self.call(f"model.{model}.search_count", domain, type_=int, reads=True, **more)

    def create(self, model: str, values: Mapping[str, Any]) -> int:
        """Create one record; its id."""
        return self.call(f"model.{model}.create", [values], type_=list[int])[0]

    def fields(self, model: str) -> Mapping[str, Mapping[str, Any]]:
        """The model's fields as this server has them: modules add fields."""
        return self.call(f"model.{model}.fields_get", type_=dict[str, dict[str, Any]], reads=True)

    def existing(self, model: str, wanted: Sequence[str]) -> list[str]:
        """Those of the wanted fields that this server's modules bring; dotted names by their first part."""
        known = self.fields(model)
        return [name for name in wanted if name.split(".")[0] in known]


def _error(method: str, error: Sequence[Any]) -> SamklangError:
    kind = error[0] if error else ""
    details = error[1] if len(error) > 1 else ""
    if kind == "UserError" and isinstance(details, list):
        return Rejected(" ".join(str(part) for part in details[:2] if part), where=method)
    if kind == "UserWarning" and isinstance(details, list):
        return Rejected(str(details[1] if len(details) > 1 else details), where=method)
    if kind == "LoginException":
        return LoginRefused("Tryton asks for more than a password", where=method)
    # ConcurrencyException, time-outs and faults in the server: Tryton has rolled the call back.
    return RemoteFault(f"Tryton failed: {str(kind)[:300]}", where=method)
