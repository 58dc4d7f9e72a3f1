"""GraphQL as a thin transport: the query is written from the struct that its answer is decoded into.

Every operation has one root field, named `result` in the answer. Errors come as GraphQL `errors` beside or instead of
it; what their codes mean is the vendor's business (`judge`). Variables are given with their GraphQL type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from samklang.connectors.errors import SamklangError
from samklang.connectors.kit import shape
from samklang.connectors.transport import Transport

T = TypeVar("T")


class Var(NamedTuple):
    """A variable: its GraphQL type, such as `ID!`, and its value."""

    type: str
    value: object


class Extensions(msgspec.Struct, frozen=True):
    """Where servers put an error's code."""

    code: str = ""


class GraphError(msgspec.Struct):
    """One error of an answer."""

    message: str
    extensions: Extensions = Extensions()


class Data(msgspec.Struct, Generic[T]):
    """The answer's data."""

    result: T | None = None


class Reply(msgspec.Struct, Generic[T]):
    """A whole answer."""

    data: Data[T] | None = None
    errors: list[GraphError] = []


class GraphQL:
    """Operations at one address. `judge` makes an error out of the vendor's code and the place."""

    def __init__(self, transport: Transport, path: str, judge: Callable[[GraphError, str], SamklangError]) -> None:
        self._transport = transport
        self._path = path
        self._judge = judge

    def query(self, root: str, type_: type[T], selection: str = "", /, **variables: Var) -> T | None:
        """One query; None when there is no such thing. `selection` where the type's own fields are not what to ask."""
        return self._send("query", root, type_, selection, variables)

    def mutate(self, root: str, type_: type[T], selection: str = "", /, **variables: Var) -> T | None:
        """One mutation, never repeated by itself. `selection` as for `query`: for result unions."""
        return self._send("mutation", root, type_, selection, variables)

    def _send(self, kind: str, root: str, type_: type[T], selection: str, variables: dict[str, Var]) -> T | None:
        text = _text(kind, root, selection or shape.graphql(type_), variables)
        sent = {"query": text, "variables": {name: var.value for name, var in variables.items()}}
        answer = self._transport.request("POST", self._path, json=sent, idempotent=kind == "query")
        reply: Reply[T] = answer.parsed(_decoder(type_))  # type: ignore[arg-type]  # a type can be hashed
        if reply.errors:
            raise self._judge(reply.errors[0], answer.where)
        return reply.data.result if reply.data else None


def _text(kind: str, root: str, selection: str, variables: dict[str, Var]) -> str:
    declared = ", ".join(f"${name}: {var.type}" for name, var in variables.items())
    passed = ", ".join(f"{name}: ${name}" for name in variables)
    head, call = (f"{kind}({declared})", f"{root}({passed})") if variables else (kind, root)
    return f"{head} {{ result: {call} {{ {selection} }} }}"


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Reply[type_])
