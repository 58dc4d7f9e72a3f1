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

from samklang.connectors import transport  # noqa: E402
from samklang.connectors.contract import Limits  # noqa: E402
from samklang.connectors.registry import connector_class  # noqa: E402
from samklang.engine.embedded import Embedded  # noqa: E402
from samklang.engine.port import Job  # noqa: E402
from samklang.engine.work import perform, read_jobs  # noqa: E402
from samklang.engine.worker import Worker  # noqa: E402
from samklang.hub import delivery, links  # noqa: E402

CONNECTORS = [connector_class(name) for name in ("woocommerce", "fortnox")]  # imported once, before the forks


def work(pace: float) -> None:
    """Read every feed again and again, deliver what is due; pauses between tries are short so that much happens."""
    delivery._FIRST_PAUSE, delivery._LONGEST_PAUSE, delivery._SILENT = 0.05, 0.5, 1.0
    links._BREAK_AFTER = 10_000  # the sandbox's faults are meant; a breaker would only make the run longer
    for cls in CONNECTORS:
        writes = {type_: msgspec.structs.replace(how, settles=0.5) for type_, how in cls.manifest.writes.items()}
        cls.manifest = msgspec.structs.replace(cls.manifest, limits=Limits(concurrent=4), writes=writes)
    transport.Transport.__init__.__kwdefaults__["timeout"] = 1.0  # a sandbox that never answers is given up soon
    reads = [(pace, job) for _, job in read_jobs()]
    tick = (0.2, Job("tick", 0, "", 0))
    if "SAMKLANG_DATABASE" in os.environ:
        Worker(perform, places=8, schedule=[*reads, tick], heartbeat=0.1).run()
        return
    # Articles change seldom: not every short life begins with reading them all.
    schedule = [(seconds, job) for seconds, job in reads if job.lane == 0 or random.random() < 0.2]
    engine = Embedded(perform)
    engine.start()
    for seconds, job in [*schedule, tick]:
        engine.every(seconds, job)
    while True:
        time.sleep(3600)


def main() -> None:
    """Keep one worker alive until SIGTERM: one of Procrastinate's with SAMKLANG_DATABASE, else the embedded engine."""
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
