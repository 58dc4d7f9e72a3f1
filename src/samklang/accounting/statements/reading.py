"""The one entry: bytes in, statements out. The format is recognised by content, never by the file's name."""

from __future__ import annotations

from samklang.accounting.bank.base import BankStatement
from samklang.accounting.bank.bgmax import FORMATS as BGMAX
from samklang.accounting.bank.camt import FORMATS as CAMT
from samklang.accounting.statements.adyen import FORMATS as ADYEN
from samklang.accounting.statements.base import Profile, Statement, Unreadable
from samklang.accounting.statements.content import Content, Format
from samklang.accounting.statements.klarna import FORMATS as KLARNA
from samklang.accounting.statements.nets import FORMATS as NETS
from samklang.accounting.statements.ozon import FORMATS as OZON
from samklang.accounting.statements.paypal import FORMATS as PAYPAL
from samklang.accounting.statements.paypal_reports import FORMATS as PAYPAL_REPORTS
from samklang.accounting.statements.paypal_search import FORMATS as PAYPAL_SEARCH
from samklang.accounting.statements.shopify import FORMATS as SHOPIFY
from samklang.accounting.statements.stripe import FORMATS as STRIPE
from samklang.accounting.statements.swish import FORMATS as SWISH
from samklang.accounting.statements.swish_table import FORMATS as SWISH_TABLE
from samklang.accounting.statements.wildberries import FORMATS as WILDBERRIES
from samklang.accounting.statements.yandex import FORMATS as YANDEX
from samklang.accounting.statements.yandex_services import FORMATS as YANDEX_SERVICES
from samklang.records import InvalidRecord

#: In the order of asking: what is told apart by a name of its own comes before what only looks alike.
FORMATS: tuple[Format, ...] = (
    *CAMT,
    *BGMAX,
    *SWISH,
    *SWISH_TABLE,
    *PAYPAL_REPORTS,
    *PAYPAL_SEARCH,
    *KLARNA,
    *NETS,
    *STRIPE,
    *ADYEN,
    *SHOPIFY,
    *PAYPAL,
    *WILDBERRIES,
    *OZON,
    *YANDEX,
    *YANDEX_SERVICES,
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
            try:
                return tuple(form.read(content))
            except InvalidRecord as error:  # a sum beyond all bounds, a time that nothing has
                raise Unreadable(str(error), column=error.field, value=error.value, do_this=error.do_this) from error
    known = "; ".join(f"{form.name} ({form.about})" for form in FORMATS)
    raise Unreadable(
        f"The format is not known. Known are: {known}.", do_this="Export the file in one of these formats."
    )
