"""The public REST API, version 1: /api/v1/t/{tenant}/…

`door` judges who may call what, `errors` says no, `cursors` cuts lists into pages, `once` keeps a repeated call from
being done twice, `pace` keeps a token from calling too often, `shapes` and `openapi` describe it all. One file for each
kind of thing; what they read and do are functions of the hub, the same that the console calls.
"""

from __future__ import annotations

from ninja import NinjaAPI

from samklang import __version__
from samklang.api.v1 import (
    acts,
    books,
    brakes,
    configuration,
    connections,
    controls,
    errors,
    events,
    logs,
    maps,
    once,
    orders,
    packages,
    people,
    plans,
    problems,
    records,
    rules,
    sources,
    statements,
    vouchers,
    webhooks,
)
from samklang.api.v1.reading import Strictly
from samklang.api.v1.shapes import Renderer

DOORS = (
    orders.door, acts.door, records.door, problems.door, brakes.door, connections.door, configuration.door, rules.door,
    maps.door, plans.door, books.door, events.door, statements.door, sources.door, vouchers.door, controls.door,
    logs.door, people.door, webhooks.door, packages.door,
)  # fmt: skip

api = NinjaAPI(
    title="Samklang", version="1", urls_namespace="api-v1", docs_url=None, openapi_url=None, renderer=Renderer(),
    parser=Strictly(),
    description=(
        "Keeps the systems of a trading company in step. Everything that the console shows and does. Tokens carry"
        " rights; times are ISO 8601 in UTC, amounts are decimals as text; fields are only ever added."
    ),
    openapi_extra={"info": {"x-release": __version__}},
)  # fmt: skip
errors.handle_in(api)
api.add_exception_handler(once.Again, once.repeat)
for door in DOORS:
    api.add_router("", door.router)
