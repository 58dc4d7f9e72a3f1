"""A hub process that is made to be killed: forks a worker, and another whenever one dies. Prints each worker's pid.

The parent has imported everything, so a new worker runs within milliseconds and 200 kills take minutes, not hours.
Run as `python -m tests.crash.worker` with SAMKLANG_DATA set; `pace` seconds between reads.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import django
import msgspec

django.setup()

from samklang.connectors.contract import Limits  # noqa: E402
from samklang.connectors.registry import connector_class  # noqa: E402
from samklang.engine.embedded import Embedded  # noqa: E402
from samklang.engine.port import Job  # noqa: E402
from samklang.engine.work import perform, read_jobs  # noqa: E402
from samklang.hub import delivery, links  # noqa: E402

CONNECTORS = [connector_class(name) for name in ("woocommerce", "fortnox")]  # imported once, before the forks


def work(pace: float) -> None:
    """Read every feed again and again, deliver what is due; pauses between tries are short so that much happens."""
    delivery._FIRST_PAUSE, delivery._LONGEST_PAUSE = 0.05, 0.5
    links._BREAK_AFTER = 10_000  # the sandbox's faults are meant; a breaker would only make the run longer
    for cls in CONNECTORS:
        cls.manifest = msgspec.structs.replace(cls.manifest, limits=Limits(concurrent=4))
    engine = Embedded(perform)
    engine.start()
    for _, job in read_jobs():
        # Articles change seldom: not every short life begins with reading them all.
        if job.lane == 0 or random.random() < 0.2:
            engine.every(pace, job)
    engine.every(0.2, Job("tick", 0, "", 0))
    while True:
        time.sleep(3600)


def main() -> None:
    """Keep one worker alive until SIGTERM."""
    pace = float(sys.argv[1]) if len(sys.argv) > 1 else 0.2
    ending = False

    def end(*_: object) -> None:
        nonlocal ending
        ending = True
        if child:
            os.kill(child, signal.SIGKILL)

    child = 0
    signal.signal(signal.SIGTERM, end)
    while not ending:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            work(pace)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
