"""Rules: chains as they are and as they may become, read as sentences, tried on a real record before they are meant.
Changes go into the draft; its plan applies them (plans.py), and every version keeps what it changed (configuration.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Query
from pydantic import Field

from samklang.api.v1.configuration import Short, Type, edit
from samklang.api.v1.door import Call, Door, IfMatch, Input, match
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.records import RECORDS
from samklang.api.v1.shapes import Answer, struct
from samklang.hub.models import Connection
from samklang.hub.setup import config, drafts, edits, trying
from samklang.hub.setup.config import Config, RulesPart
from samklang.people.rights import Right
from samklang.records import record_types
from samklang.rules import InvalidRules, Step, describe, load

door = Door("rules")
Way = Annotated[Literal["in", "out"], Field(description="On the way in from the connection, or out to it.")]
Data = dict[str, Any]


class Chain(Answer):
    """The rules of one place, in order, each also as a sentence; with the ETag that a change of them names."""

    chain: struct(RulesPart)  # type: ignore[valid-type]
    sentences: list[str]
    etag: str


class RulesInput(Input):
    """A chain of rules, in order; an empty one takes the chain away."""

    rules: Annotated[list[Data], Field(max_length=500)]


class TryInput(Input):
    """What to try: these rules, or none named: those of the draft. `key` names the record; the newest where it is
    empty."""

    rules: Annotated[list[Data], Field(max_length=500)] | None = None
    key: Annotated[str, Field(max_length=300)] = ""


class ValueChange(Answer):
    """A single value that differs, by its path; null where it is not there."""

    path: str
    before: str | None
    after: str | None


class RuleStopped(Answer):
    """Why a rule stops the record: a person would have to mend one of the two."""

    field: str
    reason: str
    do_this: str


class RuleStep(Answer):
    """What one rule did (`number` counts from 1): its changes, that it leaves the record out (with the reason), or that
    it stops it. None of them: it did not apply, or changed nothing."""

    number: int
    name: str
    sentence: str
    changes: list[ValueChange]
    left_out: str | None
    stopped: RuleStopped | None


class Trial(Answer):
    """A record before and after the rules; no `after` where they leave it out or stop it. `note` says what `before` is
    where it is not what the system says now."""

    key: str
    before: struct(*RECORDS)  # type: ignore[valid-type]
    after: struct(*RECORDS) | None  # type: ignore[valid-type]
    note: str
    steps: list[RuleStep]


class ConditionInput(Input):
    """A flow's condition (`when`) on records of a type that a connection is master of."""

    connection: Short
    type: Type
    when: Data


class ConditionTrial(Answer):
    """How many of the newest records it takes, of how many, and a few of their keys."""

    takes: int
    of: int
    examples: list[str]


def _sentence(data: Mapping[str, Any]) -> str:
    try:
        return describe(load([data])[0])
    except InvalidRules as error:  # a plugin that it needs is gone
        return str(error)


def _plain(part: RulesPart) -> dict[str, Any]:
    return {"chain": part, "sentences": [_sentence(rule) for rule in part.rules], "etag": drafts.mark(part)}


def _place(call: Call, connection: str, type_: str) -> Connection:
    row = Connection.objects.select_related("tenant").filter(tenant=call.tenant, name=connection).first()
    if row is None:
        raise NotThere(f"There is no connection {connection}")
    if type_ not in record_types():
        raise NotThere(f"There is no type {type_!r}", do_this=f"Use one of: {', '.join(record_types())}.")
    return row


# ------------------------------------------------------------------------------------------------ read and written


@door.get("/rules", Right.SEE, list[Chain])
def rules(call: Call) -> Any:
    """All chains of rules as they run now."""
    return [_plain(part) for part in config.current(call.tenant).rules]


@door.get("/draft/rules", Right.SEE, list[Chain])
def draft_rules(call: Call) -> Any:
    """The chains of rules of the draft; without one, those that there are."""
    return [_plain(part) for part in drafts.shown(call.tenant).wanted.rules]


