"""The configuration: as it is, its history, and the draft of what it may become. Nothing here takes effect by itself:
a plan shows what the draft would do, and applies it (plans.py).

What several people may edit carries an ETag. A change sends it as If-Match, so that nobody overwrites what they have
not seen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from django.utils.translation import gettext_noop
from pydantic import Field

from samklang.api.v1 import cursors
from samklang.api.v1.cursors import Cursor, Limit
from samklang.api.v1.door import Call, Door, IfMatch, Input, match
from samklang.api.v1.errors import NotThere, Unfit
from samklang.api.v1.shapes import Answer, Page, convert, struct
from samklang.api.v1.webhooks import Number
from samklang.hub.models import ConfigVersion
from samklang.hub.setup import config, drafts, edits
from samklang.hub.setup.config import Change, ChannelPart, Config, FlowPart
from samklang.people import audit
from samklang.people.rights import Right

door = Door("configuration")
Short = Annotated[str, Field(max_length=40, pattern=r"^[-a-zA-Z0-9_]+$")]
Type = Annotated[str, Field(max_length=20, pattern=r"^[a-z_]+$")]


class Current(Answer):
    """The configuration as it is, also as samklang.toml. `version` is the newest of its history (0: none yet)."""

    version: int
    configuration: struct(Config)  # type: ignore[valid-type]
    toml: str


class VersionRow(Answer):
    """A version of the configuration: who made it when, and why."""

    number: int
    at: datetime
    by: str
    why: str


class Version(VersionRow):
    """A version with its text, as samklang.toml, and what it changed of the one before."""

    toml: str
    changes: list[struct(Change)]  # type: ignore[valid-type]


class Edit(Answer):
    """An edit of the draft."""

    by: str
    at: datetime
    what: str


class DraftLook(Answer):
    """What the configuration may become. `etag` stands for the draft as a whole; without edits there is none."""

    edited: bool
    etag: str
    edits: list[Edit]
    changes: list[struct(Change)]  # type: ignore[valid-type]
    configuration: struct(Config)  # type: ignore[valid-type]


class FlowRow(Answer):
    """A flow of the draft, and its ETag."""

    flow: struct(FlowPart)  # type: ignore[valid-type]
    etag: str


class DraftInput(Input):
    """A whole configuration, as a structure or as samklang.toml."""

    configuration: struct(Config) | None = None  # type: ignore[valid-type]
    toml: Annotated[str, Field(max_length=2_000_000)] | None = None


class FlowInput(Input):
    """A flow to a target: its source is the master. See the reference of samklang.toml for `when` and `options`."""

    source: Short
    mode: Literal["create", "update", "both"] = "both"
    fields: list[str] = []
    when: dict[str, Any] | None = None
    options: dict[str, Any] = {}
    since: datetime | None = None
    enabled: bool = True


class MasterInput(Input):
    """Who rules a type of record in a channel, and who is told; no master = nothing of it flows."""

    master: Annotated[str, Field(max_length=40)] = ""
    targets: list[Short] = []


class PresetInput(Input):
    """A preset for the flows between a channel's shop and an ERP."""

    channel: Short
    erp: Short
    preset: Literal["shop rules", "erp rules", "combo"]


class PresetUsed(Answer):
    """Flows (channel, type, target) that the preset came to, and types that one of the two systems cannot do."""

    flows: list[tuple[str, str, str]]
    left_out: list[str]


class ChannelInput(Input):
    """A channel: the shop's connection, and the zone and currency of its orders."""

    connection: Short
    name: Annotated[str, Field(max_length=200)] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "SE"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "SEK"
    time_zone: Annotated[str, Field(max_length=40)] = "Europe/Stockholm"
    dimension: Annotated[str, Field(max_length=40)] = ""


