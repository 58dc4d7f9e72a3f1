"""A million articles in one tenant beside a tenth of them: does time grow no faster than the data, is memory flat?

    ./run python -m benchmarks.million [--articles 1000000] [--sides hub,hub-pg1] [--repeat 3]

    unchanged  everything is read again, nothing has changed
    changed    everything is read again, 1 % has new names

The tenant is what a first sync leaves (benchmarks/copies.py), the shops are benchmarks/shelf.py. CPU and memory are the
hub's own processes; a PostgreSQL server is not counted (its buffers are its operator's choice). After every run source
and target are compared.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from statistics import median

from benchmarks import shelf, stage
from benchmarks.measuring import Figures, Run
from benchmarks.shops import Pair
from benchmarks.sides import Side, opened

ROWS = ("unchanged", "changed")
_EACH = 100  # one in so many articles changes
_LESS = 10  # the smaller tenant has one article in so many


def once(side: Side, shops: Pair, *, whole: bool) -> Figures:
    """Run a side. RuntimeError when it leaves the target different from the source."""
    found = Run(side.programs(shops, whole, False), side.home / "log").finish()
    if shelf.editions(shops.source) != shelf.editions(shops.target):
        raise RuntimeError("articles differ at the target")
    return found


def measured(name: str, articles: int, repeat: int) -> dict[str, list[Figures]]:
    """Every row of a side: row → its runs."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    with (
        opened(name) as side,
        shelf.opened(articles, there=1) as source,
        shelf.opened(articles, there=0) as target,
    ):
        shops = Pair(source, target)
        once(side, shops, whole=False)
        with stage.process(
            "benchmarks.copies", "--articles", str(articles), **side.programs(shops, True, False)[0].environment
        ):
            for shop in shops:
                shelf.fill(shop)
        for turn in range(repeat):
            for row in ROWS:
                if row == "changed":
                    shelf.rename(source, _EACH, turn + 1)
                rows[row].append(once(side, shops, whole=True))
                sys.stderr.write(f"{name}, {articles}, {row}: {rows[row][-1]}\n")
    return rows


def line(row: str, side: str, articles: int, runs: list[Figures], fewer: list[Figures] | None) -> str:
    """One line of the table; `fewer` are the runs of the smaller tenant."""
    text = f"{row:10}{side:>9}{articles:>10}{stage.middle([run.wall for run in runs], '.1f'):>24}"
    text += f"{median(run.cpu for run in runs):9.1f}{max(run.peak for run in runs):9.0f}"
    if fewer:
        text += f"{median(run.wall for run in runs) / median(run.wall for run in fewer):8.1f}"
        text += f"{median(run.cpu for run in runs) / median(run.cpu for run in fewer):8.1f}"
    return text


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--sides", default="hub,hub-pg1")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    print(stage.heading())
    print(f"{'':10}{'':>9}{'articles':>10}{'wall s':>24}{'CPU s':>9}{'peak MB':>9}{'wall ×':>8}{'CPU ×':>8}")
    for name in args.sides.split(","):
        few = measured(name, args.articles // _LESS, args.repeat)
        many = measured(name, args.articles, args.repeat)
        for row in ROWS:
            print(line(row, name, args.articles // _LESS, few[row], None))
            print(line(row, name, args.articles, many[row], few[row]), flush=True)


if __name__ == "__main__":
    main()
