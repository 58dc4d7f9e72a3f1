"""Silver: it may run unattended. Limits, lost logins, crashes and odd hours do no harm."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

from samklang.connectors.checks.bench import Bench, Fails, items
from samklang.connectors.contract import Connector, Done
from samklang.connectors.errors import Pause, RateLimited, Rejected, Retry, SamklangError
from samklang.records import Capture, Order, Price, Record, Refund, content_hash, encode

_WAIT = 0.3
_UNDER_WAY = 0.1  # other calls may have had their turn when the 429 came
#: Half past two before and after the clock goes back; a minute before and after it goes forward (Europe).
NIGHTS = (
    datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    datetime(2027, 3, 28, 0, 59, tzinfo=UTC),
    datetime(2027, 3, 28, 1, 1, tzinfo=UTC),
)


def slows_down(bench: Bench) -> str:
    """A 429 is waited for as long as it says; a long one goes back to the hub."""
    bench.exchanges.clear()
    bench.stand.fault("429", times=1, seconds=_WAIT)
    bench.ask()
    bench.stand.no_faults()
    refused = next((exchange for exchange in bench.exchanges if exchange.status == 429), None)
    if refused is None:
        raise Fails("no 429 was seen")
    told = refused.at + timedelta(seconds=refused.seconds)
    for exchange in bench.exchanges:
        seconds = (exchange.at - told).total_seconds()
        same = (exchange.method, exchange.url, exchange.sent) == (refused.method, refused.url, refused.sent)
        if (0 if same else _UNDER_WAY) < seconds < _WAIT:
            raise Fails(f"a call began {seconds:.2f} s after a 429 that said {_WAIT} s")
    bench.stand.fault("429", seconds=900)
    try:
        bench.ask()
    except RateLimited as error:
        if error.retry_after < 899:
            raise Fails(f"the 429 said 900 s, the hub hears {error.retry_after}") from error
        return "waits; hands a long wait to the hub"
    finally:
        bench.stand.no_faults()
    raise Fails("a 429 without end was read as success")


def pauses(bench: Bench) -> str:
    """A login that has ended pauses the connection, in reading and in writing, and works again when it is mended."""
    specimens = [found.record for _, _, found in bench.specimens()][:1]
    bench.stand.fault("401")
    try:
        bench.ask()
    except Pause as error:
        said = f"{error.__class__.__name__}: {error.do_this}"
    except SamklangError as error:
        raise Fails(f"reading without a login gives {error.__class__.__name__}: {error}") from error
    else:
        raise Fails("reading without a login was taken for success")
    for record in specimens:
        result = bench.write(record)
        if not isinstance(result, Pause):
            raise Fails(f"writing {record.type} without a login gives {result}")
    bench.stand.no_faults()
    bench.ask()
    for record in specimens:
        bench.settle(record)
    return said


def killed_between(bench: Bench) -> str:
    """Whichever answer of a write is lost, the record is there exactly once in the end."""
    said = []
    for type_ in bench.manifest.writes:
        for lost in count():
            # Two of each: a stand may give simple and manifold specimens in turn.
            specimens = [found for found in (bench.fresh(type_), bench.fresh(type_)) if found]
            reached = [_lose(bench, found.record, lost) for found in specimens]
            if not any(reached):
                said += [f"{type_} {lost}"] if specimens else []
                break
    return f"answers lost one by one: {', '.join(said)}" if said else "writes nothing"


def _lose(bench: Bench, record: Record, lost: int) -> bool:
    """Write with this answer lost, recover as the hub does; whether the write has so many answers."""
    what = f"{record.type} {record.key}, answer {lost + 1} lost"
    before = bench.stand.requests()
    bench.stand.fault("lost", after=lost, times=1)
    result = bench.write(record)
    reached = bench.stand.requests() - before > lost
    bench.stand.no_faults()
    there = bench.stand.count(record)
    if isinstance(result, Rejected) and result.existing:  # it stands half done; the hub binds to it and goes on
        bench.bind(record, result.existing)
        bench.settle(record)
    elif isinstance(result, SamklangError):
        if not isinstance(result, Retry):
            raise Fails(f"{what}: {result.__class__.__name__} instead of Retry: {result}")
        if there and not result.maybe_applied:
            raise Fails(f"{what}: it is there, but the error says that nothing was written: {result}")
        bench.settle(record, doubt=result.maybe_applied)
    if (there := bench.stand.count(record)) != 1:
        raise Fails(f"{what}: in the end it is there {there} times")
    return reached


def decimals(bench: Bench) -> str:
    """Money as read and as written is, digit by digit, the system's."""
    compared = 0
    written: list[Record] = []
    for type_ in ("price", "order", "capture", "refund"):
        for _ in range(5 if type_ == "price" else 1):
            specimen = bench.fresh(type_) if type_ in bench.manifest.writes else None
            if specimen:
                bench.settle(specimen.record)
                written.append(specimen.record)
    held = bench.stand.figures()
    for record in written:
        own = held.get((record.type, record.key))
        if own is None or Decimal(own) != Decimal(_money(record)):
            raise Fails(f"{record.type} {record.key}: {_money(record)} was written, the system has {own}")
        compared += 1
    for feed in bench.manifest.feeds:
        for item in items(bench.read(feed.name)):
            own = held.get((item.record.type, item.record.key))
            if isinstance(item.record, Price | Order) and own is not None:
                if Decimal(own) != Decimal(_money(item.record)) or "E" in _money(item.record):
                    raise Fails(
                        f"{item.record.type} {item.record.key}: the system has {own}, read {_money(item.record)}"
                    )
                compared += 1
    prices = [record for record in written if isinstance(record, Price)]
    reads_prices = bench.manifest.feed_for("price")
    if prices and reads_prices:
        back = {i.record.key: i.record for i in items(bench.read(reads_prices.name)) if isinstance(i.record, Price)}
        for price in prices:
            if price.key not in back or str(back[price.key].amount) != str(price.amount):
                raise Fails(f"price {price.key}: {price.amount} went out, {back.get(price.key)} came back")
    if not compared:
        raise Fails("the stand has no figures to compare")
    return f"{compared} figures"