@door.get("/draft/rules/{connection}/{direction}/{type_}", Right.SEE, Chain)
def draft_chain(call: Call, connection: Short, direction: Way, type_: Type, response: HttpResponse) -> Any:
    """The chain of one place of the draft; one without rules where there are none yet."""
    _place(call, connection, type_)
    there = edits.find_chain(drafts.shown(call.tenant).wanted, connection, direction, type_)
    found = _plain(there or RulesPart(connection, direction, type_, []))
    response.headers["ETag"] = f'"{found["etag"]}"'
    return found


@door.put("/draft/rules/{connection}/{direction}/{type_}", Right.CONFIGURE, Chain)
def draft_rules_put(
    call: Call, connection: Short, direction: Way, type_: Type, payload: RulesInput, if_match: IfMatch = None
) -> Any:
    """Let these be the rules on the way in or out of a connection for a type of record."""
    part = RulesPart(connection=connection, direction=direction, type=type_, rules=payload.rules)

    def change(wanted: Config) -> None:
        there = edits.find_chain(wanted, connection, direction, type_)
        if there is not None:
            match(drafts.mark(there), if_match)
        edits.put_chain(wanted, part)

    edit(call, f"rules {direction} of {connection} for {type_}", change)
    return _plain(part)


# ------------------------------------------------------------------------------------------------ tried


@door.get("/rules/{connection}/{direction}/{type_}/records", Right.SEE, list[str])
def rules_records(
    call: Call, connection: Short, direction: Way, type_: Type,
    q: Annotated[str, Query(max_length=100, description="The beginning of a key, or of an order's number.")] = "",
) -> Any:  # fmt: skip
    """Keys of a few records that pass this place, to try rules on."""
    return trying.offered(_place(call, connection, type_), direction, type_, q)


@door.post("/rules/{connection}/{direction}/{type_}/try", Right.CONFIGURE, Trial)
def rules_try(call: Call, connection: Short, direction: Way, type_: Type, payload: TryInput) -> Any:
    """Play rules on a real record: before, after, and what each rule does. Nothing is stored or sent."""
    row = _place(call, connection, type_)
    there = edits.find_chain(drafts.shown(call.tenant).wanted, connection, direction, type_)
    wanted = payload.rules if payload.rules is not None else there.rules if there else []
    one = trying.sample(row, direction, type_, payload.key)
    if one is None:
        raise NotThere(f"No {type_} {payload.key} passes here" if payload.key else f"No {type_} has passed here yet")
    tried = trying.tried(wanted, one.record, connection, direction)
    if tried.wrong:
        where = f"body.rules[{tried.rule - 1}].{tried.field}".rstrip(".") if tried.rule else "body.rules"
        raise Unfit(tried.wrong, ((where, tried.wrong),), where=where)
    return {
        "key": one.record.key, "before": one.record, "after": tried.after, "note": one.note,
        "steps": [_step(step) for step in tried.steps],
    }  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    failed = step.failed
    return {
        "number": step.number, "name": step.rule.name, "sentence": describe(step.rule),
        "changes": [{"path": one.path, "before": one.before, "after": one.after} for one in step.changes],
        "left_out": step.ignored.reason if step.ignored else None,
        "stopped": {"field": failed.field, "reason": failed.reason, "do_this": failed.do_this} if failed else None,
    }  # fmt: skip


@door.post("/conditions/try", Right.CONFIGURE, ConditionTrial)
def condition_try(call: Call, payload: ConditionInput) -> Any:
    """Count how many of the newest records a flow's condition would take."""
    row = _place(call, payload.connection, payload.type)
    if wrong := trying.refuse(payload.when, payload.type):
        raise Unfit(wrong, where="body.when")
    return trying.counted(row, payload.type, payload.when)._asdict()
