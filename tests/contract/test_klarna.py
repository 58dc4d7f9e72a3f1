"""The Klarna connector against the sandbox; every request and every answer is checked against Klarna's own document."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Done, Exchange, Surroundings, Want
from samklang.connectors.errors import Forbidden, LoginRefused, Rejected, RemoteFault, SamklangError
from samklang.connectors.klarna import Klarna
from samklang.connectors.klarna.client import _error
from samklang.connectors.transport import Answer
from samklang.records import Capture, MoneyLine, Refund, Void
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.klarna import PASSWORD, USER, KlarnaSandbox
from tests.contract import klarna_document
from tests.contract.openapi import Checked

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


class Account:
    """A sandbox on the network with a connector to it."""

    def __init__(self, base: str, sandbox: KlarnaSandbox, faulty: Faulty, at: list[datetime]) -> None:
        self.sandbox, self.faulty, self.at, self.base = sandbox, faulty, at, base
        self.exchanges: list[Exchange] = []
        self.connector = self.connect()

    def connect(self, **more: object) -> Klarna:
        around = Surroundings(
            capture=self.exchanges.append, tokens=MemoryTokens(), now=lambda: self.at[0].timestamp(),
            allow_private=lambda _: True, sleep=lambda _: None,
        )  # fmt: skip
        settings = {"username": USER, "password": PASSWORD, "api_address": self.base, "connection": "klarna"}
        return Klarna({**settings, **more}, around)

    def authorise(self, amount: int = 100_000, **more: Any) -> str:
        return self.sandbox.authorise(amount, reference="1001", **more)

    def write(self, record: Capture | Refund | Void, **more: Any) -> Any:
        (result,) = self.connector.write(record.type, [want(record, **more)])
        return result

    def order(self, payment: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.snapshot()[payment]
        return found

    def posts(self) -> list[dict[str, Any]]:
        """Bodies of what was asked for."""
        return [json.loads(seen.sent) for seen in self.exchanges if seen.method == "POST" and seen.sent]


def want(record: Capture | Refund | Void, **more: Any) -> Want:
    return Want(key=record.key, record=record, reference=record.key, **more)


def capture(payment: str, amount: str = "451.00", number: str = "1", **more: Any) -> Capture:
    return Capture(
        order="butik/1001", number=number, amount=Decimal(amount), currency="SEK", payment_id=payment, **more
    )


def refund(payment: str, amount: str, number: str = "R1", **more: Any) -> Refund:
    return Refund(order="butik/1001", number=number, amount=Decimal(amount), currency="SEK", payment_id=payment, **more)


def void(payment: str, *, whole: bool = True) -> Void:
    return Void(order="butik/1001", amount=Decimal("1000"), currency="SEK", payment_id=payment, whole=whole)


@pytest.fixture
def account() -> Iterator[Account]:
    at = [NOON]
    sandbox = KlarnaSandbox(lambda: at[0])
    checked = Checked(sandbox.app, klarna_document.load())
    faulty = Faulty(checked)
    with serve(faulty) as base:
        it = Account(base, sandbox, faulty, at)
        yield it
        it.connector.close()
    assert checked.found == []


def refused(result: object) -> Rejected:
    assert isinstance(result, Rejected), result
    assert len(result.do_this) > 20 and result.where
    return result


# ---------------------------------------------------------------------------------------------------- login


def test_check_names_the_account_and_says_when_it_is_a_test(account: Account) -> None:
    assert account.connector.check().title == "Klarna PK00000"
    assert account.connect(playground=True).check().warnings
    with pytest.raises(LoginRefused):
        account.connect(password="another").check()


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "https://api.klarna.com"),
        ({"region": "na"}, "https://api-na.klarna.com"),
        ({"region": "oc", "playground": True}, "https://api-oc.playground.klarna.com"),
        ({"playground": True}, "https://api.playground.klarna.com"),
    ],
)
def test_each_region_has_its_address(account: Account, settings: dict[str, Any], host: str) -> None:
    connector = account.connect(api_address="", **settings)
    assert connector.transport.base == host
    connector.close()


# ---------------------------------------------------------------------------------------------------- captures


def test_a_shipment_is_captured_with_its_lines_parcel_and_reference(account: Account) -> None:
    """J-13: delivered → capture, to the öre, gift card and rounding included."""
    payment = account.authorise()
    done = account.write(specimens.capture(1, payment))
    assert isinstance(done, Done)
    (made,) = account.order(payment)["captures"]
    assert (made["capture_id"], made["captured_amount"]) == (done.external_id, 45100)
    assert made["reference"] == "provbutik/100001#1"
    assert made["shipping_info"] == [
        {"shipping_company": "postnord", "tracking_number": "SE1PN", "tracking_uri": "https://sparning.example/1"}
    ]
    lines = made["order_lines"]
    assert [(line["type"], line["total_amount"]) for line in lines] == [
        ("physical", 40000), ("physical", 10199), ("shipping_fee", 4900), ("gift_card", -10000), ("surcharge", 1)
    ]  # fmt: skip
    assert [(line["quantity"], line["unit_price"], line.get("total_discount_amount")) for line in lines[:2]] == [
        (3, 13334, 2), (1, 10199, None)
    ]  # fmt: skip
    assert (lines[1]["name"], lines[0]["tax_rate"], lines[0]["total_tax_amount"]) == ("0.5 × Provkaffe", 2500, 8000)


def test_the_same_capture_twice_takes_the_money_once(account: Account) -> None:
    """J-13: double event → one capture, whether its id is known, forgotten, or its key has run out."""
    payment = account.authorise()
    record = specimens.capture(1, payment)
    first = account.write(record)
    assert account.write(record, external_id=first.external_id) == first
    assert account.write(record).external_id == first.external_id
    assert account.write(record, doubt=True).external_id == first.external_id
    account.at[0] += timedelta(hours=25)
    assert account.write(record, doubt=True).external_id == first.external_id
    assert len(account.order(payment)["captures"]) == 1


def test_a_lost_answer_is_replayed_by_its_key(account: Account) -> None:
    payment = account.authorise()
    account.faulty.faults = [Fault("lost", times=2, method="POST")]
    done = account.write(specimens.capture(1, payment))
    assert isinstance(done, Done)
    assert [one["capture_id"] for one in account.order(payment)["captures"]] == [done.external_id]
    assert sum(call.method == "POST" for call in account.faulty.calls) == 3


def test_two_workers_with_the_same_capture_take_the_money_once(account: Account) -> None:
    payment = account.authorise()
    record = specimens.capture(1, payment)
    account.faulty.faults = [Fault("slow", seconds=0.2, method="POST")]  # both have seen an order without captures
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: account.write(record), range(2))
    assert one == two
    assert len(account.order(payment)["captures"]) == 1


def test_parts_are_captured_until_nothing_is_left(account: Account) -> None:
    payment = account.authorise(100_000)
    assert isinstance(account.write(capture(payment, "600", "1")), Done)
    assert account.order(payment)["status"] == "PART_CAPTURED"
    no = refused(account.write(capture(payment, "500", "2")))
    assert no.what == "500 SEK shall be captured, only 400 SEK is authorised"
    assert isinstance(account.write(capture(payment, "400", "3")), Done)
    assert account.order(payment)["status"] == "CAPTURED"
    assert "captured in full already" in refused(account.write(capture(payment, "100", "4"))).what


def test_an_expired_or_cancelled_authorisation_is_told_in_plain_words(account: Account) -> None:
    """J-13: goods may not be sent silently unpaid."""
    payment = account.authorise(days=28)
    account.at[0] += timedelta(days=29)
    no = refused(account.write(capture(payment)))
    assert no.what == "The authorisation has expired (it was good until 2026-12-18)"
    assert "pay in another way" in no.do_this
    payment = account.authorise()
    account.sandbox.cancel(payment)
    assert "was cancelled" in refused(account.write(capture(payment))).what


@pytest.mark.parametrize(("word", "said"), [("PENDING", "still checking"), ("REJECTED", "check for fraud")])
def test_what_klarna_has_not_accepted_is_not_captured(account: Account, word: str, said: str) -> None:
    payment = account.authorise()
    account.sandbox.assess(payment, word)
    assert said in refused(account.write(capture(payment))).what
    account.sandbox.assess(payment, "ACCEPTED")
    assert isinstance(account.write(capture(payment)), Done)


def test_what_somebody_captured_by_hand_is_taken_for_ours_only_where_that_is_sure(account: Account) -> None:
    whole = account.authorise(45_100)
    by_hand = account.sandbox.capture(whole, 45_100)
    assert account.write(capture(whole)).external_id == by_hand
    part = account.authorise(100_000)
    account.sandbox.capture(part, 45_100)
    no = refused(account.write(capture(part)))
    assert "Somebody else has captured 451 SEK" in no.what
    assert isinstance(account.write(capture(part, "200", "2")), Done)  # another shipment is not held up by it
    twice = account.authorise(90_200)
    account.sandbox.capture(twice, 45_100)
    account.sandbox.capture(twice, 45_100)
    refused(account.write(capture(twice)))
    assert len(account.order(twice)["captures"]) == 2


def test_a_capture_that_was_made_with_another_amount_is_a_persons_business(account: Account) -> None:
    payment = account.authorise()
    account.write(capture(payment, "451.00"))
    assert "451 SEK was captured already, now it should be 400" in refused(account.write(capture(payment, "400"))).what


def test_an_unknown_order_and_another_currency_are_refused(account: Account) -> None:
    assert "no order" in refused(account.write(capture(str(uuid.uuid4())))).what
    payment = account.authorise(currency="EUR")
    assert "is in EUR, not in SEK" in refused(account.write(capture(payment))).what


def test_a_line_whose_vat_klarna_would_refuse_goes_without(account: Account) -> None:
    line = MoneyLine(
        line_id="1", name="Kopp", quantity=Decimal(1), gross=Decimal(100), tax=Decimal("19.95"), tax_percent=Decimal(25)
    )
    assert isinstance(account.write(capture(account.authorise(), "100", lines=(line,))), Done)
    (sent,) = account.posts()
    assert "total_tax_amount" not in sent["order_lines"][0] and "tax_rate" not in sent["order_lines"][0]


def test_an_answer_without_the_id_is_looked_up(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = account.authorise()
    act = account.connector.client.act

    def silent(*given: Any) -> Answer:
        answer = act(*given)
        return Answer(answer.status, {}, answer.body, answer.where)

    monkeypatch.setattr(account.connector.client, "act", silent)
    done = account.write(capture(payment))
    assert done.external_id == account.order(payment)["captures"][0]["capture_id"]


def test_one_refused_capture_does_not_stop_its_neighbours(account: Account) -> None:
    good, bad = account.authorise(), account.authorise(100)
    results = account.connector.write("capture", [want(capture(p)) for p in (bad, good)])
    assert [type(result) for result in results] == [Rejected, Done]


# ---------------------------------------------------------------------------------------------------- refunds


def test_a_return_is_refunded_once_with_its_reason(account: Account) -> None:
    payment = account.authorise()
    account.write(specimens.capture(1, payment))
    record = specimens.refund(1, payment)
    done = account.write(record)
    account.at[0] += timedelta(hours=25)
    assert account.write(record, doubt=True).external_id == done.external_id
    (made,) = account.order(payment)["refunds"]
    assert (made["refund_id"], made["refunded_amount"], made["description"]) == (done.external_id, 13333, "Ångrat köp")
    assert made["reference"] == "provbutik/100001#R1"


def test_a_capture_and_a_refund_of_the_same_number_are_two_things(account: Account) -> None:
    payment = account.authorise()
    taken = account.write(capture(payment, "300", "1"))
    back = account.write(refund(payment, "300", "1"))
    assert isinstance(taken, Done) and isinstance(back, Done)
    assert account.order(payment)["refunded_amount"] == 30_000


def test_no_more_goes_back_than_was_taken(account: Account) -> None:
    payment = account.authorise()
    account.write(capture(payment, "300"))
    said = "400 SEK shall be refunded, only 300 SEK is captured and not refunded yet"
    assert refused(account.write(refund(payment, "400"))).what == said
    by_hand = account.sandbox.refund(payment, 30_000)
    assert account.write(refund(payment, "300")).external_id == by_hand  # it went back already
    assert "only 0 SEK" in refused(account.write(refund(payment, "299"))).what


# ---------------------------------------------------------------------------------------------------- voids


def test_an_order_that_is_not_sent_is_cancelled_and_again_is_nothing_new(account: Account) -> None:
    payment = account.authorise()
    for _ in range(2):
        assert account.write(void(payment)) == Done()
    assert account.order(payment)["status"] == "CANCELLED"
    account.at[0] += timedelta(hours=25)
    assert account.write(void(payment)) == Done()


def test_the_rest_is_released_after_the_last_capture(account: Account) -> None:
    payment = account.authorise()
    account.write(capture(payment, "600"))
    for _ in range(2):
        assert account.write(void(payment, whole=False)) == Done()
    found = account.order(payment)
    assert (found["remaining_authorized_amount"], found["status"]) == (0, "CAPTURED")


def test_what_has_expired_needs_no_cancelling(account: Account) -> None:
    payment = account.authorise()
    account.sandbox.expire(payment)
    assert account.write(void(payment)) == Done()


def test_what_was_captured_cannot_be_cancelled_and_nothing_captured_has_no_rest(account: Account) -> None:
    payment = account.authorise()
    account.sandbox.capture(payment, 10_000)
    assert "100 SEK is captured" in refused(account.write(void(payment))).what
    account.sandbox.capture(payment, 90_000)
    assert "1000 SEK is captured" in refused(account.write(void(payment))).what
    assert "no rest" in refused(account.write(void(account.authorise(), whole=False))).what


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "code", "type_"),
    [
        (403, "CAPTURE_NOT_ALLOWED", Rejected),
        (403, "NOT_ALLOWED", Rejected),
        (403, "ACCESS_DENIED", Forbidden),
        (404, "NO_SUCH_CAPTURE", Rejected),
        (400, "BAD_VALUE", Rejected),
        (409, "CONFLICT", RemoteFault),
    ],
)
def test_error_codes_say_what_happens_next(status: int, code: str, type_: type[SamklangError]) -> None:
    body = {"error_code": code, "error_messages": ["Nej"], "correlation_id": "c-1"}
    error = _error(Answer(status, {}, msgspec.json.encode(body), "POST /x"))
    assert type(error) is type_
    assert error.what == "Klarna: Nej" and "c-1" in error.remote


def test_a_broken_answer_is_tried_again_and_never_taken_for_a_no(account: Account) -> None:
    payment = account.authorise()
    account.faulty.faults = [Fault("500", method="POST")]
    assert isinstance(account.write(capture(payment)), RemoteFault)
    account.faulty.faults = []
    assert isinstance(account.write(capture(payment), doubt=True), Done)
