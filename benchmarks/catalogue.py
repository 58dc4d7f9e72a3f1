"""A catalogue from one shop to another: the hub, a bare loop over the same HTTP calls, and other tools, in one run.

    ./run python -m benchmarks.catalogue [--articles 20000] [--slow 10000] [--sides hub,bare,dlt] [--rows first,kill]
                                         [--repeat 3]

    first      the target is empty
    unchanged  everything is read again, nothing has changed
    changed    everything is read again, 1 % has new names
    since      1 % has new names, only what changed since the last run is asked for
    latency    the first sync of `--slow` articles, 100 ms before every answer
    kill       kill -9 when the target has half of the articles, then a second run: articles lost, articles sent twice

The sides take turns, the bare loop first, each with two fresh shops (stand-ins in processes of their own) and a folder
of its own for what it remembers. After every row source and target are compared. Peers are set up on first use in
environments of their own (benchmarks/peers/environment.py).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict

from benchmarks import table
from benchmarks.measuring import Run
from benchmarks.shops import Pair
from benchmarks.sides import SIDES, Side, opened

ROWS = ("first", "unchanged", "changed", "since", "latency", "kill")
_LATENCY = 0.1
_EACH = 100  # one in so many articles changes


def once(side: Side, shops: Pair, *, whole: bool, slow: bool = False) -> table.Measured:
    """Run a side. RuntimeError when it leaves the target different from the source."""
    shops.forget()
    figures = Run(side.programs(shops, whole, slow), side.home / "log", side.beside).finish()
    measured = table.Measured(figures, shops.requests())
    if missing := shops.missing():
        raise RuntimeError(f"{missing} articles differ at the target")
    return measured


def tell(row: str, side: str, found: object) -> None:
    """Progress, so that a run that is broken off has not been in vain."""
    sys.stderr.write(f"{row} {side}: {found}\n")


def syncs(names: list[str], rows: list[str], articles: int) -> dict[str, dict[str, table.Measured]]:
    """The rows without latency, from a fresh start: row → side → figures. What is not asked for is done unmeasured."""
    found: dict[str, dict[str, table.Measured]] = defaultdict(dict)
    for name in names:  # one after another: what a database does in peace must not disturb the next side
        with opened(name) as side, Pair.opened(articles, 0) as shops:
            for row in [row for row in ROWS[:4] if row == "first" or row in rows]:
                if row in ("changed", "since"):
                    shops.change(articles, _EACH, f"Kopp {row}")
                found[row][name] = once(side, shops, whole=row in ("unchanged", "changed"))
                tell(row, name, found[row][name])
    return found


def latency(names: list[str], articles: int) -> dict[str, table.Measured]:
    """The first sync of shops that are far away."""
    found = {}
    for name in names:
        with opened(name) as side, Pair.opened(articles, _LATENCY) as shops:
            found[name] = once(side, shops, whole=False, slow=True)
            tell("latency", name, found[name])
    return found


def kills(names: list[str], articles: int) -> dict[str, table.Killed]:
    """A first sync, killed half way, and a second run."""
    found = {}
    for name in names:
        with opened(name) as side, Pair.opened(articles, 0) as shops:
            run = Run(side.programs(shops, False, False), side.home / "log", side.beside)
            while shops.sent()["articles"] < articles // 2:
                time.sleep(0.01)
            run.kill()
            Run(side.programs(shops, False, False), side.home / "log", side.beside).finish()
            found[name] = table.Killed(shops.missing(), shops.sent()["twice"])
            tell("kill", name, found[name])
    return found


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--slow", type=int, default=10_000)
    parser.add_argument("--sides", default="bare,hub", help=f"of {', '.join(SIDES)}")
    parser.add_argument("--rows", default=",".join(ROWS[:5]), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--repeat", type=int, default=1, help="medians of so many runs")
    args = parser.parse_args()
    names = sorted(args.sides.split(","), key=list(SIDES).index)
    rows = args.rows.split(",")
    if wrong := set(rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(wrong)}")
    measured: dict[str, dict[str, list[table.Measured]]] = defaultdict(lambda: defaultdict(list))
    dead: dict[str, list[table.Killed]] = defaultdict(list)
    syncs(names, list(ROWS), _EACH)  # unmeasured: what is compiled on first use is not the job
    for _ in range(args.repeat):
        results = syncs(names, rows, args.articles) if set(rows) & set(ROWS[:4]) else {}
        if "latency" in rows:
            results["latency"] = latency(names, args.slow)
        for row, by_side in results.items():
            for name, figures in by_side.items():
                measured[row][name].append(figures)
        if "kill" in rows:
            for name, killed in kills([name for name in names if name != "bare"], args.articles).items():
                dead[name].append(killed)
    print(table.heading())
    for row in rows:
        if row in measured:
            articles = args.slow if row == "latency" else args.articles
            title = f"{row}, {articles}" + (f", {_LATENCY * 1000:.0f} ms" if row == "latency" else "")
            print("\n".join(table.lines(title, articles, measured[row])))
    if dead:
        print("\n".join(table.killed(args.articles, dead)))


if __name__ == "__main__":
    main()
