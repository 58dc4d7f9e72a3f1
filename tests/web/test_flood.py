"""Five thousand signed webhooks at once to one process: each is stored before it is answered, and a kill loses none.

Prints how long answers took; nothing here fails by the clock.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import HOMES

COUNT = int(os.environ.get("SAMKLANG_FLOOD", "5000"))
AT_ONCE = 250  # connections


@pytest.fixture(params=HOMES)
def home(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.contextmanager
def serving(database: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`samklang serve` on this database, and its port."""
    environment = {**os.environ, "SAMKLANG_DATA": str(database.parent)}
    child = subprocess.Popen(
        [sys.executable, "-m", "samklang", "serve", "--port", str(port)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout is not None
    try:
        yield child, int(child.stdout.readline().split()[2].rpartition(":")[2])
    finally:
        child.kill()
        child.wait()


class Flood:
    """Sends every webhook until it is answered with 200; knows which were and how long it took."""

    def __init__(self, secret: str) -> None:
        self.secret = secret.encode()
        self.waiting = list(range(1, COUNT + 1))
        self.answered: dict[int, float] = {}

    def message(self, number: int) -> bytes:
        body = b'{"id":%d}' % number
        signature = base64.b64encode(hmac.new(self.secret, body, hashlib.sha256).digest()).decode()
        head = (
            f"POST /hooks/main/shop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nX-WC-Webhook-Signature: {signature}\r\n"
            f"X-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-Resource: order\r\nX-WC-Webhook-Event: updated\r\n\r\n"
        )
        return head.encode() + body

    async def _one_line(self, port: int) -> None:
        """One connection that sends one after another until none waits or the server is gone."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return
        number = 0
        try:
            while self.waiting:
                number = self.waiting.pop()
                began = time.perf_counter()
                writer.write(self.message(number))
                head = await reader.readuntil(b"\r\n\r\n")
                if b"chunked" in head:
                    await reader.readuntil(b"0\r\n\r\n")
                if b" 200 " in head.split(b"\r\n")[0]:
                    self.answered[number] = time.perf_counter() - began
                else:
                    self.waiting.append(number)
                number = 0
        except (OSError, asyncio.IncompleteReadError):
            if number:
                self.waiting.append(number)
        finally:
            writer.close()

    async def send(self, port: int) -> None:
        await asyncio.gather(*(self._one_line(port) for _ in range(AT_ONCE)))


@pytest.mark.timeout(300)
def test_a_flood_of_webhooks_loses_none_over_a_kill(home: str, database: Path) -> None:
    from django.db import connections

    from samklang.hub import hooks
    from samklang.hub.models import Connection, Hook, Tenant
    from samklang.hub.setup import config

    tenant = Tenant.objects.create(slug="main", name="Nordljus")
    row = Connection.objects.create(
        tenant=tenant, name="shop", connector="woocommerce", settings={"url": "https://shop.invalid"}
    )
    config.set_secrets(row, {"consumer_key": "ck", "consumer_secret": "cs"})
    flood = Flood(hooks.hook_secret(row))
    connections.close_all()

    def stored() -> list[int]:
        import json

        found = [json.loads(bytes(body))["id"] for body in Hook.objects.values_list("body", flat=True)]
        connections.close_all()
        return found

    with serving(database) as (server, port):

        async def until_half() -> None:
            sending = asyncio.create_task(flood.send(port))
            while len(flood.answered) < COUNT // 2:
                await asyncio.sleep(0.01)
            os.kill(server.pid, signal.SIGKILL)
            await sending

        asyncio.run(until_half())
    assert set(flood.answered) <= set(stored()), "answered, but not stored"
    assert flood.waiting, "the kill came in the middle"
    with serving(database) as (_, port):
        began = time.perf_counter()
        count = len(flood.waiting)
        asyncio.run(flood.send(port))
        seconds = time.perf_counter() - began
    assert not flood.waiting
    assert set(stored()) == set(range(1, COUNT + 1))
    took = sorted(flood.answered.values())
    p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"\n{home}: {COUNT} webhooks over {AT_ONCE} connections, {count / seconds:.0f} a second;")
    print(f"answers p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
