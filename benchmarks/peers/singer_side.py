"""Singer: a tap and a target with the SDK, two processes with a pipe between, as its runners start them.

The SDK reads the pages of a stream in turn and drains a sink in turn; nothing in it overlaps the calls of one stream.
Set for speed and safety: msgspec for the messages, no second look at types and schemas, a list sorted by date of change
so that a read that was cut off goes on where its state says, and a state each second (the SDK's own pace is 10,000
records in the tap and five minutes in the target). The runner's part (keeping the last state) is a file.

For whole reads (full refresh, without state) Singer compares nothing, neither in the tap nor in the target, and the SDK
gives a target no memory: everything is sent again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import requests
from singer_sdk import BatchSink, RESTStream, Tap, Target
from singer_sdk.authenticators import BasicAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecReader, MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import BasePageNumberPaginator

from benchmarks import gate
from benchmarks.peers.shop import BATCH, FIELDS, KEY, PAGE, SECRET, body
from benchmarks.peers.shop import Target as Shop

_CURSOR = "date_modified_gmt"
_TEXT = {"type": ["string", "null"]}
_URL = {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}


class Pages(BasePageNumberPaginator):
    """Page after page, as many as the shop says."""

    def has_more(self, response: requests.Response) -> bool:
        return self.current_value < int(response.headers["X-WP-TotalPages"])


class Products(RESTStream[int]):
    """The shop's products by date of change, a second back, for the dates are whole seconds."""

    name = "products"
    path = "/products"
    primary_keys = ("sku",)
    replication_key = _CURSOR
    is_sorted = True
    schema = {  # noqa: RUF012  # as the SDK has it
        "type": "object",
        "properties": {
            **dict.fromkeys(("name", "sku", "description", "status", "weight", _CURSOR), _TEXT),
            "attributes": {"type": "array", "items": {"type": "object", "additionalProperties": True}},
        },
    }
    STATE_MSG_FREQUENCY = 10 * PAGE
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    @property
    def url_base(self) -> str:
        return f"{self.config['url']}/wp-json/wc/v3"

    @property
    def authenticator(self) -> BasicAuthenticator:
        return BasicAuthenticator(username=KEY, password=SECRET)

    def get_new_paginator(self) -> Pages:
        return Pages(1)

    def get_url_params(self, context: Any, next_page_token: int | None) -> dict[str, Any]:
        asked = {"per_page": PAGE, "page": next_page_token, "orderby": "modified", "order": "asc", "_fields": FIELDS}
        since = self.get_starting_replication_key_value(context)
        if since:
            back = datetime.fromisoformat(since) - timedelta(seconds=1)
            asked |= {"modified_after": back.isoformat(), "dates_are_gmt": "true"}
        return asked

    def parse_response(self, response: requests.Response) -> Iterator[dict[str, Any]]:
        for row in msgspec.json.decode(response.content):
            yield {**body(row), _CURSOR: row[_CURSOR]}


class TapShop(Tap):
    """Reads a shop."""

    name = "tap-shop"
    config_jsonschema = _URL
    message_writer_class = MsgSpecWriter

    def discover_streams(self) -> list[Products]:
        return [Products(self)]


class ProductSink(BatchSink):
    """Writes products to a shop."""

    validate_schema = False
    max_size = BATCH

    def setup(self) -> None:
        self._shop = Shop(self.config["url"])

    def process_batch(self, context: dict[str, Any]) -> None:
        self._shop.put(context["records"])


class TargetShop(Target):
    """Writes to a shop."""

    name = "target-shop"
    config_jsonschema = _URL
    default_sink_class = ProductSink
    message_reader_class = MsgSpecReader
    _MAX_RECORD_AGE_IN_MINUTES = 1 / 60


def _last_state(kept: Path) -> Mapping[str, Any]:
    """What the target printed last."""
    lines: Iterable[bytes] = kept.read_bytes().splitlines() if kept.exists() else ()
    states: list[Mapping[str, Any]] = [msgspec.json.decode(line) for line in lines]
    return states[-1] if states else {}


def main() -> None:
    """One of the two programs of a run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["read", "write"])
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    if args.part == "read":
        state = {} if args.whole else _last_state(args.home / "state.jsonl")
        tap = TapShop(config={"url": args.source}, state=dict(state))
        gate.wait()
        tap.sync_all()
    else:
        target = TargetShop(config={"url": args.target})
        gate.wait()
        target.listen()
    gate.done()


if __name__ == "__main__":
    main()
