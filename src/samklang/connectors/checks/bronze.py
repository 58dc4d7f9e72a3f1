"""Bronze: it connects, reads everything, writes once. Less than this is no connector."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from samklang.connectors.checks.bench import Bench, Fails, items
from samklang.connectors.contract import Connector, Done, Manifest
from samklang.connectors.errors import BadAnswer, Forbidden, LoginRefused, Retry, SamklangError
from samklang.records import record_class, record_types

_FILES = ("__init__.py", "manifest.toml", "client.py", "map.py", "README.md")


def manifest(cls: type[Connector], folder: Path, known: frozenset[str]) -> str:
    """The manifest was read strictly on import; here its words are compared with what they name."""
    facts: Manifest = cls.manifest
    wrong: list[str] = []
    wrong += [f"{name} is missing" for name in _FILES if not (folder / name).exists()]
    if facts.feeds and not (folder / "read.py").exists():
        wrong.append("read.py is missing")
    if facts.writes and not (folder / "write.py").exists():
        wrong.append("write.py is missing")
    if facts.name != folder.name:
        wrong.append(f"name is {facts.name!r}, the folder {folder.name!r}")
    if not facts.checked_against:
        wrong.append("checked_against is empty")
    if not (facts.feeds or facts.writes or facts.statements):
        wrong.append("nothing is read or written")
    if facts.auth == "oauth2" and cls.login_page is Connector.login_page:
        wrong.append("auth is oauth2, which asks a person at a login page, and there is no login_page")
    types = set(record_types()) | {"variant"}
    for what, name in (
        *((f"feed {feed.name}", name) for feed in facts.feeds for name in feed.types),
        *(("writes", name) for name in facts.writes),
        *((f"writes.{type_} needs", name) for type_, how in facts.writes.items() for name in how.needs),
    ):
        if name not in types:
            wrong.append(f"{what}: there is no record type {name!r}")
    for type_, how in facts.writes.items():
        fields = set(record_class(type_).__struct_fields__) if type_ in types else set()
        extra = {"reference", "sku", "gtin"} if type_ == "product" else {"reference"}
        for name in (*how.fields, *how.match):
            if name != "*" and name not in fields | extra:
                wrong.append(f"writes.{type_}: {name!r} is no field of the record")
        if how.batch < 1 or how.width < 1:
            wrong.append(f"writes.{type_}: batch and width must be 1 or more")
    wrong += [
        f"feed {feed.name}: {feed.changes} without fetch, or complete"
        for feed in facts.feeds
        if feed.changes == "bound" and (not feed.fetch or feed.complete)
    ]
    wrong += [f"{name} is named twice" for name, n in Counter(s.name for s in facts.settings).items() if n > 1]
    wrong += [f"feed {name} is named twice" for name, n in Counter(f.name for f in facts.feeds).items() if n > 1]
    wrong += [f"setting {s.name}: choices are missing" for s in facts.settings if s.kind == "choice" and not s.choices]
    wrong += [f"cannot: {text!r} is no sentence" for text in facts.cannot if not text.endswith(".")]
    for name, reason in facts.exempt.items():
        if name not in known:
            wrong.append(f"exempt: there is no check {name!r}")
        if len(reason) < 10:
            wrong.append(f"exempt.{name} gives no reason")
    if wrong:
        raise Fails("; ".join(wrong))
    return f"{len(facts.settings)} settings, {len(facts.feeds)} feeds, {len(facts.writes)} types written"


_CHAPTERS = {
    "set-up": r"set.?up|getting started",
    "what is synced": r"synced",
    "limits": r"limits|cannot|confirmed",
    "errors": r"errors|wrong|refused",
}


def readme(_cls: type[Connector], folder: Path, _known: frozenset[str]) -> str:
    """Chapters by their headings."""
    text = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").exists() else ""
    headings = [line.lstrip("# ") for line in text.splitlines() if line.startswith("## ")]
    missing = [
        name for name, words in _CHAPTERS.items() if not any(re.search(words, one, re.IGNORECASE) for one in headings)
    ]
    if missing:
        raise Fails(f"README.md lacks a chapter on {', '.join(missing)} (it has: {', '.join(headings) or 'none'})")
    return f"{len(headings)} chapters"


def login(bench: Bench) -> str:
    """The right login gives an account, a wrong one an error that a person understands."""
    account = bench.connector.check()
    if not account.title:
        raise Fails("the account has no title")
    wrong = bench.stand.wrong_settings()
    if wrong is None and bench.manifest.auth == "none":
        return f"{account.title}; no login"
    refused = bench.open(wrong, right=False)
    try:
        refused.check()
    except (LoginRefused, Forbidden) as error:
        if len(error.what) < 15 or not error.do_this:
            raise Fails(f"the message is too short to help: {error}") from error
        secrets = [str((wrong or {}).get(s.name, "")) for s in bench.manifest.settings if s.kind == "secret"]
        if any(secret and secret in str(error) for secret in secrets):
            raise Fails("the message shows the secret") from error
        return f"{account.title} {account.version}; refused: {error.what}".strip()
    except SamklangError as error:
        raise Fails(f"a wrong login gives {error.__class__.__name__}: {error}") from error
    finally:
        refused.close()
    raise Fails("a wrong login was not noticed")


def reads_all(bench: Bench) -> str:
    """Every declared feed to its end: what the system holds, and each thing once."""
    said = []
    for feed in bench.manifest.feeds:
        before = bench.stand.requests()
        pages = bench.read(feed.name)
        calls = bench.stand.requests() - before
        found = list(items(pages))
        if len(pages) < 2 and calls < 3:
            raise Fails(f"{feed.name} was read with {calls} requests: the stand must hold more than one page")
        for type_ in feed.types:
            keys = [item.record.key for item in found if item.record.type == type_]
            ids = [item.external_id for item in found if item.record.type == type_ and item.external_id]
            if type_ != "customer":  # the same buyer may be registered twice; the hub asks a person then
                _once(f"{feed.name}: {type_} key", [key for key in keys if key])
            _once(f"{feed.name}: {type_} id", ids)
            held = bench.stand.held(type_)
            if held is not None and feed.complete and set(keys) != held:
                lost, more = sorted(held - set(keys))[:3], sorted(set(keys) - held)[:3]
                raise Fails(f"{feed.name}: {type_}: {len(keys)} read of {len(held)}; lost {lost}, unknown {more}")
            if held is not None and not set(keys) >= held:
                raise Fails(f"{feed.name}: {type_}: lost {sorted(held - set(keys))[:3]}")
        _once(f"{feed.name}: part id", [f"{part.type} {part.external_id}" for item in found for part in item.parts])
        if not found:
            raise Fails(f"{feed.name} gave nothing")
        strange = {item.record.type for item in found} - set(feed.types)
        if strange:
            raise Fails(f"{feed.name} gave {', '.join(strange)}, which it does not declare")
        said.append(f"{feed.name} {len(found)} records in {calls} requests")
    return "; ".join(said) or "reads nothing"


def _once(what: str, names: list[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Fails(f"{what} {twice[0]} came more than once ({len(twice)} such)")


def bound_once(bench: Bench) -> str:
    """Read twice, everything has the same id; and no id names two things."""
    first: dict[tuple[str, str], str] = {}
    for again in (False, True):
        bench.ids.clear()
        for feed in bench.manifest.feeds:
            bench.read(feed.name)
        if again and bench.ids != first:
            moved = next(name for name in first.keys() | bench.ids.keys() if first.get(name) != bench.ids.get(name))
            raise Fails(f"{moved} was {first.get(moved)!r}, then {bench.ids.get(moved)!r}")
        first = dict(bench.ids)
    owners: dict[tuple[str, str], str] = {}
    for (type_, key), id_ in first.items():
        if (other := owners.setdefault((type_, id_), key)) != key:
            raise Fails(f"{type_} id {id_} stands for {other} and for {key}")
    return f"{len(first)} ids"


def written_once(bench: Bench) -> str:
    """The same write twice has one effect."""
    said = []
    for type_, how, specimen in bench.specimens():
        record = specimen.record
        done = bench.settle(record)
        if bench.stand.count(record) != 1:
            raise Fails(f"{type_} {record.key}: written once, there {bench.stand.count(record)} times")
        if how.update or how.create == "idempotent":
            again = bench.write(record)
            if isinstance(again, SamklangError):
                raise Fails(f"{type_} {record.key} again: {again}")
            if done.external_id and again.external_id not in ("", done.external_id):
                raise Fails(f"{type_} {record.key} moved from {done.external_id} to {again.external_id}")
        if how.create == "key":  # sent anew with the same key, as after a crash: it is the same thing still
            again = bench.write(record, doubt=True, create=True)
            if not isinstance(again, Done) or again.external_id != done.external_id:
                raise Fails(f"{type_} {record.key} sent again by its key: {again}, first {done.external_id}")
        if bench.stand.count(record) != 1:
            raise Fails(f"{type_} {record.key}: written twice, there {bench.stand.count(record)} times")
        said.append(type_)
    return f"written twice, there once: {', '.join(said)}" if said else "writes nothing"


def cut_off(bench: Bench) -> str:
    """A page that breaks off, or comes as half of its JSON, is an error wherever it happens; never a short read. Where
    nothing is read, the answers of writes break off."""
    tried = 0
    for feed in bench.manifest.feeds:
        bench.read(feed.name)  # login and settings are known now
        before = bench.stand.requests()
        bench.read(feed.name)
        calls = bench.stand.requests() - before
        for kind in ("cut", "broken"):
            for after in sorted({0, calls // 2, calls - 1}):
                bench.stand.fault(kind, after=after)
                try:
                    pages = bench.read(feed.name)
                except Retry as error:
                    if kind == "broken" and not isinstance(error, BadAnswer):
                        raise Fails(f"{feed.name}: half of the JSON gives {error}") from error
                    tried += 1
                else:
                    count = sum(len(page.items) for page in pages)
                    raise Fails(f"{feed.name}: answer {after + 1} of {calls} was {kind}, yet {count} records came")
                finally:
                    bench.stand.no_faults()
        bench.read(feed.name)
    for type_, _, specimen in bench.specimens() if not bench.manifest.feeds else ():
        bench.stand.fault("cut")
        result = bench.write(specimen.record)
        bench.stand.no_faults()
        if not isinstance(result, Retry):
            raise Fails(f"{type_} {specimen.record.key}: every answer broke off, yet the write gives {result}")
        tried += 1
    return f"{tried} breaks noticed"
