"""The bare loop: reads the same pages, picks the same fields, posts the same batches with the hub's client
(urllib3), checks nothing, keeps a file of ids and names. What the job minimally costs. At latency it overlaps its
calls as widely as the hub's connector does."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import urllib3

from benchmarks import gate
from benchmarks.peers.shop import BATCH, FIELDS, KEYS, PAGE, body

_SENDERS = 2


def run(source: str, target: str, memory: Path, *, whole: bool, width: int) -> None:
    """Read all pages, or those of articles that changed since the last run, and send the names that differ."""
    pool = urllib3.PoolManager(maxsize=16, headers=KEYS)
    gate.wait()
    seen: dict[str, Any] = json.loads(memory.read_text()) if memory.exists() else {}
    since = ""
    if seen and not whole:  # a second back: the dates are whole seconds
        newest = datetime.fromisoformat(max(row[2] for row in seen.values())) - timedelta(seconds=1)
        since = f"&dates_are_gmt=true&modified_after={newest.isoformat()}"

    def page(number: int) -> tuple[list[dict[str, Any]], int]:
        asked = f"per_page={PAGE}&page={number}&orderby=id&order=asc&_fields={FIELDS}{since}"
        answer = pool.request("GET", f"{source}/wp-json/wc/v3/products?{asked}")
        return answer.json(), int(answer.headers["X-WP-TotalPages"])

    def send(rows: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
        verb = "update" if rows[0]["sku"] in seen else "create"
        bodies = [{"id": seen[row["sku"]][0], **body(row)} if verb == "update" else body(row) for row in rows]
        url = f"{target}/wp-json/wc/v3/products/batch?_fields={verb}"
        answer = pool.request("POST", url, json={verb: bodies}).json()[verb]
        times = [row["date_modified_gmt"] for row in rows]
        return [(row["sku"], [row["id"], row["name"], at]) for row, at in zip(answer, times, strict=True)]

    def wanted(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for row in rows:
            before = seen.get(row["sku"])
            if before is None or before[1] != row["name"]:
                yield row

    first, pages = page(1)
    with ThreadPoolExecutor(max(1, width)) as readers, ThreadPoolExecutor(max(1, min(width, _SENDERS))) as senders:
        waiting: list[dict[str, Any]] = []
        sending = []
        for rows in [first], (result[0] for result in readers.map(page, range(2, pages + 1))):
            for some in rows:
                waiting += wanted(some)
                while len(waiting) >= BATCH:
                    sending.append(senders.submit(send, waiting[:BATCH]))
                    del waiting[:BATCH]
        if waiting:
            sending.append(senders.submit(send, waiting))
        for future in sending:
            seen.update(future.result())
    memory.write_text(json.dumps(seen))
    gate.done()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--width", type=int, default=1)
    args = parser.parse_args()
    run(args.source, args.target, args.home / "ids.json", whole=args.whole, width=args.width)
