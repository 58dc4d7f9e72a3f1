"""Companies of other EU countries that buy without VAT: who asks VIES, and what happens when nobody can say (§7.43)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from samklang.records import Customer
from tests.accounting.shop import line, order, paid
from tests.reconciliation.conftest import Desk
from tests.visitor import visitor

BUYER = Customer(name="Oy", kind="company", vat_no="FI 1234.5678")


class Register:
    """VIES as its own interface answers: `says` by number, else an error of a country that is away."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.says: dict[str, dict[str, Any]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.asked.append({"path": self.path, **asked})
                away = {"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}
                body = json.dumps(outer.says.get(asked["vatNumber"], away)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/vies/rest-api"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def knows(self, number: str, valid: bool, **more: Any) -> None:
        self.says[number] = {
            "countryCode": "FI", "vatNumber": number, "requestDate": "2026-03-02T08:00:00Z", "valid": valid,
            "requestIdentifier": "WAPIAAAAW1" if valid else "", "name": "---", "address": "---", **more,
        }  # fmt: skip

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def register(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    from django.conf import settings

    made = Register()
    monkeypatch.setattr(settings, "VIES", made.address)
    yield made
    made.close()


@pytest.fixture
def asking(desk: Desk) -> Desk:
    """A Finnish company has bought without VAT; nobody has asked about its number yet."""
    desk.flow()
    desk.company = desk.settings(vat_no="SE556334368901")
    desk.sells(bought("1"))
    return desk


def bought(number: str, customer: Customer = BUYER) -> Any:
    return order(
        number, [line("100", "0")], paid("invoice", "100", "2026-03-02"), country="FI", customer=customer
    )  # fmt: skip


def vat_problems(desk: Desk) -> list[str]:
    return desk.problems().get("VAT_DIFF", [])


def test_a_valid_number_is_kept_with_its_order_and_the_sale_is_booked(asking: Desk, register: Register) -> None:
    from django.utils import timezone

    from samklang.reconciliation.models import VatNumber
    from samklang.reconciliation.reports import control_sheets
    from samklang.reconciliation.work import keep_up

    register.knows("12345678", valid=True)
    keep_up(asking.company)
    assert vat_problems(asking) == ["web/1"], "nothing is booked before somebody has said"
    assert register.asked == [
        {
            "path": "/vies/rest-api/check-vat-number", "countryCode": "FI", "vatNumber": "12345678",
            "requesterMemberStateCode": "SE", "requesterNumber": "556334368901",
        }
    ]  # fmt: skip
    keep_up(asking.company)
    assert vat_problems(asking) == []
    (voucher,) = asking.records()
    assert {part.account for part in voucher.lines} == {"1510", "3108"}
    kept = VatNumber.objects.get()
    assert (kept.order, kept.valid, kept.request_id) == ("web/1", True, "WAPIAAAAW1")
    today = timezone.localdate()
    (sheet,) = [s for s in control_sheets(asking.company, today - timedelta(1), today) if "WAPIAAAAW1" in str(s.rows)]
    assert sheet.rows[0][:3] == ("web/1", "FI 1234.5678", "yes")
    register.knows("12345678", valid=False)
    keep_up(asking.company)
    assert len(register.asked) == 1, "the answer stays with the order"


def test_while_nobody_can_say_the_order_waits_and_is_asked_about_later(asking: Desk, register: Register) -> None:
    from samklang.reconciliation.models import VatNumber
    from samklang.reconciliation.work import keep_up

    keep_up(asking.company)
    keep_up(asking.company)
    assert len(register.asked) == 1, "not at every round"
    kept = VatNumber.objects.get()
    assert (kept.valid, kept.tries) == (None, 1)
    assert "MS_UNAVAILABLE" in kept.error
    assert (vat_problems(asking), asking.records()) == (["web/1"], [])
    page = visitor(asking.tenant, "accountant").get(f"/t/ovning/books/{asking.company.pk}/matching").content.decode()
    assert "VIES could not say whether FI 1234.5678 is valid" in page and 'value="vat valid"' in page
    register.close()
    register.close = lambda: None  # type: ignore[method-assign]  # it is closed already
    VatNumber.objects.update(next_at=None)
    keep_up(asking.company)
    kept = VatNumber.objects.get()
    assert (kept.valid, kept.tries, vat_problems(asking)) == (None, 2, ["web/1"]), "not even the register is there"


def test_a_number_that_vies_does_not_know_is_said_and_a_corrected_one_asked_anew(
    asking: Desk, register: Register
) -> None:
    from samklang.hub.models import ProblemItem
    from samklang.reconciliation.work import keep_up

    register.knows("12345678", valid=False)
    register.knows("99999999", valid=True)
    for _round in range(2):
        keep_up(asking.company)
    assert "VIES does not know FI 1234.5678" in ProblemItem.objects.get(where="web/1").message
    asking.sells(bought("1", Customer(name="Oy", kind="company", vat_no="FI99999999")))
    asking.run()
    for _round in range(2):
        keep_up(asking.company)
    assert vat_problems(asking) == []
    assert [one["vatNumber"] for one in register.asked] == ["12345678", "99999999"]


def test_a_person_may_say_it_with_a_reason_and_what_can_be_no_number_is_not_asked(
    asking: Desk, register: Register
) -> None:
    from samklang.connectors.errors import BadData
    from samklang.reconciliation.decisions import decide
    from samklang.reconciliation.models import VatNumber
    from samklang.reconciliation.work import keep_up

    asking.sells(bought("2", Customer(name="Oy", kind="company", vat_no="not known")))
    keep_up(asking.company)
    assert len(register.asked) == 1
    assert VatNumber.objects.get(order="web/2").valid is False
    with pytest.raises(BadData, match="reason"):
        decide(asking.company, "vat valid", "web/1", by="anna", why=" ")
    decide(asking.company, "vat valid", "web/1", by="anna", why="extract of the register of 2 March")
    asking.run()
    assert vat_problems(asking) == ["web/2"]


def test_nobody_is_asked_where_the_operator_says_so(asking: Desk) -> None:
    from samklang.reconciliation.models import VatNumber
    from samklang.reconciliation.work import keep_up

    keep_up(asking.company)
    assert (VatNumber.objects.get().tries, vat_problems(asking)) == (0, ["web/1"])
