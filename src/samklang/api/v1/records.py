"""Articles, stock, customers, and records of any type: what their masters say, and which system has it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from ninja import Query
from pydantic import Field

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Answer, AtTarget, Counted, at, struct
from samklang.hub.looks import article, articles, customers
from samklang.hub.looks import records as looks
from samklang.hub.looks.article import FieldLook
from samklang.hub.models import ProblemItem
from samklang.people.rights import Right
from samklang.records import Customer, Price, Product, StockLevel, record_class, record_types

door = Door("records")
RECORDS = tuple(record_class(type_) for type_ in record_types())
Search = Annotated[str, Query(max_length=100, description="The beginning of a number, a name or any other term.")]
OpenOnly = Annotated[Literal["", "open"], Query(description="`open`: only what some target lacks or refused.")]
Key = Annotated[str, Field(min_length=1, max_length=300)]


class Trouble(Answer):
    """An open problem of a record."""

    problem: int
    code: str
    connection: str
    type: str
    what: str
    do_this: str
    since: datetime


class NumberAt(Answer):
    """What a system calls the record, and its address there ("" where it has none)."""

    connection: str
    external_id: str
    link: str
    state: str


class ProductRow(Answer):
    """An article at its master, and how each target stands."""

    key: str
    product: struct(Product)  # type: ignore[valid-type]
    master: str
    changed_at: datetime
    targets: list[AtTarget]


class HoldingRow(Answer):
    """How a target stands with a field; `masked` where the flow leaves it alone."""

    connection: str
    state: str


class FieldRow(Answer):
    """Who is master of a field, what it says, and who else has it."""

    type: str
    name: str
    value: Any
    master: str
    changed_at: datetime
    holdings: list[HoldingRow]


class PriceOf(Answer):
    """A price of the article."""

    price: struct(Price)  # type: ignore[valid-type]
    field: FieldRow


class LevelOf(Answer):
    """A stock level of the article."""

    level: struct(StockLevel)  # type: ignore[valid-type]
    field: FieldRow


class Article(Answer):
    """An article whole: each field with its master and who has it, prices, stock, numbers, open problems."""

    product: struct(Product)  # type: ignore[valid-type]
    master: str
    changed_at: datetime
    fields: list[FieldRow]
    prices: list[PriceOf]
    levels: list[LevelOf]
    numbers: list[NumberAt]
    problems: list[Trouble]


class StockRow(Answer):
    """What a warehouse has of an article; with a `channel`, what that channel is told of it."""

    level: struct(StockLevel)  # type: ignore[valid-type]
    name: str
    channel: str
    master: str
    changed_at: datetime
    targets: list[AtTarget]


class CustomerRow(Answer):
    """A customer, and how many orders name the same e-mail address."""

    key: str
    customer: struct(Customer)  # type: ignore[valid-type]
    orders: int
    master: str
    changed_at: datetime
    targets: list[AtTarget]


class CustomerLook(Answer):
    """A customer whole: what each system calls it, keys of its newest orders, open problems."""

    key: str
    customer: struct(Customer)  # type: ignore[valid-type]
    master: str
    changed_at: datetime
    numbers: list[NumberAt]
    orders: list[str]
    problems: list[Trouble]


class RecordRow(Answer):
    """A record of any type, as its master says it. Fields that have their default are left out of `record`."""

    key: str
    record: struct(*RECORDS)  # type: ignore[valid-type]
    master: str
    changed_at: datetime
    gone: bool
    targets: list[AtTarget]


def targets(found: Any) -> list[dict[str, Any]]:
    """How a record stands at each target."""
    return [one._asdict() for one in found]


def trouble(item: ProblemItem) -> dict[str, Any]:
    """An open problem of a record."""
    problem = item.problem
    return {
        "problem": problem.pk, "code": problem.code, "connection": item.connection.name if item.connection else "",
        "type": item.type, "what": item.message, "do_this": problem.do_this, "since": problem.first_at,
    }  # fmt: skip


def _numbers(found: Any) -> list[dict[str, Any]]:
    return [
        {"connection": row.name, "external_id": id_, "link": link, "state": state} for row, id_, link, state in found
    ]


def _field(field: FieldLook) -> dict[str, Any]:
    return {
        **field._asdict(), "value": msgspec.to_builtins(field.value), "changed_at": at(field.changed_at),
        "holdings": [one._asdict() for one in field.holdings],
    }  # fmt: skip


@door.get("/products", Right.SEE, Counted[ProductRow])
def products(call: Call, q: Search = "", delivery: OpenOnly = "", limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Articles by number."""
    with cursors.judged():
        found = articles.products(call.tenant, articles.Asked(q, delivery), cursors.text(cursor), limit)
    return cursors.of_slice(
        found,
        lambda row: {
            "key": row.product.key, "product": row.product, "master": row.master, "changed_at": at(row.changed_at),
            "targets": targets(row.targets),
        },
    )  # fmt: skip


