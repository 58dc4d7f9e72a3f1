"""The Nets Easy connector against the sandbox; every request and every answer is checked against Nexi's documents."""

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
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from samklang.connectors.checks import specimens
from samklang.connectors.checks.stand import MemoryTokens
from samklang.connectors.contract import Done, Exchange, Gone, Hint, Item, Surroundings, Want
from samklang.connectors.errors import (
    BadAnswer,
    BadData,
    LoginRefused,
    Misconfigured,
    Rejected,
    RemoteFault,
    SamklangError,
)
from samklang.connectors.nets_easy import NetsEasy
from samklang.connectors.nets_easy.client import _error
from samklang.connectors.transport import Answer
from samklang.records import Capture, Refund, Void
from samklang.sandboxes.base import Fault, Faulty, serve
from samklang.sandboxes.nets_easy import SECRET_KEY, NetsSandbox
from tests.contract import nets_easy_document, openapi
from tests.contract.openapi import Checked

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
TOKEN = "enhemlighet24"


class Account:
    """A sandbox on the network with a connector to it."""

    def __init__(self, base: str, sandbox: NetsSandbox, faulty: Faulty, at: list[datetime]) -> None:
        self.sandbox, self.faulty, self.at, self.base = sandbox, faulty, at, base
        self.exchanges: list[Exchange] = []
        self.connector = self.connect()

    def connect(self, **more: object) -> NetsEasy:
        around = Surroundings(
            capture=self.exchanges.append, tokens=MemoryTokens(), now=lambda: self.at[0].timestamp(),
            allow_private=lambda _: True, sleep=lambda _: None,
        )  # fmt: skip
        settings = {
            "secret_key": SECRET_KEY, "order_channel": "butik", "webhook_token": TOKEN, "api_address": self.base,
            "connection": "nexi",
        }  # fmt: skip
        return NetsEasy({**settings, **more}, around)

    def write(self, record: Capture | Refund | Void, **more: Any) -> Any:
        (result,) = self.connector.write(record.type, [want(record, **more)])
        return result

    def payment(self, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sandbox.snapshot()[id_]
        return found

    def posts(self) -> list[tuple[str, dict[str, Any]]]:
        """What was asked for: end of the address, body."""
        return [
            (seen.url.removeprefix(self.base), json.loads(seen.sent))
            for seen in self.exchanges
            if seen.method == "POST"
        ]


def want(record: Capture | Refund | Void, **more: Any) -> Want:
    return Want(key=record.key, record=record, reference=record.key, **more)


def capture(payment: str, amount: str = "451.00", number: str = "1", **more: Any) -> Capture:
    lines = msgspec.structs.replace(specimens.capture(1, payment).lines[0], gross=Decimal(amount), tax=Decimal(0))
    return Capture(
        order="butik/1001", number=number, amount=Decimal(amount), currency="SEK", payment_id=payment, lines=(lines,),
        **more,
    )  # fmt: skip


def refund(payment: str, amount: str, number: str = "R1", of: str = "butik/1001#1") -> Refund:
    lines = capture(payment, amount).lines
    return Refund(
        order="butik/1001", number=number, amount=Decimal(amount), currency="SEK", payment_id=payment, lines=lines,
        capture=of,
    )  # fmt: skip


def void(payment: str, *, whole: bool = True) -> Void:
    return Void(order="butik/1001", amount=Decimal("1000"), currency="SEK", payment_id=payment, whole=whole)


@pytest.fixture
def account() -> Iterator[Account]:
    at = [NOON]
    sandbox = NetsSandbox(lambda: at[0])
    checked = Checked(sandbox.app, nets_easy_document.load())
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


def test_the_bare_key_is_the_login(account: Account) -> None:
    assert account.connector.check().title == "Nexi Checkout"
    assert account.connect(test=True).check().warnings
    with pytest.raises(LoginRefused):
        account.connect(secret_key="test-checkout-key").check()


@pytest.mark.parametrize(("test", "host"), [(False, "api.dibspayment.eu"), (True, "test.api.dibspayment.eu")])
def test_test_and_live_have_their_addresses(account: Account, test: bool, host: str) -> None:
    connector = account.connect(api_address="", test=test)
    assert connector.transport.base == f"https://{host}"
    connector.close()


# ---------------------------------------------------------------------------------------------------- charges


def test_a_shipment_is_charged_with_net_prices_and_our_mark(account: Account) -> None:
    """J-13: delivered → charge, to the öre, gift card and rounding included."""
    payment = account.sandbox.reserve(100_000, reference="1001")
    record = msgspec.structs.replace(specimens.capture(1, payment), final=True)
    done = account.write(record)
    (made,) = account.payment(payment)["charges"]
    assert (made["chargeId"], made["amount"]) == (done.external_id, 45100)
    ((path, sent),) = account.posts()
    assert path == f"/v1/payments/{payment}/charges"
    assert (sent["finalCharge"], sent["shipping"]) == (True, {"trackingNumber": "SE1PN", "provider": "postnord"})
    first, coffee, *_, card, rounding = sent["orderItems"]
    assert first["name"].startswith("Provkopp åäö ref ") and len(first["name"].rpartition(" ")[2]) == 8
    assert (first["unitPrice"], first["netTotalAmount"], first["taxAmount"], first["taxRate"]) == (
        10667,
        32000,
        8000,
        2500,
    )
    assert (coffee["quantity"], coffee["unitPrice"], coffee["grossTotalAmount"]) == (0.5, 18212, 10199)
    assert (card["name"], card["grossTotalAmount"], rounding["grossTotalAmount"]) == ("Presentkort", -10000, 1)


def test_the_same_charge_twice_takes_the_money_once(account: Account) -> None:
    """J-13: double event → one charge, whether its id is known, forgotten, or its key has run out."""
    payment = account.sandbox.reserve(100_000)
    record = specimens.capture(1, payment)
    first = account.write(record)
    assert account.write(record, external_id=first.external_id) == first
    assert account.write(record).external_id == first.external_id
    account.at[0] += timedelta(hours=25)
    assert account.write(record, doubt=True).external_id == first.external_id
    assert len(account.payment(payment)["charges"]) == 1


def test_a_lost_answer_is_replayed_by_its_key(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    account.faulty.faults = [Fault("lost", times=2, method="POST")]
    done = account.write(specimens.capture(1, payment))
    assert [one["chargeId"] for one in account.payment(payment)["charges"]] == [done.external_id]
    assert sum(call.method == "POST" for call in account.faulty.calls) == 3


def test_two_workers_with_the_same_charge_take_the_money_once(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    account.faulty.faults = [Fault("slow", seconds=0.2, method="POST")]
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: account.write(specimens.capture(1, payment)), range(2))
    assert one == two and len(account.payment(payment)["charges"]) == 1


def test_twin_shipments_are_told_apart_after_a_lost_answer(account: Account) -> None:
    """The same goods at the same price, sent in two parcels, are two charges."""
    payment = account.sandbox.reserve(100_000)
    one = account.write(capture(payment, "200", "1"))
    account.faulty.faults = [Fault("lost", method="POST")]
    assert isinstance(account.write(capture(payment, "200", "2")), RemoteFault)
    account.faulty.faults = []
    account.at[0] += timedelta(hours=25)
    two = account.write(capture(payment, "200", "2"), doubt=True)
    assert account.write(capture(payment, "200", "1"), doubt=True) == one
    assert [made["chargeId"] for made in account.payment(payment)["charges"]] == [one.external_id, two.external_id]


def test_parts_are_charged_until_nothing_is_left(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    assert isinstance(account.write(capture(payment, "600", "1")), Done)
    no = refused(account.write(capture(payment, "500", "2")))
    assert no.what == "500 SEK shall be charged, only 400 SEK is reserved and left"
    assert isinstance(account.write(capture(payment, "400", "3")), Done)
    assert refused(account.write(capture(payment, "100", "4"))).what == "The payment is charged already"


def test_expired_cancelled_unpaid_and_undividable_payments_are_told_in_plain_words(account: Account) -> None:
    """J-13: goods may not be sent silently unpaid."""
    expired, cancelled = account.sandbox.reserve(100_000), account.sandbox.reserve(100_000)
    account.sandbox.expire(expired)
    account.sandbox.cancel(cancelled)
    unpaid = account.sandbox.reserve(100_000, paid=False)
    whole = account.sandbox.reserve(100_000, parts=False)
    said = [refused(account.write(capture(payment))).what for payment in (expired, cancelled, unpaid, whole)]
    assert said == [
        "The reservation has expired", "The payment is cancelled", "Nothing is reserved at this payment",
        "This payment method cannot be charged in parts",
    ]  # fmt: skip
    assert isinstance(account.write(capture(whole, "1000")), Done)


def test_what_somebody_charged_by_hand_is_taken_for_ours_only_where_that_is_sure(account: Account) -> None:
    whole = account.sandbox.reserve(45_100)
    by_hand = account.sandbox.charge(whole, 45_100)
    assert account.write(capture(whole)).external_id == by_hand
    part = account.sandbox.reserve(100_000)
    account.sandbox.charge(part, 45_100)
    assert "Somebody else has captured 451 SEK" in refused(account.write(capture(part))).what
    assert len(account.payment(part)["charges"]) == 1


def test_an_unknown_payment_and_another_currency_are_refused(account: Account) -> None:
    assert "no payment" in refused(account.write(capture(uuid.uuid4().hex))).what
    payment = account.sandbox.reserve(100_000, currency="NOK")
    assert "is in NOK, not in SEK" in refused(account.write(capture(payment))).what


def test_long_names_leave_room_for_the_mark(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    line = msgspec.structs.replace(capture(payment).lines[0], name="K" * 300, sku="S" * 300)
    record = msgspec.structs.replace(capture(payment), lines=(line,))
    first = account.write(record)
    assert account.write(record, doubt=True) == first
    assert len(account.payment(payment)["charges"][0]["orderItems"][0]["name"]) == 128


# ---------------------------------------------------------------------------------------------------- refunds


def test_a_return_is_refunded_once_of_the_charge_that_took_it(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    taken = account.write(capture(payment, "600", "1"))
    account.write(capture(payment, "400", "2"))
    ids = {("capture", "butik/1001#1"): taken.external_id}
    done = account.write(refund(payment, "500"), ids=ids)
    account.at[0] += timedelta(hours=25)
    assert account.write(refund(payment, "500"), ids=ids, doubt=True) == done
    (made,) = account.payment(payment)["refunds"]
    assert (made["refundId"], made["amount"]) == (done.external_id, 50_000)
    assert account.posts()[-1][0] == f"/v1/charges/{taken.external_id}/refunds"


def test_what_one_charge_cannot_give_back_the_payment_does(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    taken = account.write(capture(payment, "600", "1"))
    account.write(capture(payment, "400", "2"))
    ids = {("capture", "butik/1001#1"): taken.external_id}
    assert isinstance(account.write(refund(payment, "500", "R1"), ids=ids), Done)
    assert isinstance(account.write(refund(payment, "200", "R2"), ids=ids), Done)  # only 100 is left of the first
    assert isinstance(account.write(refund(payment, "300", "R3", of="")), Done)
    assert account.payment(payment)["summary"]["refundedAmount"] == 100_000
    said = "1 SEK shall be refunded, only 0 SEK is charged and not refunded yet"
    assert refused(account.write(refund(payment, "1", "R4"), ids=ids)).what == said


def test_a_refund_that_failed_is_asked_for_anew_and_one_that_waits_is_not(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    taken = account.write(capture(payment, "600", "1"))
    ids = {("capture", "butik/1001#1"): taken.external_id}
    account.sandbox.balance = False
    first = account.write(refund(payment, "500"), ids=ids)
    assert account.payment(payment)["refunds"][0]["state"] == "Pending"
    assert account.write(refund(payment, "500"), ids=ids, doubt=True) == first
    account.sandbox.settle(payment, first.external_id, "Failed")
    account.sandbox.balance = True
    again = account.write(refund(payment, "500"), ids=ids, doubt=True)
    assert again.external_id != first.external_id
    assert [one["state"] for one in account.payment(payment)["refunds"]] == ["Failed", "Completed"]


# ---------------------------------------------------------------------------------------------------- voids


def test_an_order_that_is_not_sent_is_cancelled_and_again_is_nothing_new(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    account.faulty.faults = [Fault("lost", times=1, method="POST")]
    for _ in range(3):
        assert account.write(void(payment)) == Done()
    assert account.payment(payment)["summary"]["cancelledAmount"] == 100_000
    assert account.write(void(account.sandbox.reserve(100, paid=False))) == Done()  # nothing is held


def test_the_rest_after_a_charge_is_a_persons_task(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    account.write(capture(payment, "600"))
    done = account.write(void(payment, whole=False))
    assert isinstance(done, Done) and f"400 SEK of {payment}" in done.by_hand
    account.write(capture(payment, "400", "2"))
    assert account.write(void(payment, whole=False)) == Done()


def test_what_was_charged_cannot_be_cancelled(account: Account) -> None:
    payment = account.sandbox.reserve(100_000)
    account.sandbox.charge(payment, 10_000)
    assert "100 SEK is charged" in refused(account.write(void(payment))).what


# ---------------------------------------------------------------------------------------------------- webhooks


def fetched(account: Account, *ids: str) -> list[Any]:
    return [item for page in account.connector.fetch("payments", ids) for item in page.items]


def test_a_payment_tells_what_it_has_come_to(account: Account) -> None:
    def state() -> str:
        (item,) = fetched(account, payment)
        assert isinstance(item, Item) and item.record.order == "butik/1001"
        return item.record.payment  # type: ignore[attr-defined,no-any-return]

    payment = account.sandbox.reserve(100_000, reference="1001")
    seen = [state()]
    for step in (
        lambda: account.sandbox.charge(payment, 60_000), lambda: account.sandbox.charge(payment, 40_000),
        lambda: account.sandbox.refund(payment, 10_000), lambda: account.sandbox.refund(payment, 90_000),
    ):  # fmt: skip
        step()
        seen.append(state())
    assert seen == ["authorised", "partly_captured", "captured", "partly_refunded", "refunded"]
    payment = account.sandbox.reserve(100_000, reference="1001", paid=False)
    assert state() == "pending"
    payment = account.sandbox.reserve(100_000, reference="1001")
    account.sandbox.cancel(payment)
    assert state() == "voided"
    nameless, unknown = account.sandbox.reserve(1), "0" * 32
    assert fetched(account, nameless, unknown) == [Gone(type="order_status", external_id=unknown)]


def test_webhooks_become_hints_if_their_address_bears_the_token(account: Account) -> None:
    payment = account.sandbox.reserve(100_000, reference="1001")
    account.sandbox.charge(payment, 100_000)
    assert len(account.sandbox.events) == 3
    for event in account.sandbox.events:
        body = msgspec.json.encode(event)
        assert account.connector.hints({"x-hook-token": TOKEN}, body, "") == [Hint("payments", payment)]
        for wrong in ({}, {"x-hook-token": "annan"}):
            with pytest.raises(Rejected):
                account.connector.hints(wrong, body, "")
    with pytest.raises(BadData):
        account.connector.hints({"x-hook-token": TOKEN}, b"[]", "")
    with pytest.raises(Rejected):
        account.connect(webhook_token="").hints({"x-hook-token": ""}, b"{}", "")
    quiet = account.connect(order_channel="")  # nobody knows whose order numbers they are
    assert quiet.hints({"x-hook-token": TOKEN}, msgspec.json.encode(account.sandbox.events[0]), "") == []


def test_the_vendors_own_examples_of_webhooks_are_understood(account: Account) -> None:
    folder = openapi.SPECS / "nets-easy" / "webhook-examples"
    files = sorted(folder.glob("*.json"))
    assert len(files) > 10
    for file in files:
        body = file.read_bytes()
        (hint,) = account.connector.hints({"x-hook-token": TOKEN}, body, "")
        assert hint == Hint("payments", json.loads(body)["data"]["paymentId"]), file.name


def test_a_webhook_is_sent_to_the_address_that_the_payment_was_made_with(account: Account) -> None:
    came: list[tuple[str, str, Any]] = []

    async def take(request: Request) -> Response:
        came.append((request.query_params["token"], request.headers["authorization"], await request.json()))
        return Response()

    with serve(Starlette(routes=[Route("/hooks/main/nexi", take, methods=["POST"])])) as hub:
        asked = {
            "eventName": "payment.created",
            "url": f"{hub}/hooks/main/nexi?token={TOKEN}",
            "authorization": "abc12345",
        }
        account.sandbox.reserve(100, hooks=[asked])
        account.sandbox._sender.shutdown(wait=True)
    assert came == [(TOKEN, "abc12345", account.sandbox.events[0])]


def test_who_connects_is_told_what_the_shop_must_do(account: Account) -> None:
    with pytest.raises(Misconfigured, match="only where the shop"):
        account.connect(webhook_token="").register_hooks("https://hub.example/hooks/main/nexi", "s")
    account.connector.register_hooks("https://hub.example/hooks/main/nexi", "s")


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("status", "body", "type_"),
    [
        (402, {"code": "1020", "message": "Declined", "source": "Internal"}, Rejected),
        (500, {"code": "1010", "message": "Reservation expired"}, Rejected),
        (500, {"code": "1000", "message": "Unknown"}, RemoteFault),
        (400, {"errors": {"amount": ["must be above 0"]}}, Rejected),
        (405, "", Rejected),
        (404, "", Rejected),
        (500, "<html>", RemoteFault),
        (402, "<html>", BadAnswer),
    ],
)
def test_a_code_is_a_no_whatever_its_status(status: int, body: object, type_: type[SamklangError]) -> None:
    raw = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    error = _error(Answer(status, {}, raw, "POST /x"))
    assert type(error) is type_
    if isinstance(body, dict) and "errors" in body:
        assert "amount: must be above 0" in error.what


def test_one_refused_charge_does_not_stop_its_neighbours(account: Account) -> None:
    good, bad = account.sandbox.reserve(100_000), account.sandbox.reserve(100)
    results = account.connector.write("capture", [want(capture(p)) for p in (bad, good)])
    assert [type(result) for result in results] == [Rejected, Done]
