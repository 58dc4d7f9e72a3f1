"""Airbyte: a declarative source and a destination, two processes with a pipe between, as the platform runs them.

The CDK reads slices in parallel and the pages of a slice in turn; so a long list is cut by date of change, here into
weeks. The destination's author writes `write` whole: here it keeps two batches on their way, and lets a state pass only
when all before it has been taken. The platform's part (keeping the last state for the next run) is a file.

For whole reads (the platform's full refresh) Airbyte compares nothing, neither in the source nor in the destination,
and has no place where a destination could keep hashes: everything is sent again.
"""

from __future__ import annotations

import argparse
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import requests
from airbyte_cdk.destinations import Destination
from airbyte_cdk.entrypoint import launch
from airbyte_cdk.models import (
    AirbyteConnectionStatus,
    AirbyteMessage,
    AirbyteStateMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteCatalogSerializer,
    ConnectorSpecification,
    Status,
    Type,
)
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor

from benchmarks import gate
from benchmarks.peers.shop import BATCH, FIELDS, KEY, PAGE, READERS, SECRET, SENDERS, Target, body

_CURSOR = "date_modified_gmt"
_TIMES = "%Y-%m-%dT%H:%M:%S"
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "sku", "description", "status", "weight", _CURSOR), _TEXT),
        "attributes": {"type": "array"},
    },
}
_SPEC = {"type": "object", "properties": {"url": _TEXT}, "required": ["url"]}


class Rows(RecordExtractor):
    """The rows of a page, with the fields that are written."""

    def __init__(self, **_: Any) -> None:
        pass

    def extract_records(self, response: requests.Response) -> Iterable[Mapping[str, Any]]:
        for row in orjson.loads(response.content):
            yield {**body(row), _CURSOR: row[_CURSOR]}


def _second(name: str, sign: str) -> str:
    """A bound of the slice, a second further: the shop leaves both bounds out."""
    return f"{{{{ format_datetime(str_to_datetime(stream_interval.{name}) {sign} duration('PT1S'), '{_TIMES}') }}}}"


_MANIFEST = {
    "version": "7.0.0",
    "type": "DeclarativeSource",
    "check": {"type": "CheckStream", "stream_names": ["products"]},
    "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": READERS},
    "spec": {"type": "Spec", "connection_specification": _SPEC},
    "streams": [
        {
            "type": "DeclarativeStream",
            "name": "products",
            "primary_key": ["sku"],
            "schema_loader": {"type": "InlineSchemaLoader", "schema": _SCHEMA},
            "incremental_sync": {
                "type": "DatetimeBasedCursor",
                "cursor_field": _CURSOR,
                "datetime_format": _TIMES,
                "start_datetime": {
                    "type": "MinMaxDatetime",
                    "datetime": f"{{{{ day_delta(-366, '{_TIMES}') }}}}",
                    "datetime_format": _TIMES,
                },
                "step": "P1W",
                "cursor_granularity": "PT1S",
            },
            "retriever": {
                "type": "SimpleRetriever",
                "requester": {
                    "type": "HttpRequester",
                    "url_base": "{{ config['url'] }}/wp-json/wc/v3",
                    "path": "/products",
                    "http_method": "GET",
                    "authenticator": {"type": "BasicHttpAuthenticator", "username": KEY, "password": SECRET},
                    "request_parameters": {
                        "orderby": "id",
                        "order": "asc",
                        "dates_are_gmt": "true",
                        "_fields": FIELDS,
                        "modified_after": _second("start_time", "-"),
                        "modified_before": _second("end_time", "+"),
                    },
                },
                "record_selector": {
                    "type": "RecordSelector",
                    "extractor": {"type": "CustomRecordExtractor", "class_name": f"{__name__}.Rows"},
                },
                "paginator": {
                    "type": "DefaultPaginator",
                    "page_token_option": {
                        "type": "RequestOption", "inject_into": "request_parameter", "field_name": "page",
                    },
                    "page_size_option": {
                        "type": "RequestOption", "inject_into": "request_parameter", "field_name": "per_page",
                    },
                    "pagination_strategy": {"type": "PageIncrement", "start_from_page": 1, "page_size": PAGE},
                },
            },
        }
    ],
}  # fmt: skip


class ShopDestination(Destination):
    """Writes products to a shop."""

    def spec(self, *_: Any, **__: Any) -> ConnectorSpecification:
        return ConnectorSpecification(connectionSpecification=_SPEC)

    def check(self, logger: logging.Logger, config: Mapping[str, Any]) -> AirbyteConnectionStatus:
        return AirbyteConnectionStatus(status=Status.SUCCEEDED)

    def write(
        self,
        config: Mapping[str, Any],
        configured_catalog: ConfiguredAirbyteCatalog,
        input_messages: Iterable[AirbyteMessage],
    ) -> Iterator[AirbyteMessage]:
        target = Target(config["url"])
        rows: list[Mapping[str, Any]] = []
        sending: deque[Future[None]] = deque()
        with ThreadPoolExecutor(SENDERS) as pool:

            def send(most: int) -> None:
                """Send what has gathered, and leave so many calls on their way at the most."""
                if rows:
                    sending.append(pool.submit(target.put, rows.copy()))
                    rows.clear()
                while len(sending) > most:
                    sending.popleft().result()

            for message in input_messages:
                if message.type == Type.RECORD:
                    rows.append(message.record.data)
                    if len(rows) == BATCH:
                        send(SENDERS)
                elif message.type == Type.STATE:
                    send(0)
                    yield message
            send(0)


def _last_state(kept: Path) -> list[Any]:
    """What the destination let pass last."""
    lines = [orjson.loads(line) for line in kept.read_bytes().splitlines()] if kept.exists() else []
    states = [line["state"] for line in lines if line["type"] == "STATE"]
    return states[-1:]


def _saved(path: Path, content: object) -> str:
    path.write_bytes(orjson.dumps(content))
    return str(path)


def main() -> None:
    """One of the two programs of a run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["read", "write"])
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--whole", action="store_true")
    args = parser.parse_args()
    modes = ["full_refresh", "incremental"]
    stream = {"name": "products", "json_schema": _SCHEMA, "supported_sync_modes": modes}
    configured = {
        "stream": stream, "sync_mode": modes[not args.whole], "cursor_field": [_CURSOR], "primary_key": [["sku"]],
        "destination_sync_mode": "append_dedup",
    }  # fmt: skip
    catalog = _saved(args.home / "catalog.json", {"streams": [configured]})
    if args.part == "read":
        config = {"url": args.source}
        state = [] if args.whole else _last_state(args.home / "state.jsonl")
        source = ConcurrentDeclarativeSource(
            catalog=ConfiguredAirbyteCatalogSerializer.load({"streams": [configured]}), config=config,
            state=[AirbyteStateMessageSerializer.load(one) for one in state], source_config=_MANIFEST,
        )  # fmt: skip
        paths = {
            "--config": _saved(args.home / "source.json", config), "--catalog": catalog,
            "--state": _saved(args.home / "state.json", state),
        }  # fmt: skip
        gate.wait()
        launch(source, ["read", *(part for pair in paths.items() for part in pair)])
    else:
        config_path = _saved(args.home / "target.json", {"url": args.target})
        gate.wait()
        ShopDestination().run(["write", "--config", config_path, "--catalog", catalog])
    gate.done()


if __name__ == "__main__":
    main()
