"""What one may be allowed to do in a tenant, and which role allows what (X-08)."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Right(StrEnum):
    """One thing that a page or an address of the API asks for."""

    SEE = "see"  # orders, products, stock, customers, problems, transfers
    OPERATE = "operate"  # retry, hold, release, edit
    CONFIGURE = "configure"  # connections, flows, rules, the plan
    BOOKS = "books"  # vouchers and reconciliation
    APPROVE = "approve"  # vouchers
    PEOPLE = "people"  # members, invitations, tokens, the audit


class Role(models.TextChoices):
    """What somebody is in a tenant."""

    OWNER = "owner", _("Owner")
    OPERATOR = "operator", _("Operator")
    ACCOUNTANT = "accountant", _("Accountant")
    CONSULTANT = "consultant", _("Consultant")
    READER = "reader", _("Read-only")


ALLOWS: dict[str, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.OPERATOR: frozenset({Right.SEE, Right.OPERATE}),
    Role.ACCOUNTANT: frozenset({Right.BOOKS, Right.APPROVE}),
    Role.CONSULTANT: frozenset({Right.SEE, Right.OPERATE, Right.CONFIGURE, Right.BOOKS}),
    Role.READER: frozenset({Right.SEE}),
}

#: What a right is for, as the page says it that refuses somebody.
WORDS = {
    Right.SEE: _("see orders, products and problems"),
    Right.OPERATE: _("retry, hold, release and edit"),
    Right.CONFIGURE: _("change connections, flows and rules"),
    Right.BOOKS: _("see vouchers and reconciliation"),
    Right.APPROVE: _("approve vouchers"),
    Right.PEOPLE: _("manage people and their rights"),
}


class May:
    """A member's rights, for templates and code: `may.operate`, `may(Right.OPERATE)`."""

    do_not_call_in_templates = True  # else `may.operate` would first be asked for `may()`

    def __init__(self, rights: frozenset[Right]) -> None:
        self.rights = rights

    def __call__(self, right: Right) -> bool:
        return right in self.rights

    def __getattr__(self, name: str) -> bool:
        try:
            return Right(name) in self.rights
        except ValueError:
            raise AttributeError(name) from None
