"""What docs/how-to says about the API and its webhooks is so: every example there is run, in the page's order."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from samklang.connectors import registry
from tests.accounting.statements.files import klarna
from tests.api.conftest import Caller
from tests.api.house import merchant, reader
from tests.hub.receiver import Receiver
from tests.reconciliation.conftest import Desk

_ = merchant, reader
PAGES = Path(__file__).parents[2] / "docs" / "how-to"
HOST = "https://hub.example"
FILES = {"klarna.csv": klarna()}


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)]


class Curl:
    """A command line of curl as a call of Django's test client; `status` is the one that the page promises."""

    def __init__(self, line: str, names: dict[str, str]) -> None:
        command, _, promised = line.rpartition("# ")
        for name, value in names.items():
            command = command.replace(f"${name}", value)
        program, *words = shlex.split(command)
        assert program == "curl", line
        self.status, self.method, self.headers, self.body = int(promised), "", {}, b""
        self.form: dict[str, Any] = {}
        while words:
            word = words.pop(0)
            if word == "-X":
                self.method = words.pop(0)
            elif word == "-H":
                name, _, value = words.pop(0).partition(": ")
                self.headers[name] = value
            elif word == "-d":
                self.body = words.pop(0).encode()
            elif word == "-F":
                name, _, value = words.pop(0).partition("=@")
                self.form[name] = SimpleUploadedFile(value, FILES[value])
            else:
                assert word.startswith(HOST), word
                self.address = word.removeprefix(HOST)
        self.method = self.method or ("POST" if self.form or self.body else "GET")

    def run(self, client: Client) -> Any:
        if self.form:
            return client.post(self.address, self.form, headers=self.headers)
        kind = self.headers.get("Content-Type", "application/octet-stream")
        return client.generic(self.method, self.address, self.body, kind, headers=self.headers)


def lines(text: str) -> Iterator[str]:
    """The commands of a block, those over several lines put together."""
    yield from filter(None, text.replace("\\\n", " ").splitlines())


@pytest.fixture
def books(reader: Caller) -> Desk:
    """The company that the page hands a file in for."""
    registry.packages()["shelf"] = "tests.doubles.shelf"
    return Desk(reader.tenant)


def test_the_page_about_calling_it(reader: Caller, books: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"HUB": f"{HOST}/api/v1/t/{reader.tenant.slug}", "TOKEN": reader.text}
    client = Client()
    ran = 0
    for block in blocks("api.md"):
        if block.language == "sh":
            for line in lines(block.text):
                if line.startswith("export"):
                    assert line.split()[1].split("=")[0] in names
                    continue
                curl = Curl(line, names)
                answer = curl.run(client)
                assert answer.status_code == curl.status, (line, answer.content)
                ran += 1
        elif block.language == "json":
            assert answer.json() == json.loads(block.text)
        elif block.language == "python":
            [monkeypatch.setenv(name, value) for name, value in names.items()]
            monkeypatch.setattr(urllib.request, "urlopen", lambda request: _answered(client, request))
            space: dict[str, Any] = {}
            exec(compile(block.text, "api.md", "exec"), space)
            assert len(space["orders"]) >= 30 and "se/10499" in space["orders"]
    assert ran >= 6


def test_the_page_about_webhooks(reader: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.events import TYPES

    names = {"HUB": f"{HOST}/api/v1/t/{reader.tenant.slug}", "TOKEN": reader.text}
    receiver, client, answers = Receiver(), Client(), []
    try:
        for block in (one for one in blocks("webhooks.md") if one.language == "sh"):
            for line in lines(block.text):
                curl = Curl(line.replace("https://books.example/told", receiver.url), names)
                answers.append(curl.run(client))
                assert answers[-1].status_code == curl.status, (line, answers[-1].content)
    finally:
        receiver.close()
    secret, told = answers[0].json()["secret"], receiver.told[0]
    shown = next(one.text for one in blocks("webhooks.md") if one.language == "http")
    head, _, body = shown.partition("\n\n")
    assert set(re.findall(r"^([\w-]+):", head, flags=re.MULTILINE)) <= told.headers.keys()
    assert json.loads(body).keys() == told.event.keys()

    space: dict[str, Any] = {}
    exec(compile(next(one.text for one in blocks("webhooks.md") if one.language == "python"), "page", "exec"), space)
    assert space["is_ours"](told.headers, told.body, secret)
    assert not space["is_ours"](told.headers, told.body + b" ", secret)
    assert not space["is_ours"]({**told.headers, "webhook-timestamp": "1"}, told.body, secret)

    listed = re.findall(r"^\| `([\w.]+)` \| (.+) \|$", (PAGES / "webhooks.md").read_text(), flags=re.MULTILINE)
    assert dict(listed) == dict(TYPES)
    if not shutil.which("openssl"):
        pytest.skip("the shell's example needs openssl, which is not installed")
    (tmp_path / "body.json").write_bytes(told.body)
    known = {"SECRET": secret, "ID": told.headers["webhook-id"], "TIMESTAMP": told.headers["webhook-timestamp"]}
    shell = next(one.text for one in blocks("webhooks.md") if one.language == "bash")
    ran = subprocess.run(
        ["sh", "-c", shell], cwd=tmp_path, env={**os.environ, **known}, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == told.headers["webhook-signature"], ran.stderr


def _answered(client: Client, request: urllib.request.Request) -> Any:
    answer = client.generic(
        request.get_method(), request.full_url.removeprefix(HOST), request.data or b"", headers=dict(request.headers)
    )
    assert answer.status_code == 200, answer.content
    return io.BytesIO(answer.content)
