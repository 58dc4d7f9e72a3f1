"""Statements that a connection gives by itself: out of a mailbox over TLS, a folder, an SFTP server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Exchange, Paper, Surroundings
from samklang.connectors.errors import BadAnswer, LoginRefused, Misconfigured, RemoteFault
from samklang.connectors.file_transport import FileTransport
from samklang.connectors.kit import mailbox
from samklang.sandboxes.file_transport import PASSWORD as SFTP_PASSWORD
from samklang.sandboxes.file_transport import USER as SFTP_USER
from samklang.sandboxes.file_transport import FileSandbox
from tests.accounting.statements.files import klarna
from tests.doubles.imap import PASSWORD, USER, MailServer

LONG_AGO = date(2020, 1, 1)
CSV = ("klarna.csv", klarna(), "text/csv")


def around(seen: list[Exchange], allow: Callable[[str], bool] = lambda _: True) -> Surroundings:
    return Surroundings(capture=seen.append, tokens=MemoryTokens(), now=lambda: 0.0, allow_private=allow)


class Post:
    """A mail server, and a connection to it."""

    def __init__(self, server: MailServer, port: int) -> None:
        self.server = server
        self.seen: list[Exchange] = []
        self.settings: dict[str, Any] = {
            "place": "imap", "host": "127.0.0.1", "port": port, "user": USER, "password": PASSWORD, "in": "INBOX",
            "authority": server.authority,
        }  # fmt: skip

    def connect(self, allow: Callable[[str], bool] = lambda _: True, **more: Any) -> FileTransport:
        return FileTransport({**self.settings, **more}, around(self.seen, allow))

    def papers(self, *known: str, **more: Any) -> list[Paper]:
        return list(self.connect(**more).statements(LONG_AGO, set(known).__contains__))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MailServer, int]]:
    server = MailServer(tmp_path_factory.mktemp("mail"))
    with server.serve() as port:
        yield server, port


@pytest.fixture
def post(served: tuple[MailServer, int]) -> Post:
    server, port = served
    server.mails, server.said, server.breaks_at = {}, [], ""
    return Post(server, port)


def test_attachments_are_given_once_and_the_mailbox_is_only_looked_at(post: Post) -> None:
    post.server.put("klarna@example.com", ("logo.png", b"png", "image/png"), CSV, ("b/d.csv", b"x;y", "text/csv"))
    first = post.papers()
    assert [paper.name for paper in first] == ["mail 7/1/3 klarna.csv", "mail 7/1/4 b_d.csv", "mail 7/1"]
    assert first[0].data == klarna() and not first[2].data
    assert post.papers("mail 7/1") == []
    assert {line.split()[0] for line in post.server.said} <= {"CAPABILITY", "LOGIN", "EXAMINE", "UID", "LOGOUT"}
    assert all("PEEK" in line or "SIZE" in line for line in post.server.said if "FETCH" in line)


def test_only_mails_of_the_named_senders_count(post: Post) -> None:
    post.server.put("Anyone <somebody@elsewhere.example>", CSV)
    post.server.put("Klarna <Payouts@Klarna.example>", CSV)
    found = post.papers(senders="payouts@klarna.example, bank@example.com")
    assert [paper.name for paper in found] == ["mail 7/1", "mail 7/2/2 klarna.csv", "mail 7/2"]


def test_login_folder_and_certificate_are_named_when_they_are_wrong(post: Post) -> None:
    assert "127.0.0.1" in post.connect().check().title
    with pytest.raises(LoginRefused):
        post.connect(password="another").check()
    with pytest.raises(Misconfigured, match="no folder Avräkning"):
        post.connect(**{"in": "Avräkning & mer"}).check()
    assert 'EXAMINE "Avr&AOQ-kning &- mer"' in post.server.said
    with pytest.raises(Misconfigured, match="not trusted"):
        post.connect(authority="").check()
    with pytest.raises(Misconfigured, match="cannot be read"):
        post.connect(authority="no PEM").check()
    with pytest.raises(Misconfigured, match="inside our own network"):
        post.connect(allow=lambda _: False).check()


def test_a_line_that_breaks_between_two_mails_leaves_the_first(post: Post) -> None:
    post.server.put("a@example.com", CSV)
    post.server.put("a@example.com", CSV)
    post.server.breaks_at = "FETCH 2 (BODY"
    got: list[Paper] = []
    with pytest.raises(RemoteFault, match="broke off"):
        got.extend(post.connect().statements(LONG_AGO, lambda _: False))
    assert [paper.name for paper in got] == ["mail 7/1/2 klarna.csv", "mail 7/1"]
    assert post.seen[0].error and PASSWORD not in repr(post.seen)


def test_a_mail_that_is_too_large_is_not_fetched(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_LARGEST", 100)
    post.server.put("a@example.com", CSV)
    with pytest.raises(BadAnswer, match="larger"):
        post.papers()
    assert not any("BODY" in line for line in post.server.said)


def test_a_mailbox_takes_no_files(post: Post) -> None:
    with pytest.raises(Misconfigured, match="no folders"):
        post.connect().leave("a.si", b"#FLAGGA 0")


def test_files_of_an_sftp_server_come_by_name_and_time(tmp_path: Path) -> None:
    box = FileSandbox(tmp_path)
    settings: dict[str, Any] = {
        "host": "127.0.0.1", "host_key": box.host_key, "user": SFTP_USER, "password": SFTP_PASSWORD,
        "purpose": "statements",
    }  # fmt: skip
    for name in ("out", "kept"):
        (tmp_path / name).rmdir()
    with box.serve() as port:
        connector = FileTransport({**settings, "port": port}, around([]))
        connector.check()
        path = tmp_path / "in" / "klarna.csv"
        (tmp_path / "in" / "half.csv.part").write_bytes(b"half")
        path.write_bytes(klarna())
        os.utime(path, (1_790_000_000, 1_790_000_000))
        (paper,) = connector.statements(LONG_AGO, lambda _: False)
        assert paper == Paper("klarna.csv 2026-09-21T14:13:20Z", klarna())
        assert list(connector.statements(LONG_AGO, {paper.name}.__contains__)) == []
        assert list(connector.statements(date(2026, 9, 22), lambda _: False)) == []
        os.utime(path, (1_790_000_060, 1_790_000_060))
        assert len(list(connector.statements(LONG_AGO, {paper.name}.__contains__))) == 1, "written over"
        connector.close()
