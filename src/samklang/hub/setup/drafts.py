"""Edits of the configuration that wait for a plan: one draft per tenant, and several people may edit it at once.

An edit is a small change of the newest draft, made under a lock, so edits of different things never undo each other.
Whoever edits a thing says what it looked like to them (`mark`); when it has changed since, they are told instead of
overwriting what somebody else did. A draft is kept beside the configuration that it was made on: when that moves (a
connection is made, the command line applies a file), the draft's own edits are carried over to the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec
from django.db import transaction
from django.utils import timezone

from samklang.connectors.errors import Misconfigured
from samklang.hub.models import Draft, Tenant
from samklang.hub.setup import config, gates
from samklang.hub.setup.config import Change, Config, FlowPart, RulesPart

_REMEMBERED = 100  # edits whose author and words are kept
Part = TypeVar("Part")


class Shown(NamedTuple):
    """The configuration as it would become, as it is, and how the draft came about (None = nothing is edited)."""

    wanted: Config
    now: Config
    draft: Draft | None

    @property
    def changes(self) -> list[Change]:
        """What applying the draft would change."""
        return config.compare(self.now, self.wanted) if self.draft else []


def shown(tenant: Tenant) -> Shown:
    """The draft of a tenant, carried over to the configuration that there is now."""
    now = config.current(tenant)
    draft = Draft.objects.filter(tenant=tenant).first()
    return Shown(_carried(draft, now) if draft else now, now, draft)


def mark(part: Any) -> str:
    """What a part of the configuration looks like, in a few characters; "" for one that is not there."""
    if part is None:
        return ""
    return blake2b(msgspec.json.encode(msgspec.to_builtins(part), order="sorted"), digest_size=8).hexdigest()


def unchanged(part: Any, seen: str, what: str) -> None:
    """Raise Misconfigured when a part is not what the editor saw."""
    if mark(part) != seen:
        raise Misconfigured(
            f"{what} was changed by somebody else in the meantime", where="seen",
            do_this="Look at what it is now, then make your change again.",
        )  # fmt: skip


def edit(tenant: Tenant, by: str, what: str, change: Callable[[Config], None]) -> Shown:
    """Change the draft: `change` gets the newest one and alters it in place; `what` says so in a few words. Raises
    Misconfigured, and keeps nothing, when the result cannot be or `change` refuses."""
    with transaction.atomic():
        # Made first where there is none: then there is always a row to lock.
        Draft.objects.get_or_create(tenant=tenant, defaults={"base": "", "text": ""})
        draft = Draft.objects.select_for_update().get(tenant=tenant)
        now = config.current(tenant)
        wanted = _carried(draft, now)
        change(wanted)
        config.check(wanted)
        config.refuse_new_masters(now, wanted)
        gates.ask(tenant, now, wanted)
        if not config.compare(now, wanted):
            draft.delete()
            return Shown(now, now, None)
        draft.base, draft.text = config.dump(now), config.dump(wanted)
        draft.number += 1
        draft.edits = [*draft.edits, {"by": by, "at": timezone.now().isoformat(), "what": what}][-_REMEMBERED:]
        draft.save()
    return Shown(wanted, now, draft)


def replace(tenant: Tenant, by: str, what: str, wanted: Config) -> Shown:
    """Let the draft be a whole configuration: an imported file, an earlier version."""
    if wanted.tenant.slug != tenant.slug:
        raise Misconfigured(f"This is the configuration of {wanted.tenant.slug}, not of {tenant.slug}")

    def change(draft: Config) -> None:
        for field in Config.__struct_fields__:
            setattr(draft, field, getattr(wanted, field))

    return edit(tenant, by, what, change)


def drop(tenant: Tenant) -> None:
    """Forget the draft."""
    Draft.objects.filter(tenant=tenant).delete()


def _carried(draft: Draft, now: Config) -> Config:
    """The draft's edits on top of the configuration that there is now."""
    if not draft.text:
        return deepcopy(now)
    wanted = config.parse(draft.text)
    if draft.base == config.dump(now):
        return wanted
    return merge(config.parse(draft.base), wanted, now)


def merge(base: Config, ours: Config, theirs: Config) -> Config:
    """`theirs` with what `ours` changed of `base`, thing by thing (connection, channel, flow, chain of rules …). Where
    both changed the same thing, ours stays: the plan shows what it does. What hangs on something that is gone, goes."""
    found: dict[str, Any] = {}
    for field in Config.__struct_fields__:
        three = [getattr(one, field) for one in (base, ours, theirs)]
        if field in _LISTS:
            keyed = [{_LISTS[field](part): part for part in parts} for parts in three]
            found[field] = list(_merged(*keyed).values())
        elif isinstance(three[0], dict):
            found[field] = _merged(*three)
        else:
            found[field] = three[1] if three[1] != three[0] else three[2]
    wanted = Config(**found)
    there = wanted.connections
    wanted.channels = {code: part for code, part in wanted.channels.items() if part.connection in there}
    wanted.flows = [
        flow for flow in wanted.flows
        if flow.channel in wanted.channels and flow.source in there and flow.target in there
    ]  # fmt: skip
    wanted.rules = [part for part in wanted.rules if part.connection in there]
    return wanted


def _merged(base: Mapping[Any, Part], ours: Mapping[Any, Part], theirs: Mapping[Any, Part]) -> dict[Any, Part]:
    found = {}
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        part = ours.get(key) if ours.get(key) != base.get(key) else theirs.get(key)
        if part is not None:
            found[key] = part
    return found


def chain_name(part: RulesPart) -> tuple[str, str, str]:
    """What makes it the same chain."""
    return part.connection, part.direction, part.type


def flow_name(flow: FlowPart) -> str:
    """A flow as a person reads it."""
    return f"{flow.channel}: {flow.type} {flow.source} → {flow.target}"


#: What makes two parts of a list the same thing.
_LISTS: Mapping[str, Callable[[Any], Any]] = {
    "presets": lambda part: (part.channel, part.erp), "flows": FlowPart.name, "rules": chain_name,
}  # fmt: skip
