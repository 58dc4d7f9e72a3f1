"""What was measured, as a table: a line per row and side, with the ratios to the bare loop of the same row."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from benchmarks.measuring import Figures


class Measured(NamedTuple):
    """One run of one side."""

    figures: Figures
    requests: int

    def __str__(self) -> str:
        wall, cpu, peak, _ = self.figures
        return f"{wall:.2f} s, CPU {cpu:.2f} s, {peak:.0f} MB, {self.requests} requests"


class Killed(NamedTuple):
    """What was found after a kill half way and a second run."""

    lost: int
    twice: int

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.twice} sent twice"


def heading() -> str:
    """The names of the columns."""
    return (
        f"{'':33}{'':>9}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'requests':>10}{'per article':>13}"
        f"{'wall/bare':>11}{'CPU/bare':>10}{'start CPU s':>13}"
    )


def lines(row: str, articles: int, runs: dict[str, list[Measured]]) -> list[str]:
    """The row's lines: medians of each side's runs; ratios are medians of the ratios within each repetition."""
    found = []
    for side, own in runs.items():
        wall, cpu, peak, start = (median(values) for values in zip(*(run.figures for run in own), strict=True))
        requests = median(run.requests for run in own)
        text = f"{row:33}{side:>9}{wall:8.2f}{cpu:8.2f}{peak:9.0f}{requests:10.0f}{requests / articles:13.4f}"
        if side != "bare" and "bare" in runs:
            pairs = list(zip(own, runs["bare"], strict=True))
            text += f"{median(one.figures.wall / base.figures.wall for one, base in pairs):11.2f}"
            text += f"{median(one.figures.cpu / base.figures.cpu for one, base in pairs):10.2f}"
        else:
            text += f"{'':21}"
        found.append(f"{text}{start:13.2f}")
        if len(own) > 1:
            walls = sorted(run.figures.wall for run in own)
            found[-1] += f"   wall {walls[0]:.2f}–{walls[-1]:.2f}"
    return found


def killed(articles: int, runs: dict[str, list[Killed]]) -> list[str]:
    """What the kills left, by side: medians over its kills."""
    found = [f"{f'kill -9 half way, {articles}':33}{'':>9}{'lost':>8}{'sent twice':>12}"]
    for side, own in runs.items():
        lost, twice = (median(values) for values in zip(*own, strict=True))
        found.append(f"{'':33}{side:>9}{lost:8.0f}{twice:12.0f}")
    return found