def _draft(shown: drafts.Shown) -> dict[str, Any]:
    return {
        "edited": shown.draft is not None, "etag": drafts.mark(shown.wanted),
        "edits": shown.draft.edits if shown.draft else [], "changes": shown.changes, "configuration": shown.wanted,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------ as it is


@door.get("/configuration", Right.SEE, Current)
def configuration(call: Call) -> Any:
    """The configuration as it is, without secrets."""
    now = config.current(call.tenant)
    newest = ConfigVersion.objects.filter(tenant=call.tenant).order_by("-number").values_list("number", flat=True)
    return {"version": newest.first() or 0, "configuration": now, "toml": config.dump(now)}


@door.get("/configuration/versions", Right.SEE, Page[VersionRow])
def versions(call: Call, limit: Limit = 50, cursor: Cursor = "") -> Any:
    """The history of the configuration, the newest version first."""
    rows = ConfigVersion.objects.filter(tenant=call.tenant).defer("text").order_by("-number")
    before = cursors.read(cursor, int)
    if before is not None:
        rows = rows.filter(number__lt=before)
    return cursors.cut(list(rows[: limit + 1]), limit, lambda row: row.number)


def _version(call: Call, number: int) -> ConfigVersion:
    row = ConfigVersion.objects.filter(tenant=call.tenant, number=number).first()
    if row is None:
        raise NotThere(f"There is no version {number}")
    return row


@door.get("/configuration/versions/{number}", Right.SEE, Version)
def version(call: Call, number: Number) -> Any:
    """A version of the configuration."""
    row = _version(call, number)
    older = ConfigVersion.objects.filter(tenant=call.tenant, number__lt=number).order_by("-number").first()
    return {
        "number": row.number, "at": row.at, "by": row.by, "why": row.why, "toml": row.text,
        "changes": config.changes_of(row, older),
    }  # fmt: skip


@door.post("/configuration/versions/{number}/draft", Right.CONFIGURE, DraftLook)
def version_draft(call: Call, number: Number) -> Any:
    """Let the draft be an earlier version. Its plan shows what going back would do; applying it goes back (X-06)."""
    wanted = config.parse(_version(call, number).text)
    what = f"back to version {number}"
    shown = drafts.replace(call.tenant, call.actor.name, what, wanted)
    audit.note(call.actor, gettext_noop("edited the draft"), "draft", edit=what)
    return _draft(shown)


# ------------------------------------------------------------------------------------------------ the draft


@door.get("/draft", Right.SEE, DraftLook)
def draft(call: Call, response: HttpResponse) -> Any:
    """What the configuration may become, and who edited what of it."""
    found = _draft(drafts.shown(call.tenant))
    response.headers["ETag"] = f'"{found["etag"]}"'
    return found


@door.put("/draft", Right.CONFIGURE, DraftLook)
def draft_replace(call: Call, payload: DraftInput, if_match: IfMatch = None) -> Any:
    """Let the draft be this whole configuration."""
    if (payload.toml is None) == (payload.configuration is None):
        raise Unfit("Send either configuration or toml", where="body")
    wanted = config.parse(payload.toml) if payload.toml is not None else convert(
        payload.configuration, Config, "body.configuration"
    )  # fmt: skip
    match(drafts.mark(drafts.shown(call.tenant).wanted), if_match)
    shown = drafts.replace(call.tenant, call.actor.name, "a whole configuration", wanted)
    audit.note(call.actor, gettext_noop("edited the draft"), "draft", edit="a whole configuration")
    return _draft(shown)


@door.delete("/draft", Right.CONFIGURE)
def draft_drop(call: Call, if_match: IfMatch = None) -> Any:
    """Forget the draft."""
    match(drafts.mark(drafts.shown(call.tenant).wanted), if_match)
    drafts.drop(call.tenant)
    audit.note(call.actor, gettext_noop("dropped the draft"), "draft")


def edit(call: Call, what: str, change: Any) -> drafts.Shown:
    """Change the draft (setup/drafts.py) and write down who did."""
    shown = drafts.edit(call.tenant, call.actor.name, what, change)
    audit.note(call.actor, gettext_noop("edited the draft"), "draft", edit=what)
    return shown


@door.get("/draft/flows", Right.SEE, list[FlowRow])
def draft_flows(call: Call) -> Any:
    """The flows of the draft; without one, those that there are."""
    return [{"flow": flow, "etag": drafts.mark(flow)} for flow in drafts.shown(call.tenant).wanted.flows]


@door.put("/draft/flows/{channel}/{type_}/{target}", Right.CONFIGURE, FlowRow)
def draft_flow_put(
    call: Call, channel: Short, type_: Type, target: Short, payload: FlowInput, if_match: IfMatch = None
) -> Any:
    """Add or change one flow. Two masters of one type in a channel are refused."""
    place = {"channel": channel, "type": type_, "from": payload.source, "to": target}
    flow = convert({**payload.model_dump(exclude={"source"}), **place}, FlowPart)

    def change(wanted: Config) -> None:
        there = edits.find_flow(wanted, flow.name())
        if there is not None:
            match(drafts.mark(there), if_match)
        edits.put_flow(wanted, flow)

    edit(call, drafts.flow_name(flow), change)
    return {"flow": flow, "etag": drafts.mark(flow)}


@door.delete("/draft/flows/{channel}/{type_}/{target}", Right.CONFIGURE)
def draft_flow_remove(call: Call, channel: Short, type_: Type, target: Short, if_match: IfMatch = None) -> Any:
    """Take one flow away."""

    def change(wanted: Config) -> None:
        there = edits.find_flow(wanted, (channel, type_, target))
        if there is None:
            raise NotThere(f"There is no flow of {type_} to {target} in {channel}")
        match(drafts.mark(there), if_match)
        wanted.flows.remove(there)

    edit(call, f"no {type_} to {target} ({channel})", change)


@door.put("/draft/masters/{channel}/{type_}", Right.CONFIGURE, DraftLook)
def draft_master(call: Call, channel: Short, type_: Type, payload: MasterInput) -> Any:
    """Say who is master of a type of record in a channel, and who is told (Q-01…Q-03)."""
    what = f"{payload.master or 'nobody'} rules {type_} in {channel}"
    shown = edit(call, what, lambda wanted: edits.set_master(wanted, channel, type_, payload.master, payload.targets))
    return _draft(shown)


@door.post("/draft/presets", Right.CONFIGURE, PresetUsed)
def draft_preset(call: Call, payload: PresetInput) -> Any:
    """Set up the flows between a channel's shop and an ERP at once (J-01…J-03)."""
    used: list[edits.Used] = []

    def change(wanted: Config) -> None:
        asked = ("channel", payload.channel, wanted.channels), ("connection", payload.erp, wanted.connections)
        for kind, name, there in asked:
            if name not in there:
                raise NotThere(f"There is no {kind} {name}")
        used.append(edits.use_preset(wanted, payload.channel, payload.erp, payload.preset))

    edit(call, f"{payload.preset} ({payload.channel})", change)
    return {"flows": used[0].flows, "left_out": used[0].left_out}


@door.put("/draft/channels/{code}", Right.CONFIGURE, DraftLook)
def draft_channel_put(call: Call, code: Short, payload: ChannelInput) -> Any:
    """Add or change a channel."""
    part = ChannelPart(**payload.model_dump())
    return _draft(edit(call, f"channel {code}", lambda wanted: edits.put_channel(wanted, code, part)))


@door.delete("/draft/channels/{code}", Right.CONFIGURE)
def draft_channel_remove(call: Call, code: Short) -> Any:
    """Take a channel away with its flows."""
    edit(call, f"no channel {code}", lambda wanted: edits.remove_channel(wanted, code))
