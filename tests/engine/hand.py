"""A hub process for tests that kill it: runs the engine of its database until it dies. Prints its number when it works.

    python -m tests.engine.hand [--clock SECONDS] [--silence SECONDS] [--moment SECONDS] [--fork]

`--clock` sets this process's wall clock off; `--silence` is how long a lease's owner may be silent; `--moment` how long
a create takes. With `--fork` a new worker follows whenever one dies: it runs at once, for all is imported already.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time

import django

django.setup()

from samklang.connectors import registry  # noqa: E402
from samklang.engine.embedded import Embedded  # noqa: E402
from samklang.engine.work import KEEPING, perform  # noqa: E402
from samklang.engine.worker import Worker  # noqa: E402
from samklang.hub import delivery, leases, links  # noqa: E402
from tests.doubles import book  # noqa: E402

registry.packages()["book"] = "tests.doubles.book"


def work(options: argparse.Namespace) -> None:
    """Work, with short pauses so that much happens."""
    delivery._FIRST_PAUSE, delivery._LONGEST_PAUSE, delivery._SILENT = 0.05, 0.5, options.silence / 2
    links._BREAK_AFTER = 10_000
    leases.LENGTH = options.silence
    book.MOMENT = options.moment
    if options.clock:
        true_time = time.time
        time.time = lambda: true_time() + options.clock
    schedule = [(0.2, job) for _, job in KEEPING]
    print(os.getpid(), flush=True)
    if "SAMKLANG_DATABASE" in os.environ:
        worker = Worker(perform, places=8, schedule=schedule, heartbeat=0.5)
        signal.signal(signal.SIGTERM, lambda *_: worker.stop())
        worker.run()
        return
    engine = Embedded(perform)
    engine.start()
    for seconds, job in schedule:
        engine.every(seconds, job)
    while True:
        time.sleep(3600)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--clock", type=float, default=0.0)
    parser.add_argument("--silence", type=float, default=2.0)
    parser.add_argument("--moment", type=float, default=0.01)
    parser.add_argument("--fork", action="store_true")
    options = parser.parse_args()
    if not options.fork:
        return work(options)
    child = 0

    def end(*_: object) -> None:
        if child:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    while True:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work(options)
            sys.exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
