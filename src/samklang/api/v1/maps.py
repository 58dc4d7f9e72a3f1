"""Real values of systems (statuses, price lists, warehouses …), and the tables that translate them: between two systems
(setup/maps.py), and of a system's own status words. Tables are part of the draft."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from pydantic import Field

from samklang.api.v1.configuration import Short, edit
from samklang.api.v1.door import Call, Door, IfMatch, Input, match
from samklang.api.v1.errors import NotThere
from samklang.api.v1.shapes import Answer, struct
from samklang.connectors.contract import Choice, ChoiceKind
from samklang.hub.models import Connection
from samklang.hub.setup import drafts, maps
from samklang.hub.setup.choices import choices
from samklang.hub.setup.config import Config, ConnectionPart
from samklang.people.rights import Right

door = Door("tables")
Word = Annotated[str, Field(max_length=200)]


class Values(Answer):
    """Values of a kind at a system, those that its records show after those that it lists. `error` says why its own
    list is missing ("" = it is there, or the system has none)."""

    values: list[struct(Choice)]  # type: ignore[valid-type]
    error: str


class TableRow(Answer):
    """A table between two systems: of which kind of value, for which types of records, value → what it becomes."""

    channel: str
    what: ChoiceKind
    source: str
    target: str
    types: list[str]
    values: dict[str, str]
    etag: str


class TableLine(Answer):
    """A value of the source, what it becomes ("" = it goes as it is), and whether the target has the very same. `open`:
    nobody has said what it becomes, and the target does not know it."""

    value: struct(Choice)  # type: ignore[valid-type]
    becomes: str
    same: bool
    open: bool


class TableLook(TableRow):
    """A table with the real values of both systems, those that nobody has translated first."""

    lines: list[TableLine]
    source_error: str
    target_values: list[struct(Choice)]  # type: ignore[valid-type]
    target_error: str


class TableInput(Input):
    """All lines of a table: value → what it becomes. Values that are not named go as they are."""

    values: Annotated[dict[Word, Word], Field(max_length=5000)]


class WordsLook(Answer):
    """What a system's own status words mean for an order: word → states such as `fulfilment:shipped`, or `ignore`."""

    words: dict[str, list[str]]
    values: list[struct(Choice)]  # type: ignore[valid-type]
    error: str
    etag: str


class WordsInput(Input):
    """All words of a system with their states."""

    words: Annotated[dict[Word, list[Word]], Field(max_length=1000)]


def _system(call: Call, name: str) -> Connection:
    row = Connection.objects.select_related("tenant").filter(tenant=call.tenant, name=name).first()
    if row is None:
        raise NotThere(f"There is no connection {name}")
    return row


def _table(config: Config, place: tuple[str, ChoiceKind, str, str]) -> maps.Table:
    one = maps.table(config, place)
    if one is None:
        channel, what, source, target = place
        raise NotThere(f"No flow of {channel} takes a {what} from {source} to {target}")
    return one


def _row(one: maps.Table) -> dict[str, Any]:
    return {**one._asdict(), "values": dict(one.values), "etag": drafts.mark(dict(one.values))}


@door.get("/connections/{name}/values/{what}", Right.SEE, Values)
def values(call: Call, name: Short, what: ChoiceKind) -> Any:
    """Real values of a kind at a system. What it lists is kept for a minute."""
    return choices(_system(call, name), what)._asdict()


@door.get("/draft/tables", Right.SEE, list[TableRow])
def tables(call: Call) -> Any:
    """Every table that the draft's flows can have."""
    return [_row(one) for one in maps.tables(drafts.shown(call.tenant).wanted)]


@door.get("/draft/tables/{channel}/{what}/{source}/{target}", Right.SEE, TableLook)
def table(call: Call, channel: Short, what: ChoiceKind, source: Short, target: Short, response: HttpResponse) -> Any:
    """One table of the draft with the real values of both systems."""
    one = _table(drafts.shown(call.tenant).wanted, (channel, what, source, target))
    lines, ours, theirs = maps.lines(one, _system(call, source), _system(call, target))
    found = _row(one)
    response.headers["ETag"] = f'"{found["etag"]}"'
    return {
        **found, "lines": [{**line._asdict(), "open": line.open} for line in lines], "source_error": ours.error,
        "target_values": theirs.values, "target_error": theirs.error,
    }  # fmt: skip


@door.put("/draft/tables/{channel}/{what}/{source}/{target}", Right.CONFIGURE, TableRow)
def table_put(
    call: Call, channel: Short, what: ChoiceKind, source: Short, target: Short, payload: TableInput,
    if_match: IfMatch = None,
) -> Any:  # fmt: skip
    """Let these be the lines of a table, in all flows of the channel between the two systems."""
    place = (channel, what, source, target)

    def change(wanted: Config) -> None:
        there = _table(wanted, place)
        match(drafts.mark(dict(there.values)), if_match)
        maps.put(wanted, there._replace(values=payload.values))

    shown = edit(call, f"{channel}: {what} {source} → {target}", change)
    return _row(_table(shown.wanted, place))


def _part(config: Config, name: str) -> ConnectionPart:
    part = config.connections.get(name)
    if part is None:
        raise NotThere(f"There is no connection {name}")
    return part


@door.get("/draft/connections/{name}/status-words", Right.SEE, WordsLook)
def status_words(call: Call, name: Short, response: HttpResponse) -> Any:
    """What a system's status words mean, and which words there are."""
    words = _part(drafts.shown(call.tenant).wanted, name).status_words
    response.headers["ETag"] = f'"{drafts.mark(words)}"'
    return {**choices(_system(call, name), "order_status")._asdict(), "words": words, "etag": drafts.mark(words)}


@door.put("/draft/connections/{name}/status-words", Right.CONFIGURE, WordsLook)
def status_words_put(call: Call, name: Short, payload: WordsInput, if_match: IfMatch = None) -> Any:
    """Say what a system's status words mean."""

    def change(wanted: Config) -> None:
        part = _part(wanted, name)
        match(drafts.mark(part.status_words), if_match)
        part.status_words = payload.words

    words = _part(edit(call, f"status words of {name}", change).wanted, name).status_words
    return {**choices(_system(call, name), "order_status")._asdict(), "words": words, "etag": drafts.mark(words)}
