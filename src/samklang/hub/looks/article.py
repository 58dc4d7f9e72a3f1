"""One article: who is master of which of its fields, what the value is, and which system has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db.models import Q

from samklang.hub.looks.articles import masters
from samklang.hub.looks.journeys import Outside
from samklang.hub.models import Binding, Connection, Flow, ProblemItem, Stored, Tenant
from samklang.records import Price, Product, Record, StockLevel, decode

_MOST = 200  # prices or levels of an article that a page shows


class Holding(NamedTuple):
    """How one target stands with a field: state of the delivery, or `masked` where the flow leaves the field alone."""

    connection: str
    state: str


class FieldLook(NamedTuple):
    """One field with its value as people read it, who is master, and who else has it."""

    type: str
    name: str
    value: Any
    master: str
    changed_at: float
    holdings: list[Holding]


class ArticleLook(NamedTuple):
    """Everything about an article."""

    product: Product
    changed_at: float
    master: str
    fields: list[FieldLook]
    prices: list[tuple[Price, FieldLook]]
    levels: list[tuple[StockLevel, FieldLook]]
    numbers: list[tuple[Connection, str, str, str]]  # where, its number there, its address, state
    troubles: list[ProblemItem]


def article(tenant: Tenant, key: str) -> ArticleLook | None:
    """A product by its key (its code in compare form); None when no master has it."""
    rows = {row.pk: row for row in Connection.objects.filter(tenant=tenant)}
    stored = Stored.objects.filter(
        tenant=tenant, connection__in=masters(tenant, "product"), type="product", key=key
    ).values_list("connection_id", "body", "changed_at")
    found = next(iter(stored), None)
    if found is None:
        return None
    master, body, changed_at = found
    product = decode("product", bytes(body))
    assert isinstance(product, Product)
    flows = list(Flow.objects.filter(tenant=tenant, type__in=["product", "price", "stock"], enabled=True))
    skus = [variant.key for variant in product.variants]
    hanging = _hanging(tenant, skus, list(rows))
    bindings = _bindings(tenant, key, [row.key for row, *_ in hanging], list(rows))
    own = _holdings(flows, bindings, rows, "product", key, master)
    prices: list[tuple[Price, FieldLook]] = []
    levels: list[tuple[StockLevel, FieldLook]] = []
    for record, place, at in hanging:
        holdings = [held for held, _ in _holdings(flows, bindings, rows, record.type, record.key, place)]
        if isinstance(record, Price):
            prices.append(
                (record, FieldLook("price", record.price_list, record.amount, rows[place].name, at, holdings))
            )
        elif isinstance(record, StockLevel):
            name = record.warehouse.lstrip("@")
            levels.append((record, FieldLook("stock", name, record.available, rows[place].name, at, holdings)))
    outside = Outside()
    numbers = [
        (rows[place], id_, outside(rows[place], "product", id_), state)
        for (place, type_, one), (id_, state, _) in sorted(bindings.items())
        if type_ == "product" and one == key and id_
    ]
    troubles = ProblemItem.objects.filter(
        tenant=tenant, type__in=["product", "price", "stock"], problem__closed_at=None,
        key__in=[key, *(row.key for row, *_ in hanging)],
    ).select_related("problem", "connection")  # fmt: skip
    fields = [
        FieldLook(
            "product", name, value, rows[master].name, changed_at,
            [held if not mask or name in mask else held._replace(state="masked") for held, mask in own],
        )
        for name, value in _values(product)
    ]  # fmt: skip
    return ArticleLook(
        product, changed_at, rows[master].name, fields, prices, levels, numbers, list(troubles[:20])
    )  # fmt: skip


def _values(product: Product) -> Iterable[tuple[str, Any]]:
    """(field, value as it is read) of what the product says."""
    for name in product.__struct_fields__:
        value = getattr(product, name)
        if value in ("", (), None) or value == {} or name in ("custom", "code"):
            continue
        if name == "variants":
            value = ", ".join(" ".join((v.sku, *v.options.values())) for v in product.variants[:50])
        elif isinstance(value, tuple):
            value = ", ".join(part if isinstance(part, str) else msgspec.to_builtins(part)["name"] for part in value)
        elif not isinstance(value, str | int | Decimal):
            value = ", ".join(f"{k}: {v}" for k, v in value.items())
        yield name, value


def _hanging(tenant: Tenant, skus: Sequence[str], here: Sequence[int]) -> list[tuple[Record, int, float]]:
    """Prices and stock levels of these articles at their masters."""
    wanted = Q()
    for sku in skus[:100]:
        wanted |= Q(key__gte=f"{sku}|", key__lt=f"{sku}}}")
    found: list[tuple[Record, int, float]] = []
    for type_ in ("price", "stock"):
        rows = Stored.objects.filter(
            wanted, tenant=tenant, connection__in=masters(tenant, type_), type=type_, gone=False
        ).order_by("key")
        found += [
            (decode(type_, bytes(body)), place, at)
            for body, place, at in rows.values_list("body", "connection_id", "changed_at")[:_MOST]
        ]
    return found


def _bindings(
    tenant: Tenant, key: str, keys: Sequence[str], here: Sequence[int]
) -> dict[tuple[int, str, str], tuple[str, str, bool]]:
    """(connection, type, key) → external id, state, whether it is wanted there."""
    rows = Binding.objects.filter(tenant=tenant, connection__in=list(here)).values_list(
        "connection_id", "type", "key", "external_id", "state", "wanted"
    )
    own, others = rows.filter(type="product", key=key), rows.filter(type__in=["price", "stock"], key__in=list(keys))
    return {
        (place, type_, one): (id_ or "", state, wanted is not None)
        for place, type_, one, id_, state, wanted in (*own, *others)  # OR may read everything
    }


def _holdings(
    flows: list[Flow], bindings: dict[tuple[int, str, str], tuple[str, str, bool]], rows: dict[int, Connection],
    type_: str, key: str, master: int,
) -> list[tuple[Holding, list[str]]]:  # fmt: skip
    """How each target of the type stands, with the flow's field mask (empty = everything is written)."""
    found = []
    for flow in flows:
        if (flow.type, flow.source_id) == (type_, master):
            _, state, wanted = bindings.get((flow.target_id, type_, key), ("", "", False))
            if wanted:
                found.append((Holding(rows[flow.target_id].name, state), list(flow.fields)))
    return found
