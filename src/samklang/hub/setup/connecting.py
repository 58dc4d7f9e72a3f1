"""Connecting a system: what was answered is tried at the system itself, and only then saved.

The command line and the console ask in their own way; everything else about a first login, a changed setting or a login
made anew is here. A trial keeps nothing: no exchange, no token, no row.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.db import transaction

from samklang.connectors.checks import MemoryTokens
from samklang.connectors.contract import Account, Connector, Setting, Surroundings
from samklang.connectors.errors import LoginRefused, Misconfigured
from samklang.connectors.registry import connector_class, manifest, packages
from samklang.hub import hooks, links, secrets
from samklang.hub.models import Channel, Connection, Tenant
from samklang.hub.setup import config

#: Kinds of systems where buyers order: a connection to one has a channel.
SHOPS = ("shop", "marketplace", "pos")
_YES = {"yes": True, "true": True, "1": True, "on": True, "no": False, "false": False, "0": False, "off": False}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def find_or_new(tenant: Tenant | None, name: str, connector: str = "") -> Connection:
    """The connection of that name, or a new one that is not saved yet. Misconfigured (`where` says which answer) when
    there is none and no connector is named, or when the name or the connector is no good."""
    row = Connection.objects.select_related("tenant").filter(tenant=tenant, name=name).first() if tenant else None
    if row is not None:
        if connector and connector != row.connector:
            raise Misconfigured(
                f"{name} is a connection to {row.connector}", where="name", do_this="Choose another name."
            )
        return row
    known = f"Known are: {', '.join(packages())}."
    if not connector:
        what = f"There is no connection {name!r} yet"
        raise Misconfigured(what, where="name", do_this=f"Name its connector too. {known}")
    if connector not in packages():
        raise Misconfigured(f"There is no connector {connector!r}", where="connector", do_this=known)
    if len(name) > 40 or not _NAME.fullmatch(name):
        what = f"{name!r} is no good name" if name else "The connection needs a name"
        raise Misconfigured(what, where="name", do_this="Use small letters, digits and hyphens.")
    return Connection(name=name, connector=connector)


def typed(setting: Setting, value: Any) -> Any:
    """A setting's value out of the text that was typed. Misconfigured when it cannot be one."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    if setting.kind == "bool":
        if value.lower() not in _YES:
            raise Misconfigured(f"{setting.title} must be yes or no", where=setting.name)
        return _YES[value.lower()]
    if setting.kind == "number":
        try:
            return int(value) if value or setting.required else None
        except ValueError:
            raise Misconfigured(f"{setting.title} must be a whole number", where=setting.name) from None
    if setting.choices and value not in setting.choices and (value or setting.required):
        raise Misconfigured(
            f"{setting.title} cannot be {value!r}", where=setting.name,
            do_this=f"Choose one of: {', '.join(setting.choices)}.",
        )  # fmt: skip
    return value


class Answers(NamedTuple):
    """What was answered: settings that differ from their defaults, secrets, and what is wrong with which answer."""

    settings: dict[str, Any]
    secrets: dict[str, str]
    wrong: dict[str, Misconfigured]


def answers(row: Connection, given: Mapping[str, Any]) -> Answers:
    """Settings and secrets of a whole form. A secret that is left empty stays what it was; any other setting that is
    not given keeps what it was."""
    found = Answers({}, {}, {})
    kept = {} if row.pk is None else secrets.unseal(row.secrets)
    for setting in manifest(row.connector).settings:
        if setting.kind == "secret":
            value = str(given.get(setting.name, "")).strip() or kept.get(setting.name, "")
            if value:
                found.secrets[setting.name] = value
        else:
            value = given.get(setting.name, row.settings.get(setting.name, setting.default))
            try:
                value = typed(setting, value)
            except Misconfigured as error:
                found.wrong[setting.name] = error
                continue
            if value != setting.default and (value not in ("", None) or setting.name in given):
                found.settings[setting.name] = value
        if setting.required and value in ("", None):
            found.wrong[setting.name] = Misconfigured(f"{setting.title} is missing", where=setting.name)
    return found


def missing_secrets(row: Connection) -> list[str]:
    """Names of the secrets that the connection cannot do without and does not have."""
    kept = {} if row.pk is None else secrets.unseal(row.secrets)
    needed = [setting for setting in manifest(row.connector).settings if setting.kind == "secret" and setting.required]
    return [setting.name for setting in needed if not kept.get(setting.name)]


# ------------------------------------------------------------------------------------------------ trying, saving


