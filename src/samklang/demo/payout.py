"""The demo's third act: Klarna pays out, and the books agree to the öre.

The ERP has made one invoice of each order that was sent, so the shop's channel is booked with the invoice model: a
capture is a claim on its invoice, and Klarna's payout pays the invoices. A voucher of the day's sales besides would
book them twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from samklang.demo.compare import Line
from samklang.demo.stage import Stage, System

COMPANY = "norrsken"
BOOKS = f"""
# The books: invoices of the ERP are paid by Klarna's payouts.
[companies.{COMPANY}]
name = "Nordljus Handel AB"
org_no = "556677-8899"
keeps_invoices = true
[companies.{COMPANY}.channels.{{channel}}]
model = "invoice"
[[flows]]
channel = "{{channel}}"
type = "voucher"
from = "webshop"
to = "erp"
"""
_ACCOUNTANT = {"USER": "asa"}


class Payout:
    """One payout on its way from Klarna to the ledger."""

    def __init__(self, scene: Stage, klarna: System, erp: System) -> None:
        self.scene, self.klarna, self.erp = scene, klarna, erp
        self.reference = str(klarna.do("/_sandbox/pay-out")["result"])

    def play(self) -> list[Line]:
        """Statement in, vouchers approved and posted; gives what was compared in the end."""
        scene = self.scene
        scene.title(f"The money: Klarna's payout {self.reference} becomes balanced vouchers")
        file = scene.folder / f"klarna-{self.reference}.csv"
        file.write_text(self.klarna.do("/_sandbox/report", {"reference": self.reference})["result"])
        scene.samklang("statements", "import", str(file), expect=(0, 3))
        scene.samklang("statements", "show", self.reference)
        scene.until(self._ready, "the vouchers wait for approval", 30)
        scene.say("The accountant approves; what is approved never changes again:")
        scene.samklang("vouchers", "approve", "--all", keys=_ACCOUNTANT)
        scene.until(lambda: self._voucher()["state"] == "posted", "the ledger has the payout's voucher", 60)
        scene.until(lambda: not self._open(), "the ledger has all vouchers", 60)
        scene.samklang("vouchers", "show", self._voucher()["key"], "--rows")
        owed = Decimal(self.klarna.do("/_sandbox/balance")["result"]) / 100
        scene.say(f"Klarna itself says that it owes {owed:.2f} kr, for what is in no payout yet. Our books:")
        scene.samklang("control", "--stated", f"klarna={owed}")
        return self._compare(owed)

    # ------------------------------------------------------------------------------------------------ looking

    def _vouchers(self) -> list[Any]:
        found: list[Any] = self.scene.ask("vouchers", "list")
        return found

    def _voucher(self) -> Any:
        """The payout's own voucher."""
        rows = (row for row in self._vouchers() if row["source"] == "settlement")
        return next(rows, {"state": "", "key": ""})

    def _ready(self) -> bool:
        return bool(self._voucher()["state"] == "validated")

    def _open(self) -> list[Any]:
        return [row for row in self._vouchers() if row["state"] in ("approved", "sent")]

    def _compare(self, owed: Decimal) -> list[Line]:
        """Our books, Klarna and the ERP beside each other."""
        told = self.scene.ask("control", "--stated", f"klarna={owed}")
        (ours,) = (Decimal(one["booked"]) for one in told["clearing"] if one["provider"] == "klarna")
        said = [f"{ours} in the books, {owed} at Klarna"] if ours != owed else []
        ledger = self.erp.snapshot()
        number = self._voucher()["number"]
        balance = _balance(ledger, "1581")
        paid = sum((_money(row["Amount"]) for row in ledger["payments"].values()), Decimal(0))
        suspense = _balance(ledger, "2999")
        return [
            Line("owed by Klarna", f"{owed:.2f}", f"{ours:.2f}", said),
            Line(
                f"payout {number}, paid invoices", f"{paid:.2f}", f"{paid - balance:.2f}",
                [f"{balance} is left on 1581"] if balance else [],
            ),
            Line("on suspense", "0.00", f"{suspense:.2f}", [f"{suspense} on 2999"] if suspense else []),
        ]  # fmt: skip


def _balance(ledger: Any, account: str) -> Decimal:
    """What stands on an account of the ERP: its vouchers, and the payments of invoices that went there."""
    rows = (row for made in ledger["vouchers"].values() for row in made["VoucherRows"])
    booked = sum(
        (_money(row.get("Debit")) - _money(row.get("Credit")) for row in rows if str(row["Account"]) == account),
        Decimal(0),
    )
    payments = (row for row in ledger["payments"].values() if str(row["ModeOfPaymentAccount"]) == account)
    return booked + sum((_money(row["Amount"]) for row in payments), Decimal(0))


def _money(value: object) -> Decimal:
    return Decimal(str(value or 0))
