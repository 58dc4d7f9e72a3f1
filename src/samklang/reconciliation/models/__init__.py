"""The tables of the books. Every one carries the tenant first, then the company.

What came in (incoming.py): StatementFile (as it was handed in, encrypted), Statement with its StatementLines,
BankStatement with its BankLines, Opening, Happened, Rate, Decision (what a person said), VatNumber (what VIES said).
What was found (found.py): Payment (what a provider owes for), Match, PayoutMatch, Suggestion.
What is booked (booked.py): Voucher with its VoucherLines and VoucherRefs. Once posted it is never changed: triggers in
the database see to it (migrations/0002_sealed.py). Attachment: its itemised list in the ledger. Export with Exported:
the files for a ledger that takes files. What is added up of it: VatOfDay, LinesOfDay (totals.py).
How far it is (stand.py): Books (the last run), LedgerState (what the ledger allows), Source and Fetched (statements
that come by themselves).

`body` columns hold the pure structs of accounting/ as JSON; the other columns are for finding and showing them.
Amounts have four decimals; what counts is the body's.
"""

from __future__ import annotations

from samklang.reconciliation.models.booked import (
    OPEN,
    Attachment,
    Export,
    Exported,
    LinesOfDay,
    VatOfDay,
    Voucher,
    VoucherLine,
    VoucherRef,
)
from samklang.reconciliation.models.found import (
    Match,
    Payment,
    PayoutMatch,
    Suggestion,
)
from samklang.reconciliation.models.incoming import (
    BankLine,
    BankStatement,
    Decision,
    Happened,
    Opening,
    Rate,
    Statement,
    StatementFile,
    StatementLine,
    VatNumber,
)
from samklang.reconciliation.models.stand import (
    Books,
    Fetched,
    LedgerState,
    Source,
)

__all__ = [
    "OPEN",
    "Attachment",
    "BankLine",
    "BankStatement",
    "Books",
    "Decision",
    "Export",
    "Exported",
    "Fetched",
    "Happened",
    "LedgerState",
    "LinesOfDay",
    "Match",
    "Opening",
    "Payment",
    "PayoutMatch",
    "Rate",
    "Source",
    "Statement",
    "StatementFile",
    "StatementLine",
    "Suggestion",
    "VatNumber",
    "VatOfDay",
    "Voucher",
    "VoucherLine",
    "VoucherRef",
]
