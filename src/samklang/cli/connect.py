"""`samklang connect` and `samklang key rotate`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from django.db import transaction
from django.utils.translation import gettext_noop

from samklang.cli.consent import log_in
from samklang.cli.screen import Screen, WrongUse, plain
from samklang.cli.session import Common, session, who
from samklang.connectors.checks import MemoryTokens
from samklang.connectors.contract import Account, Manifest, Setting
from samklang.connectors.errors import ByHand, LoginRefused
from samklang.connectors.registry import connector_class
from samklang.hub import secrets
from samklang.hub.models import Connection, Tenant
from samklang.hub.setup import config, connecting
from samklang.hub.setup.connecting import Answers, typed


def connect(
    name: Annotated[str, Parameter(help="What you call this system, such as shop or erp.")],
    connector: Annotated[str, Parameter(help="Its kind (see `connector list`); not needed again later.")] = "",
    *,
    set_: Annotated[list[str], Parameter(name="--set", help="A setting as key=value; may be repeated.")] = [],  # noqa: B006
    secret_file: Annotated[Path | None, Parameter(help="Secrets as lines of key=value.")] = None,
    channel: Annotated[str, Parameter(help="Code of the shop's channel (default: the connection's name).")] = "",
    country: Annotated[str, Parameter(help="Country of the channel.", show_default=True)] = "SE",
    currency: Annotated[str, Parameter(help="Currency of the channel.", show_default=True)] = "SEK",
    time_zone: Annotated[str, Parameter(help="Time zone of the channel.", show_default=True)] = "Europe/Stockholm",
    public_url: Annotated[str, Parameter(help="Where the system reaches `samklang serve`: registers webhooks.")] = "",
    redirect: Annotated[
        str, Parameter(help="Where the login page leads back to; register it with the app there.", show_default=True)
    ] = "http://localhost:8976/",
    paste: Annotated[bool, Parameter(help="Type the login's code instead of listening for it.")] = False,
    login: Annotated[bool, Parameter(help="Log in anew although a login is stored.")] = False,
    patience: Annotated[
        float, Parameter(help="Seconds to wait for the login to be approved.", show_default=True)
    ] = 600.0,
    company: Annotated[
        str, Parameter(help="Name of the tenant, when this is the first connection.", show_default=True)
    ] = "My company",
    common: Common | None = None,
) -> None:
    """Connect a system: ask for its settings, check the login, and only then save.

    With --set, settings that are not given keep what they are or take their defaults, without questions.

    Secrets are never taken as arguments (others on the machine could read them): they are asked for, or come from the
    environment as SAMKLANG_SECRET_name_key, or from --secret-file. Run it again to change settings or log in anew.
    """
    with session(common) as now:
        tenant = now.maybe_tenant()
        row = connecting.find_or_new(tenant, name, connector)
        first = row.pk is None
        manifest = connector_class(row.connector).manifest
        if public_url and not manifest.hooks:
            raise WrongUse(f"{manifest.title} has no webhooks", "Leave out --public-url; it is read on a schedule.")
        found = _answers(now.screen, row, manifest, set_, secret_file)
        memory = MemoryTokens() if login else connecting.stored_tokens(row)
        account = _check(now.screen, row, found, memory, redirect, paste, patience)
        with transaction.atomic():
            if first:
                row.tenant = tenant or Tenant.objects.create(slug=now.wanted or "main", name=company)
            part = config.ChannelPart(connection=name, country=country, currency=currency, time_zone=time_zone)
            code = connecting.save(row, found, memory, who(), channel=part, code=channel)
            what = gettext_noop("connected") if first else gettext_noop("changed the settings")
            now.note(what, f"connection {row.name}", row.tenant, settings=found.settings, account=account.title)
        try:
            hook, task = connecting.register_hooks(row, public_url) if public_url else "", None
        except ByHand as error:  # the system is connected; only a person can make its webhooks
            hook, task = "", error
        screen = now.screen
        screen.answer(
            {
                "connection": name, "connector": row.connector, "tenant": row.tenant.slug, "account": account.title,
                "version": account.version, "warnings": account.warnings, "channel": code, "webhooks": hook,
                "by_hand": f"{task.what}. {task.do_this}" if task else "",
            }
        )  # fmt: skip
        screen.say(f"{name} is connected: {account.title} {account.version}".rstrip(), "bold green")
        for warning in account.warnings:
            screen.say(f"Note: {warning}", "yellow")
        for limit in manifest.cannot if first else ():
            screen.say(f"Know: {limit}", "dim")
        if code:
            screen.say(f"Channel: {code}")
        if hook:
            screen.say(f"Webhooks come to {hook}")
        if task:
            screen.say(f"Note: {task.what}. {task.do_this}", "yellow")


def rotate(*, common: Common | None = None) -> None:
    """Make a new key and encrypt every stored secret with it; the old key is forgotten."""
    with session(common) as now:
        count = secrets.rotate()
        now.screen.answer({"connections": count, "key_file": str(secrets.key_file())})
        now.screen.say(f"New key; the secrets of {count} connections are encrypted with it.")
        now.screen.note("Take a copy of the new key to where your backups' key lies; the old copy opens nothing new.")


def _answers(
    screen: Screen, row: Connection, manifest: Manifest, pairs: list[str], secret_file: Path | None
) -> Answers:
    """Settings and secrets: given, kept from before, asked for, or the manifest's defaults."""
    known = {setting.name: setting for setting in manifest.settings}
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in known:
            raise WrongUse(f"--set {key}: there is no such setting", f"Settings: {', '.join(known)}. Write key=value.")
        if known[key].kind == "secret":
            raise WrongUse(
                f"{key} is a secret and must not stand on the command line",
                f"Put it into {_variable(row, key)}, or into a file for --secret-file.",
            )
        given[key] = value
    from_file = _read_secrets(secret_file, known) if secret_file else {}
    kept = {} if row.pk is None else secrets.unseal(row.secrets)
    values: dict[str, Any] = {}
    hidden: dict[str, str] = {}
    for setting in manifest.settings:
        if setting.kind == "secret":
            value = from_file.get(setting.name) or os.environ.get(_variable(row, setting.name), "")
            if not value and setting.name not in kept:
                value = _ask(screen, row, setting, "")
            if value:
                hidden[setting.name] = value
            elif setting.name in kept:
                hidden[setting.name] = kept[setting.name]
        else:
            before = row.settings.get(setting.name, setting.default)
            text: Any = given.get(setting.name)
            if text is None:
                skip = given and not (setting.required and before in ("", None))
                text = before if skip else _ask(screen, row, setting, before)
            value = typed(setting, text)
            if value != setting.default and (value not in ("", None) or setting.name in given):
                values[setting.name] = value
    return Answers(values, hidden, {})


