"""Many stock changes to five targets, one of them slow: what coalescing saves, and how old the figures are.

    ./run python -m benchmarks.stock [--databases sqlite,postgresql] [--changes 20000] [--articles 2000] [--seconds 60]

A shop (benchmarks/shelf.py) sells: its figures change, evenly spread over `--seconds`. The hub reads what changed every
two seconds and tells four shops, that take 100 figures a call, and a Fortnox stand-in, that takes one a call and allows
25 calls in 5 s. For each target:

    sent      figures that it was sent, and how many of the changes that leaves out
    age       how long a figure had been true at the source when it came
    wrong     the longest that a figure was another than the source's
    in step   seconds from the last change until the last figure came
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from benchmarks import shelf, stage

_SHOPS = 4
_PATIENCE = 1200.0
Figures = list[tuple[float, int, int]]  # when, article, figure


class Found(NamedTuple):
    """What became of the changes at one target."""

    sent: int
    ages: list[float]
    wrong: float
    step: float


def judged(changes: Figures, taken: Figures) -> Found:
    """Compare what the source said with what a target took. A figure comes once at the source: it only grows."""
    born = {(n, figure): at for at, n, figure in changes}
    news: dict[int, list[float]] = defaultdict(list)
    for at, n, _ in changes:
        news[n].append(at)
    told = [(at, n, figure) for at, n, figure in taken if (n, figure) in born]
    wrong = 0.0
    held: dict[int, float] = {}  # article → when the figure that the target holds was born
    for at, n, figure in told:
        unheard = [change for change in news[n] if held.get(n, 0.0) < change <= born[n, figure]]
        wrong = max([wrong, *(at - change for change in unheard)])
        held[n] = max(held.get(n, 0.0), born[n, figure])
    ages = [at - born[n, figure] for at, n, figure in told]
    return Found(len(told), ages, wrong, max(at for at, _, _ in told) - changes[-1][0])


def measured(database: str, changes: int, articles: int, seconds: float) -> dict[str, Found]:
    """Target → what was found. TimeoutError when a target does not come in step."""
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="samklang-bench-")))
        environment = stage.environment(home, stack.enter_context(stage.database(database)))
        source, *shops = (stack.enter_context(shelf.opened(articles, there=articles)) for _ in range(1 + _SHOPS))
        ledger = stack.enter_context(stage.process("benchmarks.stands", "counted", "--articles", str(articles)))
        with stage.process("benchmarks.keeping", "set-up", ledger, source, *shops, **environment):
            stack.enter_context(stage.process("benchmarks.keeping", "work", **environment))
        targets = {**{f"shop {n + 1}": one for n, one in enumerate(shops)}, "ledger": ledger}
        # Nought everywhere is what the targets are told first; the slow one need not have heard all of it.
        _agree(dict(list(targets.items())[:_SHOPS]), dict.fromkeys(range(articles), 0))
        shelf.churn(source, changes, seconds)
        time.sleep(seconds)
        while len(shelf.stocks(source)) < changes:
            time.sleep(0.5)
        made = shelf.stocks(source)
        _agree(targets, {n: figure for _, n, figure in made})
        return {name: judged(made, shelf.stocks(one)) for name, one in targets.items()}


def _agree(targets: dict[str, str], wanted: dict[int, int]) -> None:
    """Wait until all targets hold these figures."""
    end = time.monotonic() + _PATIENCE
    for name, address in targets.items():
        while not wanted.items() <= {n: figure for _, n, figure in shelf.stocks(address)}.items():
            if time.monotonic() > end:
                raise TimeoutError(f"{name} does not agree with the source")
            time.sleep(1)


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--changes", type=int, default=20_000)
    parser.add_argument("--articles", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    args = parser.parse_args()
    print(stage.heading())
    print(f"{'':22}{'sent':>8}{'saved':>8}{'age p50 s':>11}{'p95':>8}{'wrong s':>9}{'in step s':>11}")
    for database in args.databases.split(","):
        for name, found in measured(database, args.changes, args.articles, args.seconds).items():
            half, most = (stage.at(found.ages, share) for share in (0.5, 0.95))
            text = f"{database:12}{name:10}{found.sent:8}{1 - found.sent / args.changes:8.1%}{half:11.1f}{most:8.1f}"
            print(f"{text}{found.wrong:9.1f}{found.step:11.1f}", flush=True)


if __name__ == "__main__":
    main()