@contextlib.contextmanager
def trial(row: Connection, values: Mapping[str, Any], tokens: MemoryTokens) -> Iterator[Connector]:
    """A connector on these settings and secrets that leaves no trace here. `tokens` is where a login ends up."""
    around = Surroundings(
        capture=lambda exchange: None, tokens=tokens, now=time.time, allow_private=links.allow_private
    )
    cls = connector_class(row.connector)
    defaults = {setting.name: setting.default for setting in cls.manifest.settings if setting.default is not None}
    connector = cls({**defaults, **values, "connection": row.name, "channel": row.name}, around)
    try:
        yield connector
    finally:
        connector.close()


def stored_tokens(row: Connection) -> MemoryTokens:
    """The login that the connection has, for a trial."""
    return MemoryTokens(links.DatabaseTokens(row).load() if row.pk else None)


def code_of(query: Mapping[str, str], state: str) -> str:
    """The code out of what the consent page sent the browser back with. LoginRefused when it was not approved, or is
    the answer to another login than the one with this `state`."""
    if query.get("error"):
        raise LoginRefused(f"The login was not approved: {query.get('error_description') or query['error']}")
    if not state or query.get("state") != state or not query.get("code"):
        raise LoginRefused("The answer does not belong to this login", do_this="Begin the login again.")
    return query["code"]


def channel_code(row: Connection, code: str) -> str:
    """Code of the channel that a new connection to a shop gets: `code`, or the connection's name. Misconfigured when
    another connection's channel has it."""
    code = code or row.name
    taken = Channel.objects.filter(tenant_id=row.tenant_id, code=code).select_related("connection").first()
    if taken and taken.connection_id != row.pk:
        raise Misconfigured(
            f"Channel {code} belongs to {taken.connection.name}", where="channel",
            do_this="Choose another channel (--channel on the command line).",
        )  # fmt: skip
    return code


def save(
    row: Connection, found: Answers, tokens: MemoryTokens, by: str, *, channel: config.ChannelPart | None = None,
    code: str = "",
) -> str:  # fmt: skip
    """Keep what a trial has shown to work, in use at once, and write a version of the configuration. Returns the code
    of the connection's channel ("" for systems without one).

    A connection to a shop gets a channel as `channel` describes it, unless it has one and no `code` asks for another.
    Misconfigured changes nothing.
    """
    with transaction.atomic():
        row.settings = found.settings
        row.save()
        config.set_secrets(row, found.secrets)
        if manifest(row.connector).kind in SHOPS:
            first = Channel.objects.filter(connection=row).order_by("id").first()
            if first and not code:
                code = first.code
            else:
                code = channel_code(row, code)
                part = channel or config.ChannelPart(connection=row.name)
                Channel.objects.update_or_create(
                    tenant=row.tenant, code=code,
                    defaults={
                        "connection": row, "country": part.country, "currency": part.currency,
                        "time_zone": part.time_zone,
                    },
                )  # fmt: skip
        links.resume(row)
        config.write_version(row.tenant, by, f"connected {row.name}")
    if tokens.tokens:
        links.DatabaseTokens(row).save(tokens.tokens)
    return code if manifest(row.connector).kind in SHOPS else ""


def check(row: Connection, found: Answers, tokens: MemoryTokens) -> Account:
    """Try answers at the system. Raises the connector's error, a LoginRefused also when there is no login yet."""
    with trial(row, {**found.settings, **found.secrets}, tokens) as connector:
        return connector.check()


# ------------------------------------------------------------------------------------------------ webhooks, pausing


def register_hooks(row: Connection, public_url: str) -> str:
    """Have the system send its webhooks to us at `public_url`; gives the address. Repeating it changes nothing."""
    facts = manifest(row.connector)
    if not facts.hooks:
        raise Misconfigured(
            f"{facts.title} has no webhooks", where="public_url", do_this="It is read on a schedule instead."
        )
    address = f"{public_url.rstrip('/')}/hooks/{row.tenant.slug}/{row.name}"
    secret = hooks.hook_secret(row)  # first: it is one of the link's secrets, and a link made before would be closed
    link = links.open_link(row)
    try:
        link.connector.register_hooks(address, secret)
    finally:
        link.capture.flush()
    return address


def pause(row: Connection, why: str) -> None:
    """Stop reading from and writing to a connection; what is due waits."""
    with transaction.atomic():
        row.state, row.reason = Connection.State.PAUSED, why
        row.save(update_fields=["state", "reason"])
        links.tell("connection.paused", row)
