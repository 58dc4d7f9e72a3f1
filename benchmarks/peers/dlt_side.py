"""dlt: one resource whose pages are fetched in parallel, and a custom destination that posts batches.

dlt extracts everything to files, normalises the files, then loads them: the first product is written when the last
has been read. Set as its documentation says for speed: pages as deferred calls in its thread pool, only the fields that
are needed, files not compressed and rotated so that two load at once.

What it remembers is its own. For changes: `incremental` on the date of change, a second back, for the shop's dates are
whole seconds. For whole reads dlt compares nothing by itself short of a database in between (scd2 in DuckDB, which
costs more than sending all again), so hashes are kept in the resource's state, as its users do for some 100,000 rows.
After a kill the package on disk is finished first, from the row that the destination's state names.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dlt
import orjson
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

from benchmarks import gate
from benchmarks.peers.shop import BATCH, FIELDS, KEY, PAGE, READERS, SECRET, SENDERS, Row, Target, body

_CURSOR = "date_modified_gmt"
_SETTINGS = {
    "extract.workers": READERS,
    "extract.max_parallel_items": 2 * READERS,
    "extract.data_writer.disable_compression": True,
    "normalize.data_writer.disable_compression": True,
    "normalize.data_writer.file_max_items": 20 * BATCH,
    "load.workers": SENDERS,
    "runtime.dlthub_telemetry": False,
}


def products(source: str, since: dict[str, str]) -> Iterator[Any]:
    """The products that differ: the first page, then calls for the others, which dlt makes in its pool."""
    client = RESTClient(f"{source}/wp-json/wc/v3", auth=HttpBasicAuth(KEY, SECRET))
    asked = {"per_page": PAGE, "orderby": "id", "order": "asc", "_fields": FIELDS, **since}
    differs = changed()

    def page(number: int) -> tuple[list[dict[str, Any]], int]:
        answer = client.get("/products", params={**asked, "page": number})
        rows = ({**body(row), _CURSOR: row[_CURSOR]} for row in orjson.loads(answer.content))
        return [row for row in rows if differs(row)], int(answer.headers["X-WP-TotalPages"])

    first, pages = page(1)
    yield first
    later = dlt.defer(lambda number: page(number)[0])
    for number in range(2, pages + 1):
        yield later(number)


def changed() -> Callable[[Row], bool]:
    """Whether a row differs from what the resource's state remembers of it; remembers it."""
    hashes = dlt.current.resource_state("products").setdefault("hashes", {})

    def differs(row: Row) -> bool:
        told = hashlib.blake2b(orjson.dumps(body(row)), digest_size=8).hexdigest()
        if hashes.get(row["sku"]) == told:
            return False
        hashes[row["sku"]] = told
        return True

    return differs


@dlt.resource(name="products")
def everything(source: str) -> Iterator[Any]:
    """All products."""
    yield from products(source, {})


@dlt.resource(name="products")
def recent(source: str, updated: Any = dlt.sources.incremental(_CURSOR, lag=1)) -> Iterator[Any]:  # noqa: B008
    """Products that changed since the last run."""
    start = updated.start_value
    yield from products(source, {"modified_after": start, "dates_are_gmt": "true"} if start else {})


def main() -> None:
    """One run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    for name, value in _SETTINGS.items():
        dlt.config[name] = value
    target = Target(args.target)

    @dlt.destination(name="shop", batch_size=BATCH)
    def shop(items: list[Row], table: Any) -> None:
        target.put(items)

    pipeline = dlt.pipeline("catalogue", destination=shop, pipelines_dir=str(args.home))
    gate.wait()
    if pipeline.has_pending_data:
        pipeline.run()
    pipeline.run((everything if args.whole else recent)(args.source))
    gate.done()


if __name__ == "__main__":
    main()
