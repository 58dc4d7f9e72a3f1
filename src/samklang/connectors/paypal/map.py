"""What is understood of PayPal's answers here. What transactions mean is the statement reader's business."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Money(msgspec.Struct):
    """An amount in major units."""

    currency_code: str
    value: Decimal


class Info(msgspec.Struct):
    """A transaction: what it moved, and when it was last changed."""

    transaction_id: str
    transaction_status: str
    transaction_amount: Money
    fee_amount: Money | None = None
    transaction_updated_date: str | None = ""


class Detail(msgspec.Struct):
    """A row of the search."""

    transaction_info: Info


class Search(msgspec.Struct):
    """A page of the search. `end_date` is the last instant that PayPal can tell of, or what was asked for."""

    total_items: int
    transaction_details: list[Detail] | None = None
    account_number: str | None = ""
    end_date: str | None = ""


class Balance(msgspec.Struct):
    """What the account holds in one currency."""

    currency: str
    total_balance: Money
    withheld_balance: Money | None = None

    @property
    def free(self) -> Decimal:
        """What can be paid out."""
        return self.total_balance.value - (self.withheld_balance.value if self.withheld_balance else 0)


class Balances(msgspec.Struct):
    """What the account holds at an instant."""

    balances: list[Balance] | None = None
    as_of_time: str | None = ""


class Issue(msgspec.Struct):
    """One thing that is wrong with a request."""

    issue: str = ""
    description: str = ""


class Refusal(msgspec.Struct):
    """The body of an error."""

    name: str = ""
    message: str = ""
    details: list[Issue] | None = None
