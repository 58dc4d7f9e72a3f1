"""Where a company's statements come from by themselves: chosen, asked now, and how the last run went."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from samklang import engine
from samklang.api.v1.books import Code, company_of
from samklang.api.v1.connections import Name
from samklang.api.v1.door import Call, Door, Input
from samklang.api.v1.errors import Clash, Unfit
from samklang.api.v1.shapes import Answer
from samklang.engine.port import fetch_job
from samklang.hub.models import Company
from samklang.hub.setup import bookkeeping
from samklang.people import audit
from samklang.people.rights import Right
from samklang.reconciliation import fetching

door = Door("sources")


class SourceRow(Answer):
    """A connection that gives statements, and its last run: papers taken and refused, in `total` of all runs; `error`
    says why it broke off. `state` is the connection's ("" = there is none)."""

    name: str
    connector: str
    state: Literal["", "active", "paused", "needs person"]
    ran_at: datetime | None
    well_at: datetime | None
    taken: int
    refused: int
    total: int
    error: str


class Sources(Answer):
    """Sources that are chosen, and names of connections that could be."""

    sources: list[SourceRow]
    able: list[str]


class SourcesInput(Input):
    """Names of connections; none = no statements come by themselves."""

    sources: Annotated[list[Name], Field(max_length=100)]


class Fetched(Answer):
    """What a run has brought; `error` says why it broke off."""

    name: str
    taken: int
    refused: int
    error: str


def _plain(company: Company) -> dict[str, Any]:
    return {
        "sources": [row._asdict() for row in fetching.sources(company)],
        "able": [row.name for row in fetching.able(company)],
    }  # fmt: skip


@door.get("/companies/{company}/sources", Right.BOOKS, Sources)
def sources(call: Call, company: Code) -> Any:
    """Where statements come from by themselves, and how the last runs went."""
    return _plain(company_of(call, company))


@door.put("/companies/{company}/sources", Right.APPROVE, Sources)
def sources_put(call: Call, company: Code, payload: SourcesInput) -> Any:
    """Choose them. They are asked now, and then each hour."""
    row = company_of(call, company)
    if missing := set(payload.sources) - {one.name for one in fetching.able(row)}:
        raise Unfit(f"{min(missing)} gives no statements", where="body.sources")
    why = "statements come from " + (", ".join(payload.sources) or "nowhere")
    if bookkeeping.change(row, bookkeeping.with_sources(payload.sources), by=call.actor.name, why=why):
        about = f"company {row.code}"
        audit.note(call.actor, gettext_noop("sources of statements chosen"), about, of=payload.sources)
        if engine.current is not None:
            engine.current.wake(fetch_job(row.tenant_id, row.pk))
    return _plain(company_of(call, company))


@door.post("/companies/{company}/sources/{name}/fetch", Right.APPROVE, Fetched)
def source_fetch(call: Call, company: Code, name: Name) -> Any:
    """Ask one of them now."""
    made = fetching.fetch(company_of(call, company), name, by=call.actor.name)
    if made is None:
        raise Clash("The connection is paused, or is being asked already")
    audit.note(call.actor, gettext_noop("statements fetched"), f"connection {made.name}", taken=made.taken)
    return made._asdict()