def _ask(screen: Screen, row: Connection, setting: Setting, before: Any) -> Any:
    needed = setting.required and before in ("", None)
    if row.pk and not needed:
        return before
    if not screen.asks:
        if not needed:
            return before
        how = f"--set {setting.name}=…" if setting.kind != "secret" else _variable(row, setting.name)
        raise WrongUse(f"{setting.title} ({setting.name}) is missing", f"Give it with {how}.")
    if setting.help:
        screen.note(setting.help)
    shown = plain(before) if isinstance(before, bool) else "" if before is None else str(before)
    while True:
        choices = ("yes", "no") if setting.kind == "bool" else setting.choices
        answer = screen.ask(setting.title, shown, setting.kind == "secret", choices)
        if answer or not setting.required:
            return answer


def _variable(row: Connection, key: str) -> str:
    return f"SAMKLANG_SECRET_{row.name}_{key}".upper().replace("-", "_")


def _read_secrets(path: Path, known: dict[str, Setting]) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}") from error
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or key.strip() not in known:
            raise WrongUse(f"{path}, line {number}: not key=value of a setting", f"Settings: {', '.join(known)}.")
        found[key.strip()] = value.strip()
    return found


def _check(
    screen: Screen, row: Connection, found: Answers, tokens: MemoryTokens, redirect: str, paste: bool, patience: float
) -> Account:  # fmt: skip
    """Try the answers at the system itself; where a person must log in there, have them do it."""
    with connecting.trial(row, {**found.settings, **found.secrets}, tokens) as trial:
        oauth = trial.manifest.auth == "oauth2"
        if oauth and tokens.tokens is None:
            log_in(trial, screen, redirect, paste, patience)
        try:
            return trial.check()
        except LoginRefused:
            if not oauth or row.pk is None:
                raise
            tokens.tokens = None  # the stored login is dead: a new one is why people run this again
            log_in(trial, screen, redirect, paste, patience)
            return trial.check()
