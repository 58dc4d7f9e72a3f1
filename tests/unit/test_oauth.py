"""Rotating refresh tokens: refreshed once whoever asks; none that was journalled is lost, whenever we are killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connections

from samklang.connectors.contract import Limits, Surroundings, Tokens
from samklang.connectors.errors import LoginRefused, RemoteFault, Unreachable
from samklang.connectors.oauth import OAuth2
from samklang.connectors.transport import Transport
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.fortnox import FortnoxSandbox

TOKEN = "/oauth-v1/token"
THING = "/3/companyinformation"


class Killed(BaseException):
    """The process ends here."""


class Login:
    """A ledger with its login server, and connections to it as several processes would hold them."""

    def __init__(self, base: str, ledger: FortnoxSandbox, faulty: Faulty, store: Any) -> None:
        self.base, self.ledger, self.faulty, self.store = base, ledger, faulty, store
        self.clock = time.time()

    def process(self) -> tuple[OAuth2, Transport]:
        around = Surroundings(
            capture=lambda _: None,
            tokens=self.store,
            now=lambda: self.clock,
            allow_private=lambda _: True,
            sleep=lambda _: None,
        )
        server = Transport(self.base, Limits(), around)
        oauth = OAuth2(server, TOKEN, self.ledger.client_id, self.ledger.client_secret, self.store)
        return oauth, Transport(self.base, Limits(), around, auth=oauth)

    def works(self) -> bool:
        return self.process()[1].request("GET", THING).status == 200

    def log_in(self) -> None:
        tokens = self.ledger.tokens()
        self.store.save(
            Tokens(
                access=str(tokens["access_token"]),
                refresh=str(tokens["refresh_token"]),
                expires_at=self.clock + float(str(tokens["expires_in"])),
            )
        )

    @property
    def refreshes(self) -> int:
        return sum(call.path == TOKEN for call in self.faulty.calls)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, FortnoxSandbox, Faulty]]:
    ledger = FortnoxSandbox(articles=0, rate=0)
    faulty = Faulty(ledger.app)
    with serve(faulty) as base:
        yield base, ledger, faulty


@pytest.fixture
def login(server: tuple[str, FortnoxSandbox, Faulty], database: Path) -> Login:
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Connection, Tenant

    base, ledger, faulty = server
    tenant = Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB")
    row = Connection.objects.create(tenant=tenant, name="erp", connector="fortnox", settings={})
    faulty.faults = []
    faulty.reset_calls()
    return Login(base, ledger, faulty, DatabaseTokens(row))


# ------------------------------------------------------------------------------------------------------ everyday


def test_a_login_by_code_is_stored(login: Login) -> None:
    oauth, transport = login.process()
    transport.auth = None
    asked = {"client_id": login.ledger.client_id, "response_type": "code", "redirect_uri": "http://us", "state": "s"}
    with pytest.raises(Exception, match="redirects to") as caught:
        transport.request("GET", "/oauth-v1/auth", params=asked)
    code = str(caught.value).split("code=")[1].split("&")[0]
    oauth.exchange(code, "http://us")
    assert login.works()


def test_a_connection_that_was_never_logged_in_says_so(login: Login) -> None:
    with pytest.raises(LoginRefused, match="never been logged in"):
        login.works()
    assert login.faulty.calls == type(login.faulty.calls)(maxlen=5000)


def test_a_refresh_comes_well_before_the_end(login: Login) -> None:
    login.log_in()
    assert login.works()
    login.clock += 3600 * 0.74
    assert login.works()
    assert login.refreshes == 0
    login.clock += 3600 * 0.02
    assert login.works()
    assert login.refreshes == 1


def test_tokens_that_live_short_are_not_refreshed_at_every_call(login: Login) -> None:
    login.log_in()
    login.ledger.switch(token_seconds=600)
    try:
        login.clock += 3000
        _, transport = login.process()
        for _ in range(5):
            transport.request("GET", THING)
    finally:
        login.ledger.switch(token_seconds=3600)
    assert login.refreshes == 1


def test_a_token_that_ended_early_is_renewed_once_and_the_call_repeated(login: Login) -> None:
    login.log_in()
    login.ledger.expire()
    assert login.works()
    assert login.works()
    assert login.refreshes == 1


def test_two_processes_refresh_once(login: Login) -> None:
    login.log_in()
    login.ledger.expire()
    processes = [login.process()[1] for _ in range(2)]
    login.faulty.faults = [Fault("slow", path=TOKEN, seconds=0.3)]
    answers: list[int] = []

    def run(transport: Transport) -> None:
        try:
            answers.append(transport.request("GET", THING).status)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(transport,)) for transport in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [200, 200]
    assert login.refreshes == 1


def test_many_threads_of_one_connection_refresh_once(login: Login) -> None:
    login.log_in()
    login.clock += 3500
    _, transport = login.process()
    answers: list[int] = []

    def run() -> None:
        try:
            answers.append(transport.request("GET", THING).status)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [200] * 6
    assert login.refreshes == 1


# ------------------------------------------------------------------------------------------------------ dead tokens


def test_a_dead_refresh_token_is_a_refused_login_asked_for_once(login: Login) -> None:
    login.log_in()
    login.ledger.expire()
    login.ledger.login._refresh.clear()
    with pytest.raises(LoginRefused, match="no longer accepts our login") as caught:
        login.works()
    assert caught.value.do_this
    assert login.refreshes == 1
    login.log_in()
    assert login.works()


def test_a_refresh_whose_answer_is_lost_is_a_fault_first_and_then_a_refused_login(login: Login) -> None:
    login.log_in()
    login.ledger.expire()
    login.faulty.faults = [Fault("lost", path=TOKEN, times=1)]
    with pytest.raises(RemoteFault):
        login.works()
    with pytest.raises(LoginRefused):
        login.works()
    assert login.refreshes == 2


def test_a_login_server_that_fails_costs_no_login(login: Login) -> None:
    login.log_in()
    login.ledger.expire()
    login.faulty.faults = [Fault("500", path=TOKEN, times=1)]
    with pytest.raises(RemoteFault):
        login.works()
    assert login.works()


# ------------------------------------------------------------------------------------------------------ being killed


def _kill_in(monkeypatch: pytest.MonkeyPatch, point: str, store: Any) -> None:
    """End the process at this point of `save`."""
    from samklang.hub import links

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    if point == "rename":
        monkeypatch.setattr(Path, "replace", killed)
    elif point == "folder":
        monkeypatch.setattr(links, "_sync_folder", killed)
    elif point == "commit":
        monkeypatch.setattr(store, "_commit", killed)
    elif point == "unlink":
        monkeypatch.setattr(Path, "unlink", killed)


@pytest.mark.parametrize("point", ["folder", "commit", "unlink"])
def test_what_was_journalled_survives_a_kill(login: Login, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    login.log_in()
    login.ledger.expire()
    with monkeypatch.context() as patch:
        _kill_in(patch, point, login.store)
        with pytest.raises(Killed):
            login.works()
    assert login.refreshes == 1
    assert login.works()
    assert login.refreshes == 1, "the journalled token was there; nobody had to ask again"
    login.ledger.expire()
    assert login.works()
    assert not list(login.store._journal.parent.glob("*.sealed")), "the journal is cleared by the next holder"


def test_a_kill_before_the_journal_leaves_the_old_login_and_a_plain_message(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.log_in()
    before = login.store.load()
    login.ledger.expire()
    with monkeypatch.context() as patch:
        _kill_in(patch, "rename", login.store)
        with pytest.raises(Killed):
            login.works()
    assert login.store.load() == before
    with pytest.raises(LoginRefused):
        login.works()


def test_a_locked_database_loses_no_token(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    login.log_in()
    login.ledger.expire()

    def locked(_sealed: bytes) -> None:
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(login.store, "_commit", locked)
        assert login.works()
    assert login.works()
    assert login.refreshes == 1


def test_a_transaction_that_is_rolled_back_loses_no_token(login: Login) -> None:
    from django.db import transaction

    login.log_in()
    login.ledger.expire()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert login.works()
        raise ZeroDivisionError
    assert login.works()
    assert login.refreshes == 1


def test_a_left_journal_never_covers_a_later_login(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    from samklang.hub.links import DatabaseTokens

    login.log_in()
    journal = login.store._journal
    with monkeypatch.context() as patch:
        _kill_in(patch, "commit", login.store)
        with pytest.raises(Killed):
            login.log_in()
    left = journal.read_bytes()
    journal.unlink()
    login.log_in()  # on another machine, which does not see this journal
    newest = login.store.load()
    journal.write_bytes(left)
    assert login.store.load() == newest
    with login.store.exclusive():
        assert not journal.exists()
    assert login.store.load() == newest
    assert isinstance(login.store, DatabaseTokens)


def test_tokens_lie_encrypted_and_only_the_owner_reads_the_journal(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samklang.hub.models import Connection

    tokens = Tokens(access="hush-access", refresh="hush-refresh", expires_at=1.0)
    with monkeypatch.context() as patch:
        _kill_in(patch, "unlink", login.store)
        with pytest.raises(Killed):
            login.store.save(tokens)
    journal = login.store._journal
    assert journal.stat().st_mode & 0o077 == 0
    assert b"hush" not in journal.read_bytes() + bytes(Connection.objects.get().tokens)
    assert login.store.load() == tokens


def test_a_refresh_that_never_ends_elsewhere_is_tried_again_later(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    login.log_in()
    login.ledger.expire()
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with login.store.exclusive(), pytest.raises(Unreachable, match="renewing the login"):
        login.works()