def _money(record: Record) -> str:
    assert isinstance(record, Price | Order | Capture | Refund)
    return str(record.gross if isinstance(record, Order) else record.amount)


def dst(bench: Bench) -> str:
    """What happens in the hour that comes twice, or beside the one that never comes, is read, and at its instant."""
    said = []
    listed = [feed for feed in bench.manifest.feeds if feed.listed]
    for at in NIGHTS if listed else ():
        happened = bench.stand.happens(at)
        if happened is None:
            raise Fails("the stand has no clock to set: say so in its `cannot`")
        feed = next(one for one in bench.manifest.feeds if one.name == happened.feed)
        if feed.changes != "watermark":
            raise Fails(f"{feed.name} finds no changes, so the stand must let something else happen")
        since = at - timedelta(seconds=feed.lies_seconds)
        found = {i.record.key: i.record for i in items(bench.read(feed.name, since)) if i.record.type == happened.type}
        if happened.key not in found:
            raise Fails(f"{happened.type} {happened.key} happened at {at} and is not among the changes since {since}")
        record = found[happened.key]
        if isinstance(record, Order) and record.placed_at != at:
            raise Fails(f"order {record.key} was placed at {at}, read as {record.placed_at}")
        said.append(happened.type)
    return f"{len(said)} instants: {', '.join(dict.fromkeys(said))}" if said else "lists nothing"


def unknown_fields(bench: Bench) -> str:
    """Fields that nobody has heard of change nothing."""
    compared = 0
    for feed in bench.manifest.feeds:
        usual = {(i.record.type, i.record.key): content_hash(encode(i.record)) for i in items(bench.read(feed.name))}
        bench.stand.fault("extra")
        try:
            seen = {(i.record.type, i.record.key): content_hash(encode(i.record)) for i in items(bench.read(feed.name))}
        except SamklangError as error:
            raise Fails(f"{feed.name}: {error}") from error
        finally:
            bench.stand.no_faults()
        if seen != usual:
            other = next(name for name in usual.keys() | seen.keys() if usual.get(name) != seen.get(name))
            raise Fails(f"{feed.name}: {other[0]} {other[1]} reads differently")
        compared += len(seen)
    for type_, _, specimen in bench.specimens():
        bench.stand.fault("extra")
        result = bench.write(specimen.record)
        bench.stand.no_faults()
        if not isinstance(result, Done):
            raise Fails(f"writing {type_}: {result}")
        compared += 1
    return f"{compared} records the same"


def error_table(_cls: type[Connector], folder: Path, _known: frozenset[str]) -> str:
    """README: a table of what one may see and what to do."""
    text = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").exists() else ""
    chapters = re.split(r"^## ", text, flags=re.MULTILINE)
    about = [one for one in chapters if re.match(r".*(errors|wrong|refused)", one.partition("\n")[0], re.IGNORECASE)]
    rows = [line for one in about for line in one.splitlines() if line.startswith("|")]
    if len(rows) < 5:  # heading, rule, three errors
        raise Fails("README.md has no table of at least three errors with what to do")
    return f"{len(rows) - 2} errors explained"
