"""Vendure's Admin GraphQL: login, the three ways in which it says no, lists by skip and take.

Every query names its root field `result`. Errors come as GraphQL `errors` (HTTP 200 or 400), or as a *result union*
whose member has an `errorCode`. Money is in whole minor units. Observed on a running 3.7.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from samklang.connectors.contract import Manifest, Surroundings
from samklang.connectors.errors import (
    BadAnswer,
    Forbidden,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    SamklangError,
)
from samklang.connectors.transport import Transport

T = TypeVar("T")


class Extensions(msgspec.Struct, frozen=True):
    """Where Vendure puts an error's code."""

    code: str = ""


class GraphError(msgspec.Struct):
    """One GraphQL error."""

    message: str
    extensions: Extensions = Extensions()


class Data(msgspec.Struct, Generic[T]):
    """The answer's data: one root field."""

    result: T | None = None


class Reply(msgspec.Struct, Generic[T]):
    """A GraphQL answer."""

    data: Data[T] | None = None
    errors: list[GraphError] = []


class Listed(msgspec.Struct, Generic[T]):
    """A page of a list, and how many rows the whole list has."""

    items: list[T]
    total: int = msgspec.field(name="totalItems")


class Outcome(msgspec.Struct):
    """A mutation's result: what was made, or an error of a result union."""

    kind: str = msgspec.field(name="__typename")
    id: str = ""
    state: str = ""
    error_code: str = msgspec.field(name="errorCode", default="")
    message: str = ""


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Reply[type_])


class Session:
    """Bearer token of one administrator, shared by threads; renewed by the first who finds it refused."""

    def __init__(self, login: Callable[[], str], fixed: Mapping[str, str]) -> None:
        self._login = login
        self._fixed = fixed
        self._lock = threading.Lock()
        self._token = ""

    def headers(self) -> Mapping[str, str]:
        with self._lock:
            if not self._token:
                self._token = self._login()
            return {"Authorization": f"Bearer {self._token}", **self._fixed}

    def renew(self, used: Mapping[str, str]) -> bool:
        with self._lock:
            if used.get("Authorization") == f"Bearer {self._token}":
                self._token = self._login()
            return True


class Client:
    """Calls to one Vendure server in one channel."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        self._user, self._password = str(settings["user"]), str(settings["password"])
        channel = settings.get("channel_token")
        self.transport = Transport(str(settings["url"]), manifest.limits, around, timeout=60)
        self.session = Session(self._logged_in, {"vendure-token": str(channel)} if channel else {})
        self.transport.auth = self.session

    def _logged_in(self) -> str:
        query = (
            "mutation($user: String!, $password: String!) { result: login(username: $user, password: $password) "
            "{ __typename ... on ErrorResult { errorCode message } } }"
        )
        sent = {"query": query, "variables": {"user": self._user, "password": self._password}}
        answer = self.transport.request("POST", "/admin-api", json=sent, auth=False, idempotent=True)
        if answer.status == 404:
            raise Misconfigured("There is no Vendure Admin API at this address", where=answer.where)
        reply: Reply[Outcome] = answer.parsed(_decoder(Outcome))
        token = answer.headers.get("vendure-auth-token", "")
        if not reply.data or not reply.data.result or reply.data.result.error_code:
            raise LoginRefused("Vendure refused the administrator or the password", where=answer.where)
        if not token:
            raise Misconfigured(
                "The server gives no bearer token",
                do_this="Set authOptions.tokenMethod to include 'bearer' in Vendure.",
            )
        return token

    def ask(self, query: str, type_: type[T], **variables: Any) -> T | None:
        """One query; None when Vendure has no such thing."""
        found: T | None = self._call(query, type_, variables, reads=True)
        return found

    def get(self, query: str, type_: type[T], **variables: Any) -> T:
        """One query whose answer must be there."""
        found: T | None = self._call(query, type_, variables, reads=True)
        if found is None:
            raise BadAnswer("The answer has no result")
        return found

    def do(self, query: str, type_: type[T], **variables: Any) -> T:
        """One mutation; Rejected when its result is an error."""
        done: T | None = self._call(query, type_, variables, reads=False)
        if done is None:
            raise BadAnswer("The answer has no result")
        if isinstance(done, Outcome) and done.error_code:
            raise Rejected(done.message, remote=done.error_code)
        return done

    def _call(self, query: str, type_: Any, variables: Mapping[str, Any], *, reads: bool) -> Any:
        sent = {"query": query, "variables": variables}
        for last in (False, True):
            login = self.session.headers()
            answer = self.transport.request("POST", "/admin-api", json=sent, idempotent=reads)
            reply = answer.parsed(_decoder(type_))
            # An expired session and a missing right look the same: log in again once, then it is the right.
            if not last and any(error.extensions.code == "FORBIDDEN" for error in reply.errors):
                self.session.renew(login)
                continue
            if reply.errors:
                raise _error(reply.errors[0], answer.where)
            return reply.data.result if reply.data else None
        raise AssertionError("the loop above returns or raises")

    def pages(
        self, query: str, type_: type[T], size: int, resume: str = "", *, filters: Mapping[str, Any]
    ) -> Iterator[tuple[list[T], int, str]]:
        """Rows of a list in the order of their ids: (rows, rows in all, where to go on).

        Vendure pages by offset. New rows come last and move nothing, but a deleted row would push one past us unseen:
        a list that grew shorter is an error, and the hub reads again.
        """
        at, _, total = resume.partition("/")
        skip, before = int(at or 0), int(total or 0)
        while True:
            options = {"skip": skip, "take": size, "sort": {"id": "ASC"}, "filter": filters}
            page: Listed[T] = self.get(query, Listed[type_], options=options)  # type: ignore[valid-type]  # made at run time
            if page.total < before:
                raise BadAnswer("Rows were deleted while the list was read")
            before, skip = page.total, skip + len(page.items)
            if page.items:
                yield page.items, page.total, f"{skip}/{page.total}"
            if skip >= page.total or not page.items:
                return


def _error(error: GraphError, where: str) -> SamklangError:
    code = error.extensions.code
    if code == "FORBIDDEN":
        return Forbidden(
            f"Vendure refused: {error.message}", where=where, do_this="Give Samklang's administrator the missing right."
        )
    if code in ("INTERNAL_SERVER_ERROR", ""):
        return RemoteFault(f"Vendure failed: {error.message[:300]}", where=where)
    if code == "CHANNEL_NOT_FOUND":
        return Misconfigured(error.message, where=where, do_this="Correct the channel token.")
    return Rejected(error.message[:500], where=where, remote=code)