@door.get("/products/{path:key}", Right.SEE, Article)
def product(call: Call, key: Key) -> Any:
    """One article: who is master of which field, which system has which value, when it last changed."""
    found = article.article(call.tenant, key)
    if found is None:
        raise NotThere(f"There is no article {key}")
    return {
        "product": found.product, "master": found.master, "changed_at": at(found.changed_at),
        "fields": [_field(one) for one in found.fields],
        "prices": [{"price": price, "field": _field(one)} for price, one in found.prices],
        "levels": [{"level": level, "field": _field(one)} for level, one in found.levels],
        "numbers": _numbers(found.numbers), "problems": [trouble(item) for item in found.troubles],
    }  # fmt: skip


@door.get("/stock", Right.SEE, Counted[StockRow])
def stock(call: Call, q: Search = "", delivery: OpenOnly = "", limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Stock levels by article and warehouse, and what channels are told."""
    with cursors.judged():
        found = articles.stock(call.tenant, articles.Asked(q, delivery), cursors.text(cursor), limit)
    return cursors.of_slice(
        found, lambda row: {**row._asdict(), "changed_at": at(row.changed_at), "targets": targets(row.targets)}
    )


@door.get("/customers", Right.SEE, Counted[CustomerRow])
def customers_list(call: Call, q: Search = "", limit: Limit = 50, cursor: Cursor = "") -> Any:
    """Customers by key."""
    with cursors.judged():
        found = customers.customers(call.tenant, q, cursors.text(cursor), limit)
    return cursors.of_slice(
        found, lambda row: {**row._asdict(), "changed_at": at(row.changed_at), "targets": targets(row.targets)}
    )


@door.get("/customers/{path:key}", Right.SEE, CustomerLook)
def customer(call: Call, key: Key) -> Any:
    """One customer."""
    found = customers.customer(call.tenant, key)
    if found is None:
        raise NotThere(f"There is no customer {key}")
    return {
        "key": found.key, "customer": found.customer, "master": found.master, "changed_at": at(found.changed_at),
        "numbers": _numbers(found.numbers), "orders": [row.key for row in found.orders.rows],
        "problems": [trouble(item) for item in found.troubles],
    }  # fmt: skip


def _type(type_: str) -> str:
    if type_ not in record_types():
        raise NotThere(f"There is no type {type_!r}", do_this=f"Use one of: {', '.join(record_types())}.")
    return type_


def _record(row: looks.RecordLook) -> dict[str, Any]:
    return {
        **row._asdict(), "record": msgspec.Raw(row.body), "changed_at": at(row.changed_at),
        "targets": targets(row.targets),
    }  # fmt: skip


@door.get("/records/{type_}", Right.SEE, Counted[RecordRow])
def records(
    call: Call,
    type_: Annotated[str, Field(max_length=20)],
    begin: Annotated[str, Query(max_length=300, description="The beginning of the key.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Any:
    """Records of any type by key: prices, price lists, order statuses, shipments, returns, captures, refunds …

    Keys of what hangs on an order begin with the order's key: `begin=channel/number#` gives all shipments of one.
    """
    with cursors.judged():
        found = looks.records(call.tenant, _type(type_), begin, cursors.text(cursor), limit)
    return cursors.of_slice(found, _record)


@door.get("/records/{type_}/{path:key}", Right.SEE, list[RecordRow])
def record(call: Call, type_: Annotated[str, Field(max_length=20)], key: Key) -> Any:
    """One record, as each master of its type says it."""
    found = looks.record(call.tenant, _type(type_), key)
    if not found:
        raise NotThere(f"There is no {type_} {key}")
    return [_record(row) for row in found]
