"""Webhooks: judged by their signature, stored, answered; worked off later. A hint, never the truth: what it names is
read from the system again, so a webhook that comes twice, late or out of order does no harm."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from secrets import token_urlsafe

from samklang.connectors.contract import Hint
from samklang.connectors.errors import SamklangError, Stop
from samklang.connectors.registry import manifest, packages
from samklang.hub import problems
from samklang.hub.intake import Intake, Report, read
from samklang.hub.links import open_link, usable
from samklang.hub.models import Connection, Hook
from samklang.hub.secrets import seal, unseal

LARGEST = 5 * 1024 * 1024  # bytes; more is no webhook

#: Headers worth keeping: those that say what it is about, never cookies or logins.
_KEPT = ("content-type", "user-agent")


def hook_secret(row: Connection) -> str:
    """The secret that the system signs its webhooks with; made on first use and kept with the connection's secrets."""
    kept = unseal(row.secrets)
    if "hook_secret" not in kept:
        kept["hook_secret"] = token_urlsafe(32)
        row.secrets = seal(kept)
        row.save(update_fields=["secrets"])
    return str(kept["hook_secret"])


def expected(row: Connection) -> bool:
    """Whether this connection's system sends webhooks at all."""
    return row.connector not in packages() or manifest(row.connector).hooks


def receive(row: Connection, headers: Mapping[str, str], body: bytes) -> list[Hint]:
    """Judge and store a webhook. Raises Stop when the signature is wrong: nothing is stored then."""
    link = open_link(row)
    kept = {name: value for name, value in headers.items() if name in _KEPT or name.startswith("x-")}
    try:
        hints = link.connector.hints(kept, body, hook_secret(row))
    except Stop as error:
        problems.report(row.tenant_id, row.pk, [problems.Trouble("in", "", "webhook", error)])
        raise
    if hints:
        Hook.objects.create(tenant=row.tenant, connection=row, headers=kept, body=body)
    return hints


def work_off(row: Connection, notify: Callable[[int, str], None] | None = None) -> list[Report]:
    """Read what the stored webhooks name, many at once. Hooks stay open when the reading fails."""
    if not usable(row):
        return []
    link = open_link(row)
    secret = hook_secret(row)
    hooks = list(Hook.objects.filter(tenant=row.tenant, connection=row, done=False).order_by("id")[:500])
    if not hooks:
        return []
    named: dict[str, dict[str, None]] = defaultdict(dict)
    for hook in hooks:
        try:
            for hint in link.connector.hints(hook.headers, bytes(hook.body), secret):
                named[hint.feed][hint.external_id] = None
        except SamklangError as error:
            hook.error = str(error)
    reports: list[Report] = []
    for feed in link.manifest.feeds:
        ids = list(named.get(feed.name, {}))
        if not ids:
            continue
        if feed.fetch and "" not in ids:
            intake = Intake(row, feed, link=link, notify=notify)
            reports += [intake.fetch(ids)] if intake.types else []
        else:
            report = read(row, feed.name, notify=notify)
            reports += [report] if report else []
    if all(report.transfer.result == "ok" for report in reports):
        for hook in hooks:
            hook.done = True
        Hook.objects.bulk_update(hooks, ["done", "error"])
    return reports
