"""The one entry: bytes in, statements out. The format is recognised by content, never by the file's name."""

from __future__ import annotations

from samklang.accounting.bank import bgmax, camt
from samklang.accounting.bank.base import BankStatement
from samklang.accounting.statements import (
    adyen,
    klarna,
    nets,
    ozon,
    paypal,
    paypal_reports,
    shopify,
    stripe,
    swish,
    wildberries,
    yandex,
)
from samklang.accounting.statements.base import Profile, Statement, Unreadable
from samklang.accounting.statements.content import Content, Format

#: In the order of asking: what is told apart by a name of its own comes before what only looks alike.
FORMATS: tuple[Format, ...] = (
    *camt.FORMATS,
    *bgmax.FORMATS,
    *swish.FORMATS,
    *paypal_reports.FORMATS,
    *klarna.FORMATS,
    *nets.FORMATS,
    *stripe.FORMATS,
    *adyen.FORMATS,
    *shopify.FORMATS,
    *paypal.FORMATS,
    *wildberries.FORMATS,
    *ozon.FORMATS,
    *yandex.FORMATS,
)


def read_statement(
    data: bytes, filename: str = "", profile: Profile | None = None
) -> tuple[Statement | BankStatement, ...]:
    """The statements in a file: one per payout, account or report and currency; none for a file without rows.

    All or nothing: Unreadable (a Refused with a code of RECONCILIATION §9) when the format is not known, when anything
    in the file is unclear, or when its rows do not prove its totals.
    """
    content = Content(data, filename, profile or Profile())
    for form in FORMATS:
        if form.matches(content):
            return tuple(form.read(content))
    known = "; ".join(f"{form.name} ({form.about})" for form in FORMATS)
    raise Unreadable(
        f"The format is not known. Known are: {known}.", do_this="Export the file in one of these formats."
    )
