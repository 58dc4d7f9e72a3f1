"""PayPal's Transaction Search API v1 as a sandbox: an account whose balance moves, its transactions, its login.

A buyer's payment is `pay`; `refund`, `withdraw`, `hold` and `release` are what happens to it, `clear` ends a payment
that waited (an eCheck). Amounts are decimal texts in major units. Fees are 2.9 % and 3.25 of each payment: figures of
no merchant's contract. `most` is how many transactions a search may find.
"""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from samklang.sandboxes.payments import Body, Provider, Refused, Reply, utc_now

CLIENT, SECRET = "sandbox-client", "sandbox-secret"  # of a stand-in, the same everywhere
_TOKEN = "/v1/oauth2/token"  # noqa: S105  # an address
_LONGEST = timedelta(days=31)
_CENT = Decimal("0.01")


class Moved(msgspec.Struct, kw_only=True):
    """A transaction; it moves the balance at `counts`, which is unknown while it waits."""

    id: str
    event: str
    amount: Decimal
    fee: Decimal
    currency: str
    began: datetime
    changed: datetime
    counts: datetime | None
    status: str = "S"
    invoice: str = ""
    parent: str = ""


class PayPalSandbox(Provider):
    """A merchant's account."""

    actions = ("pay", "refund", "withdraw", "hold", "release", "clear")

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self.moved: dict[str, Moved] = {}
        self.tokens: set[str] = set()
        self.most = 10_000
        self.until: datetime | None = None  # the last instant that can be told of; None = now
        self._numbers = itertools.count(1)
        super().__init__(now)

    # ------------------------------------------------------------------------------------------------ by hand

    def pay(self, amount: str, invoice: str = "", currency: str = "SEK", *, waits: bool = False) -> str:
        """A buyer pays; the transaction's id, which shops keep."""
        fee = -(Decimal(amount) * Decimal("0.029") + Decimal("3.25")).quantize(_CENT)
        return self._move("T0006", Decimal(amount), currency, fee=fee, invoice=invoice, waits=waits)

    def clear(self, id_: str) -> None:
        """A payment that waited is done now."""
        one = self.moved[id_]
        one.status, one.changed, one.counts = "S", self.now(), self.now()

    def refund(self, id_: str, amount: str) -> str:
        """Money goes back to the buyer; the payment counts as reversed when nothing of it is left."""
        one = self.moved[id_]
        back = Decimal(amount) + sum(-row.amount for row in self.moved.values() if row.parent == id_)
        if back == one.amount:
            one.status, one.changed = "V", self.now()
        return self._move("T1107", -Decimal(amount), one.currency, invoice=one.invoice, parent=id_)

    def withdraw(self, amount: str, currency: str = "SEK") -> str:
        """Money goes to the merchant's bank."""
        return self._move("T0403", -Decimal(amount), currency)

    def hold(self, id_: str) -> str:
        """A payment is withheld."""
        return self._move("T2101", -self.moved[id_].amount, self.moved[id_].currency, parent=id_)

    def release(self, id_: str) -> str:
        """It is free again."""
        return self._move("T2102", self.moved[id_].amount, self.moved[id_].currency, parent=id_)

    def snapshot(self) -> Mapping[str, Any]:
        return {id_: _shown(one) for id_, one in self.moved.items()}

    def _move(
        self,
        event: str,
        amount: Decimal,
        currency: str,
        *,
        fee: Decimal = Decimal(0),
        invoice: str = "",
        parent: str = "",
        waits: bool = False,
    ) -> str:
        now = self.now()
        one = Moved(
            id=f"{next(self._numbers):017}", event=event, amount=amount, fee=fee, currency=currency, began=now,
            changed=now, counts=None if waits else now, status="P" if waits else "S", invoice=invoice, parent=parent,
        )  # fmt: skip
        self.moved[one.id] = one
        return one.id

    # ------------------------------------------------------------------------------------------------ the API

    def routes(self) -> list[Route]:
        return [
            self.endpoint(_TOKEN, "POST", self._log_in),
            self.endpoint("/v1/reporting/transactions", "GET", self._transactions),
            self.endpoint("/v1/reporting/balances", "GET", self._balances),
        ]

    def login(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if request.url.path == _TOKEN:
            if given != f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}":
                refusal = {"error": "invalid_client", "error_description": "Client Authentication failed"}
                raise Refused(Reply(401, refusal))
        elif given.removeprefix("Bearer ") not in self.tokens:
            raise Refused(Reply(401))

    def decoded(self, raw: bytes) -> Body:
        return dict(parse_qsl(raw.decode()))

    def _log_in(self, _names: Mapping[str, str], body: Body) -> Reply:
        if body != {"grant_type": "client_credentials"}:
            raise Refused(Reply(400, {"error": "unsupported_grant_type"}))
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 32_400})

    def _transactions(self, names: Mapping[str, str], _: Body) -> Reply:
        first, last = (_moment(names.get(name), name) for name in ("start_date", "end_date"))
        if last - first > _LONGEST:
            raise _invalid("end_date", "Date range is greater than 31 days")
        size, number = int(names.get("page_size", 100)), int(names.get("page", 1))
        if not 0 < size <= 500 or number < 1:
            raise _invalid("page_size", "Out of range")
        rows = [one for one in self.moved.values() if first <= one.began <= last and (one.counts or one.status == "P")]
        if len(rows) > self.most:
            raise Refused(Reply(400, {"name": "RESULTSET_TOO_LARGE", "message": "Result set size is too large."}))
        pages = max(1, -(-len(rows) // size))
        shown = {"transaction_details": [_shown(one) for one in rows[(number - 1) * size : number * size]]}
        return Reply(200, {
            **(shown if rows else {}), "account_number": "SANDBOX1", "start_date": _instant(first),
            "end_date": _instant(min(last, self._told())), "last_refreshed_datetime": _instant(self._told()),
            "page": number, "total_items": len(rows), "total_pages": pages,
        })  # fmt: skip

    def _balances(self, names: Mapping[str, str], _: Body) -> Reply:
        at = min(_moment(names["as_of_time"], "as_of_time") if "as_of_time" in names else self.now(), self._told())
        rows = []
        for currency in sorted({one.currency for one in self.moved.values()}):
            moved = [one for one in self._counted(at) if one.currency == currency]
            withheld = -sum((one.amount for one in moved if one.event.startswith("T21")), Decimal(0))
            total = sum((one.amount + one.fee for one in moved), Decimal(0)) + withheld
            rows.append({
                "currency": currency, "primary": currency == "SEK", "total_balance": _money(total, currency),
                "available_balance": _money(total - withheld, currency),
                "withheld_balance": _money(withheld, currency),
            })  # fmt: skip
        told = {"as_of_time": _instant(at), "last_refresh_time": _instant(self._told())}
        return Reply(200, {"balances": rows, "account_id": "2222222222222", **told})

    def _told(self) -> datetime:
        return self.until or self.now()

    def _counted(self, at: datetime) -> Iterator[Moved]:
        return (one for one in self.moved.values() if one.counts and one.counts <= at)


def _shown(one: Moved) -> Body:
    more: Body = {"invoice_id": one.invoice} if one.invoice else {}
    if one.parent:
        more |= {"paypal_reference_id": one.parent, "paypal_reference_id_type": "TXN"}
    if one.fee:
        more["fee_amount"] = _money(one.fee, one.currency)
    return {"transaction_info": {
        "transaction_id": one.id, "transaction_event_code": one.event, "transaction_status": one.status,
        "transaction_initiation_date": _instant(one.began), "transaction_updated_date": _instant(one.changed),
        "transaction_amount": _money(one.amount, one.currency), **more,
    }}  # fmt: skip


def _money(amount: Decimal, currency: str) -> Body:
    return {"currency_code": currency, "value": f"{amount:.2f}"}


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+0000"


def _moment(text: str | None, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text or "").astimezone(UTC)
    except ValueError:
        raise _invalid(name, "Invalid date") from None


def _invalid(field: str, issue: str) -> Refused:
    message = "Request is not well-formed, syntactically incorrect, or violates schema."
    details = [{"field": field, "issue": issue}]
    return Refused(Reply(400, {"name": "INVALID_REQUEST", "message": message, "details": details}))
