"""Vendure's Admin GraphQL: login, the three ways in which it says no, lists by skip and take.

Errors come as GraphQL `errors` (HTTP 200 or 400), or as a *result union* whose member has an `errorCode`. Money is in
whole minor units. Observed on a running 3.7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
)  # fmt: skip
from samklang.connectors.kit.graphql import GraphError, GraphQL, Var
from samklang.connectors.kit.login import Session
from samklang.connectors.kit.paging import Slice, by_number
from samklang.connectors.kit.shape import graphql
from samklang.connectors.transport import Transport

T = TypeVar("T")
_FAILED = "__typename ... on ErrorResult { errorCode message }"


class Listed(msgspec.Struct, Generic[T]):
    """A page of a list, and how many rows the whole list has."""

    items: list[T]
    total: int = msgspec.field(name="totalItems")


class Outcome(msgspec.Struct):
    """A mutation's result: what was made, or an error of a result union."""

    id: str = ""
    state: str = ""
    error_code: str = msgspec.field(name="errorCode", default="")
    message: str = ""


class _LoggedIn(msgspec.Struct):
    data: dict[str, Outcome | None] | None = None


class Client:
    """Calls to one Vendure server in one channel."""

    def __init__(self, settings: Mapping[str, Any], manifest: Manifest, around: Surroundings) -> None:
        self._user, self._password = str(settings["user"]), str(settings["password"])
        channel = settings.get("channel_token")
        self.transport = Transport(str(settings["url"]), manifest.limits, around, timeout=60)
        self.session = Session(self._logged_in, fixed={"vendure-token": str(channel)} if channel else {})
        self.transport.auth = self.session
        self._graph = GraphQL(self.transport, "/admin-api", _error)

    def _logged_in(self) -> str:
        query = (
            "mutation($user: String!, $password: String!) "
            f"{{ result: login(username: $user, password: $password) {{ {_FAILED} }} }}"
        )
        sent = {"query": query, "variables": {"user": self._user, "password": self._password}}
        answer = self.transport.request("POST", "/admin-api", json=sent, auth=False, idempotent=True)
        if answer.status == 404:
            raise Misconfigured("There is no Vendure Admin API at this address", where=answer.where)
        said = (answer.of(_LoggedIn).data or {}).get("result")
        if not said or said.error_code:
            raise LoginRefused("Vendure refused the administrator or the password", where=answer.where)
        token = answer.headers.get("vendure-auth-token", "")
        if not token:
            raise Misconfigured(
                "The server gives no bearer token",
                do_this="Set authOptions.tokenMethod to include 'bearer' in Vendure.",
            )
        return token

    def ask(self, root: str, type_: type[T], **variables: Var) -> T | None:
        """One query; None when Vendure has no such thing."""
        return self._logged(lambda: self._graph.query(root, type_, **variables))

    def get(self, root: str, type_: type[T], **variables: Var) -> T:
        """One query whose answer must be there."""
        return _there(self.ask(root, type_, **variables))

    def do(self, root: str, type_: type[T], **variables: Var) -> T:
        """One mutation."""
        return _there(self._logged(lambda: self._graph.mutate(root, type_, **variables)))

    def act(self, root: str, on: str, **variables: Var) -> Outcome:
        """One mutation that gives a result union with the member `on`; Rejected when its result is an error."""
        selection = f"{_FAILED} ... on {on} {{ id state }}"
        done = _there(self._logged(lambda: self._graph.mutate(root, Outcome, selection, **variables)))
        if done.error_code:
            raise Rejected(done.message, remote=done.error_code)
        return done

    def _logged(self, call: Callable[[], T]) -> T:
        """An expired session and a missing right look the same: log in again once, then it is the right."""
        login = self.session.headers()
        try:
            return call()
        except Forbidden:
            self.session.renew(login)
            return call()

    def some(self, root: str, type_: type[T], take: int, skip: int = 0, /, **filters: Any) -> Listed[T]:
        """Rows of a list in the order of their ids."""
        kind = f"{root[0].upper()}{root[1:-1]}ListOptions"  # of productVariants: ProductVariantListOptions
        options = Var(kind, {"skip": skip, "take": take, "sort": {"id": "ASC"}, "filter": filters})
        selection = f"totalItems items {{ {graphql(type_)} }}"
        return _there(self._logged(lambda: self._graph.query(root, Listed[type_], selection, options=options)))  # type: ignore[valid-type]  # a type made at run time

    def pages(self, root: str, type_: type[T], size: int, resume: str = "", /, **filters: Any) -> Iterator[Slice[T]]:
        """A whole list."""

        def page(number: int) -> tuple[list[T], int]:
            found = self.some(root, type_, size, number * size, **filters)
            return found.items, found.total

        return by_number(root, page, size, self.transport, resume)


def _there(found: T | None) -> T:
    if found is None:
        raise BadAnswer("The answer has no result")
    return found


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
