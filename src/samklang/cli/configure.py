"""`samklang plan`, `apply`, `export`, `history`: the configuration as a file, and what it would do, before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from django.utils.translation import gettext_noop
from rich.text import Text

from samklang.cli import running
from samklang.cli.screen import Exit, Screen, WrongUse
from samklang.cli.session import Common, Session, session, who
from samklang.engine.work import reading_jobs
from samklang.hub.models import ConfigVersion, Tenant
from samklang.hub.setup import config
from samklang.hub.setup.config import Config
from samklang.hub.setup.consequences import Consequences, carry_out, foresee
from samklang.hub.setup.plan import FlowPlan

_FILE = Path("samklang.toml")
_MARKS = {"add": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}
_TOP = 5  # changed fields and reasons shown per flow


def plan(
    file: Annotated[Path, Parameter(show_default=True)] = _FILE,
    *,
    version: Annotated[int, Parameter(help="Plan an earlier version of the configuration instead of a file.")] = 0,
    samples: Annotated[bool, Parameter(help="Show records with their values before and after.")] = False,
    common: Common | None = None,
) -> Exit:
    """Show what the file would do to every system, before it is done. Exit code 3 when there is something to apply.

    Both sides of a flow that would begin are read. Nothing is written to any system, and flows that run stay as they
    are.
    """
    with session(common) as now:
        found = _foresee(now, _wanted(now, file, version))
        now.screen.answer(found)
        _show(now.screen, found, samples)
        if found.empty:
            return Exit.OK
        now.screen.note("`samklang apply` does it.")
        return Exit.LOOK


def apply(
    file: Annotated[Path, Parameter(show_default=True)] = _FILE,
    *,
    version: Annotated[int, Parameter(help="Go back to this version of the configuration (see history).")] = 0,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], help="Do not ask.")] = False,
    samples: Annotated[bool, Parameter(help="Show records with their values before and after.")] = False,
    why: Annotated[str, Parameter(help="Written into the history.")] = "",
    transfer: Annotated[
        bool,
        Parameter(help="Transfer at once what became due (else `sync` or `serve` does).", negative="--no-transfer"),
    ] = True,
    common: Common | None = None,
) -> Exit:
    """Show the plan, ask, change the configuration and transfer what the new flows carry."""
    with session(common) as now:
        screen = now.screen
        wanted = _wanted(now, file, version)
        found = _foresee(now, wanted)
        _show(screen, found, samples)
        if found.empty:
            screen.answer({"plan": found, "applied": False, "transfers": []})
            return Exit.OK
        if not yes:
            if not screen.asks:
                raise WrongUse("There is nobody to ask", "Add --yes when the plan is meant.")
            if not screen.confirm("Apply this?"):
                screen.note("Nothing was changed.")
                return Exit.FAILED
        with screen.progress() as step:
            because = why or (f"back to version {version}" if version else str(file))
            tenant = carry_out(wanted, found, who(), because, step)
        now.note(gettext_noop("configuration applied"), "configuration", tenant, why=because)
        if not transfer:
            screen.answer({"plan": found, "applied": True, "transfers": []})
            screen.say("Applied. `samklang sync` or `samklang serve` transfers what is due.", "bold")
            return Exit.OK
        ran = running.run(screen, tenant, running.due_jobs(tenant) + reading_jobs(tenant.pk, found.read_anew))
        screen.answer({"plan": found, "applied": True, **ran.plain()})
        ran.show(screen)
        return ran.exit_code


def export(
    *,
    version: Annotated[int, Parameter(help="An earlier version (see history).")] = 0,
    common: Common | None = None,
) -> None:
    """Print the configuration as samklang.toml, without secrets."""
    with session(common) as now:
        text = _version(now.tenant, version).text if version else config.dump(config.current(now.tenant))
        now.screen.answer({"toml": text})
        if not now.screen.json:
            now.screen.out.file.write(text)


def history(*, common: Common | None = None) -> None:
    """List the versions of the configuration; `apply --version N` goes back to one."""
    with session(common) as now:
        versions = list(ConfigVersion.objects.filter(tenant=now.tenant).order_by("-number"))
        now.screen.answer([{"number": v.number, "at": v.at, "by": v.by, "why": v.why} for v in versions])
        now.screen.table(["Version>", "When", "By", "Why"], [(v.number, v.at, v.by, v.why) for v in versions])


# ------------------------------------------------------------------------------------------------ parts of the above


def _wanted(now: Session, file: Path, version: int) -> Config:
    if version:
        return config.parse(_version(now.tenant, version).text)
    try:
        text = file.read_text()
    except OSError as error:
        raise WrongUse(
            f"{file} cannot be read: {error.strerror}", "`samklang export > samklang.toml` writes one."
        ) from (error)
    wanted = config.parse(text)
    if now.wanted and now.wanted != wanted.tenant.slug:
        raise WrongUse(f"{file} is for tenant {wanted.tenant.slug}, not {now.wanted}")
    return wanted


def _version(tenant: Tenant, number: int) -> ConfigVersion:
    found = ConfigVersion.objects.filter(tenant=tenant, number=number).first()
    if found is None:
        raise WrongUse(f"There is no version {number}", "`samklang history` lists them.")
    return found


def _foresee(now: Session, wanted: Config) -> Consequences:
    with now.screen.progress() as step:
        return foresee(wanted, step)


def _show(screen: Screen, found: Consequences, samples: bool) -> None:
    if found.empty:
        screen.say("The configuration is as the file says.", "green")
        return
    if found.changes:
        rows = []
        for change in found.changes:
            mark, style = _MARKS[change.what]
            rows.append((Text(mark, style=style), change.kind, change.name, ", ".join(change.fields)))
        screen.table(["", "Configuration", "", "What"], rows)
    if found.flows:
        columns = "Flow|create>|change>|same>|to 0>|left out>|only there>|blocked>|mails>".split("|")
        screen.table(columns, [_row(flow) for flow in found.flows])
    for flow in found.flows:
        _details(screen, flow)
        if samples:
            _samples(screen, flow)
    for note in found.notes:
        screen.say(f"Note: {note}", "yellow")


def _title(flow: FlowPlan) -> str:
    return f"{flow.channel}: {flow.type}  {flow.source} → {flow.target}"


def _row(flow: FlowPlan) -> list[object]:
    blocked = sum(flow.blocked.values())
    return [
        _title(flow), Text(str(flow.create), "green" if flow.create else "dim"), flow.change, flow.same,
        Text(str(flow.archive), "red" if flow.archive else "dim"), flow.left_out, flow.only_in_target,
        Text(str(blocked), "red" if blocked else "dim"), Text(str(flow.mails), "yellow" if flow.mails else "dim"),
    ]  # fmt: skip


def _details(screen: Screen, flow: FlowPlan) -> None:
    lines = []
    if flow.fields:
        top = list(flow.fields.items())[:_TOP]
        more = f" and {len(flow.fields) - _TOP} more" if len(flow.fields) > _TOP else ""
        lines.append("fields that change: " + ", ".join(f"{name} ({count})" for name, count in top) + more)
    lines += [f"blocked {count}: {reason}" for reason, count in list(flow.blocked.items())[:_TOP]]
    lines += [flow.note] if flow.note else []
    for line in lines:
        screen.say(f"  {_title(flow)}: {line}", "dim")


def _samples(screen: Screen, flow: FlowPlan) -> None:
    rows = []
    for sample in flow.samples:
        fields = list(sample.fields.items()) or [("", ("", sample.reason))]
        for number, (name, (before, after)) in enumerate(fields):
            rows.append((sample.action if not number else "", sample.key if not number else "", name, before, after))
    if rows:
        screen.table(["", "Record", "Field", "Before", "After"], rows, title=_title(flow))
