"""What of a configuration a package does not include. Judged where something is switched on: what flows goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from samklang.connectors.errors import NotInPackage
from samklang.hub.models import Connection, Stored, Tenant
from samklang.hub.setup.config import Config, FlowPart
from samklang.hub.setup.drafts import flow_name
from samklang.packages import offer, terms
from samklang.packages.offer import WORDS, Feature, Package
from samklang.records import Product, decode

#: Record type → the feature that its flows need. Articles, their single price, customers and orders are in every
#: package; vouchers, payouts and statements are the books', which no package speaks of.
OF_TYPE: Mapping[str, Feature] = {
    "stock": "stock", "inbound": "stock", "receipt": "stock", "price_list": "price lists",
    "order_status": "status", "shipment": "status", "release": "status", "order_edit": "status", "return": "status",
    "capture": "status", "void": "status", "refund": "status",
}  # fmt: skip


class Need(NamedTuple):
    """Something of a configuration that needs a feature, and where it stands there."""

    feature: Feature
    where: str


def needs(new: Config, old: Config | None = None) -> list[Need]:
    """What a configuration needs, in the order of its flows; beside an `old` one only what comes with the new."""
    on = {flow.name() for flow in old.flows if flow.enabled} if old else set()
    begins = [flow for flow in new.flows if flow.enabled and flow.name() not in on]
    found = [Need(OF_TYPE[flow.type], flow_name(flow)) for flow in begins if flow.type in OF_TYPE]
    shops = dict.fromkeys(flow.channel for flow in new.flows if flow.enabled)
    there = {flow.channel for flow in old.flows if flow.enabled} if old else set(list(shops)[:1])
    if len(shops) > 1:
        found += [Need("several shops", shop) for shop in shops if shop not in there]
    used = _plugins(old) if old else set()
    return found + [Need("plugins", name) for name in sorted(_plugins(new) - used)]


def missing(package: Package | None, found: Sequence[Need]) -> list[Need]:
    """Those needs that a package does not include; without a package none."""
    return [need for need in found if not package.includes(need.feature)] if package else []


def refusal(package: Package, lacks: Sequence[Need]) -> NotInPackage:
    """Says what the package lacks (the first feature, and every place that needs it) and what to do."""
    feature = lacks[0].feature
    name, what = package.name, WORDS[feature]
    larger = next((one.name for one in offer.offered().values() if one.includes(feature)), "")
    return NotInPackage(
        f"The package {name} does not include {what}",
        where=", ".join(dict.fromkeys(need.where for need in lacks if need.feature == feature)),
        do_this=f"Leave it out, or take the package {larger}: whoever runs this Samklang changes it." if larger else "",
    )


def gate(tenant: Tenant, old: Config, new: Config) -> None:
    """Refuse what would be switched on and is not in the tenant's package (hub/setup/gates.py). NotInPackage."""
    package = terms.current(tenant)
    if package is None:
        return
    lacks = missing(package, needs(new, old))
    if not lacks and not package.includes("variants"):
        lacks = list(_with_variants(tenant, old, new))
    if lacks:
        raise refusal(package, lacks)


def _with_variants(tenant: Tenant, old: Config, new: Config) -> Iterator[Need]:
    """Flows of articles that would begin and whose master has an article with variants, as far as the hub has read it:
    before a plan is counted it may know none."""
    on = {flow.name() for flow in old.flows if flow.enabled}
    for flow in new.flows:
        if flow.enabled and flow.type == "product" and flow.name() not in on:
            article = _first_with_variants(tenant, flow)
            if article:
                yield Need("variants", f"{flow_name(flow)}: {article}")


def _first_with_variants(tenant: Tenant, flow: FlowPart) -> str:
    source = Connection.objects.filter(tenant=tenant, name=flow.source).first()
    rows = Stored.objects.filter(tenant=tenant, connection=source, type="product", gone=False)
    for key, body in rows.values_list("key", "body").iterator(chunk_size=500):
        product = decode("product", bytes(body))
        if isinstance(product, Product) and len(product.variants) > 1:
            return str(key)
    return ""


def _plugins(config: Config) -> set[str]:
    return {name for chain in config.rules for name in _named(chain.rules)}


def _named(part: Any) -> Iterator[str]:
    """The plugins that rules name, however deep: an action within `for each` too."""
    if isinstance(part, Mapping):
        if part.get("do") == "plugin":
            yield str(part.get("name", ""))
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)
