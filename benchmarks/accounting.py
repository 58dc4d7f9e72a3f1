"""A month of 10,000 orders over 4 providers, 3 currencies and 5 countries: facts to vouchers, both models, one core.

./run python -m benchmarks.accounting
"""

from __future__ import annotations

import resource
import time
from datetime import date

from samklang.accounting.books import keep_books
from samklang.accounting.company import Channel, Company, Model
from samklang.accounting.sie import write_sie
from tests.accounting.month import CHART, EXCHANGE, Month

TODAY = date(2026, 4, 10)


def _company(model: Model) -> Company:
    channel = Channel(code="web", model=model)
    return Company(code="ov", name="Övningsbutiken AB", chart=CHART, channels={"web": channel}, oss=True)


def main() -> None:
    """The table."""
    month = Month(10_000)
    lines = sum(len(made.lines) for made in month.facts.statements)
    print(f"{len(month.facts.orders):,} orders, {lines:,} statement lines, {len(month.facts.statements)} payouts")
    print("model     CPU s  vouchers  matched  problems  SIE CPU s  peak MB")
    models: tuple[Model, ...] = ("day", "invoice")
    for model in models:
        began = time.process_time()
        kept = keep_books(month.facts, _company(model), EXCHANGE, TODAY)
        booked = time.process_time()
        write_sie(kept.vouchers, _company(model), TODAY)
        written = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{model:8} {booked - began:6.2f} {len(kept.vouchers):9,} {len(kept.matches):8,} {len(kept.problems):9}"
            f" {written - booked:10.2f} {peak:8}"
        )


if __name__ == "__main__":
    main()
