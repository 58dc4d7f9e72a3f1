"""The demo's second act: from order to parcel to money. A Starweb shop, an Ongoing warehouse, Klarna and the ERP.

Twelve orders: released many at once, one that waits for stock, one sent in two parts, edits on both sides before the
lock and one after it, a cancellation, a return with its refund, a shipping method that nobody has mapped.
"""

from __future__ import annotations

import re
import time
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from samklang.demo.compare import Line
from samklang.demo.payout import BOOKS, Payout
from samklang.demo.stage import Stage, System
from samklang.sandboxes import ongoing, starweb
from samklang.sandboxes.klarna import PASSWORD, USER

CHANNEL = "norrsken"
KEYS = {
    "SAMKLANG_SECRET_WEBSHOP_CLIENT_SECRET": starweb.CLIENT_SECRET,
    "SAMKLANG_SECRET_WAREHOUSE_PASSWORD": ongoing.PASSWORD,
    "SAMKLANG_SECRET_KLARNA_PASSWORD": PASSWORD,
}
_FLOWS = f"""
# The shop steers: the warehouse keeps the stock, Klarna the money, and what was sent is invoiced in the ERP.
[[flows]]
channel = "{CHANNEL}"
type = "product"
from = "webshop"
to = "warehouse"
[[flows]]
channel = "{CHANNEL}"
type = "stock"
from = "warehouse"
to = "webshop"
options = {{ brakes = {{ zero = [500, 0, 0] }} }}
[[flows]]
channel = "{CHANNEL}"
type = "order"
from = "webshop"
to = "warehouse"
fields = ["lines", "shipping", "billing", "note", "lifecycle"]
options = {{ carriers = {{ "PostNord MyPack" = {{ carrier = "PLAB", service = "P19" }} }} }}
[[flows]]
channel = "{CHANNEL}"
type = "release"
from = "webshop"
to = "warehouse"
[[flows]]
channel = "{CHANNEL}"
type = "order_edit"
from = "warehouse"
to = "webshop"
[[flows]]
channel = "{CHANNEL}"
type = "order_status"
from = "warehouse"
to = "webshop"
options = {{ status_map = {{ partly_shipped = "Delvis skickad" }} }}
[[flows]]
channel = "{CHANNEL}"
type = "shipment"
from = "warehouse"
to = "webshop"
[[flows]]
channel = "{CHANNEL}"
type = "capture"
from = "warehouse"
to = "klarna"
[[flows]]
channel = "{CHANNEL}"
type = "void"
from = "warehouse"
to = "klarna"
[[flows]]
channel = "{CHANNEL}"
type = "refund"
from = "warehouse"
to = "klarna"
options = {{ reasons = ["regret"] }}
[[flows]]
channel = "{CHANNEL}"
type = "customer"
from = "webshop"
to = "erp"
mode = "create"
[[flows]]
channel = "{CHANNEL}"
type = "order"
from = "webshop"
to = "erp"
mode = "create"
options = {{ document = "invoice", book = true, statuses = ["Behandlad"] }}
{BOOKS.format(channel=CHANNEL)}"""


class Chain:
    """The four systems and the orders on their way."""

    def __init__(self, scene: Stage, erp: System) -> None:
        self.scene, self.erp = scene, erp
        self.orders: dict[str, str] = {}  # what happens to it → order number
        self.payments: dict[str, str] = {}  # order number → Klarna's id

    def play(self) -> list[Line]:
        """The whole act; gives what was compared in the end."""
        scene = self.scene
        scene.title("From order to parcel to money: a warehouse and a payment provider join")
        self.shop = scene.sandbox("starweb", "--products", "12", "--seed", "1")
        self.wms = scene.sandbox("ongoing", "--articles", "0", "--seed", "1")
        self.klarna = scene.sandbox("klarna")
        self._connect()
        self._fill()
        self._place()
        self._before_picking()
        self._release_and_send()
        self._afterwards()
        scene.title(f"The journey of order {self.orders['in two parts']}: sent in two parts")
        scene.samklang("journey", f"{CHANNEL}/{self.orders['in two parts']}", expect=(0,))
        return self._compare() + self.payout.play()

    # ------------------------------------------------------------------------------------------------ setting up

    def _connect(self) -> None:
        scene = self.scene
        scene.samklang(
            "connect", "webshop", "starweb", "--set", f"url={self.shop.address}", "--set",
            f"client_id={starweb.CLIENT_ID}", "--channel", CHANNEL, "--public-url", scene.hub_address, keys=KEYS,
        )  # fmt: skip
        address = f"{self.wms.address}/{ongoing.SYSTEM}"
        settings = (f"address={address}", f"user={ongoing.USER}", "goods_owner=159", "rest=comes later")
        flags = [word for setting in settings for word in ("--set", setting)]
        said = scene.ask("connect", "warehouse", "ongoing", *flags, "--public-url", scene.hub_address, keys=KEYS)
        scene.say("$ samklang connect warehouse ongoing …", "bold cyan")
        scene.say(said["by_hand"].partition("http")[0] + "…", "dim")
        (hook,) = re.findall(r"http\S+", said["by_hand"])
        self.wms.do("/_sandbox/hook", {"address": hook.rstrip(".")})
        scene.samklang(
            "connect", "klarna", "klarna", "--set", f"api_address={self.klarna.address}", "--set", f"username={USER}",
            keys=KEYS,
        )  # fmt: skip

    def _fill(self) -> None:
        """The plan for the new flows, the articles to the warehouse, goods onto its shelves."""
        scene = self.scene
        file: Path = scene.folder / "samklang.toml"
        file.write_text(scene.ask("export")["toml"] + _FLOWS)
        scene.samklang("apply", str(file), "--yes", "--why", "the warehouse joins")
        skus = self.shop.snapshot()["articles"]
        scene.until(lambda: len(self.wms.snapshot()["articles"]) >= len(skus), "the articles are in the warehouse", 60)
        self.skus = [sku for sku, row in skus.items() if row["active"]][:12]
        self.scarce = self.skus.pop()
        self.wms.do("/_sandbox/order-goods", {"number": "PO-1", "pieces": dict.fromkeys(self.skus, 40)})
        self.wms.do("/_sandbox/receive", {"number": "PO-1"})
        scene.say(f"{len(skus)} articles are in the warehouse; it receives 40 pieces of each but one.")
        scene.samklang("sync", "--connection", "warehouse")

    # ------------------------------------------------------------------------------------------------ orders

    def _buy(self, what: str, *lines: tuple[str, int], **more: Any) -> str:
        """A buyer orders and pays with Klarna."""
        payment = str(uuid.uuid4())
        row = self.shop.do("/_sandbox/place-order", {"lines": lines, "reference": payment, **more})["result"]
        number = str(row["orderId"])
        ore = int(Decimal(str(row["amountToPay"])) * 100)
        self.klarna.do("/_sandbox/authorise", {"order_id": payment, "amount": ore, "reference": number})
        self.orders[what], self.payments[number] = number, payment
        return number

    def _place(self) -> None:
        scene, some = self.scene, self.skus
        for n in range(4):
            self._buy(f"plain {n}", (some[n], 1), (some[n + 1], 2))
        self._buy("waits for stock", (self.scarce, 1))
        self._buy("in two parts", (some[0], 1), (some[1], 1))
        self._buy("edited in the shop", (some[2], 2), (some[3], 1))
        self._buy("edited in the warehouse", (some[3], 2), (some[4], 1))
        self._buy("edited too late", (some[5], 1))
        self._buy("cancelled", (some[6], 1))
        self._buy("comes back", (some[7], 1), (some[8], 1))
        self._buy("unmapped", (some[9], 1), shipping_method=2)
        scene.say(f"{len(self.orders)} orders are placed and paid with Klarna")
        scene.until(lambda: len(self.wms.snapshot()["orders"]) >= 11, "the warehouse has the orders", 60)
        scene.say(f"Order {self.orders['unmapped']} is not in the warehouse: nobody has mapped its shipping method:")
        scene.samklang("problems", expect=(3,))

    def _before_picking(self) -> None:
        """Edits travel both ways; a cancellation frees the money."""
        scene = self.scene
        edited, theirs, gone = (
            self.orders[what] for what in ("edited in the shop", "edited in the warehouse", "cancelled")
        )
        self.shop.do("/_sandbox/edit-order", {"order": int(edited), "changes": {self.skus[2]: 1}})
        rows = self._lines(theirs)
        self.wms.do("/_sandbox/edit", {"order": theirs, "pieces": {next(iter(rows)): 1}})
        self.shop.do("/_sandbox/cancel", {"order": int(gone), "payment": False})
        scene.say(f"Order {edited} loses a piece in the shop, {theirs} one in the warehouse, {gone} is cancelled")
        scene.until(lambda: self._held(edited) == 2, "the shop's edit is in the warehouse", 60)
        scene.until(lambda: self._klarna(gone)["status"] == "CANCELLED", "Klarna lets the money go", 60)
        scene.samklang("sync", "--connection", "warehouse", expect=(0, 1))
        scene.until(lambda: self._pieces(theirs) == 2, "the warehouse's edit is in the shop", 60)
        scene.say("Both edits are on the other side; Klarna has let go of the cancelled order's money", "green")
        self._carriers()

    def _carriers(self) -> None:
        """What the problem said: map the shipping method. The order then goes by itself."""
        scene = self.scene
        file: Path = scene.folder / "samklang.toml"
        head, mapped, rest = scene.ask("export")["toml"].partition('[flows.options.carriers."PostNord MyPack"]')
        more = '[flows.options.carriers."Schenker Ombud (2)"]\ncarrier = "SBTL"\nservice = "BPA"\n\n'
        file.write_text(head + more + mapped + rest)
        scene.samklang("apply", str(file), "--yes", "--why", "Schenker Ombud is SBTL, BPA")
        scene.until(
            lambda: self.orders["unmapped"] in self.wms.snapshot()["orders"], "the order is in the warehouse", 60
        )
        scene.say("Mapped: the order is in the warehouse", "green")

    def _release_and_send(self) -> None:
        scene = self.scene
        late = self.orders["edited too late"]
        ready = [number for what, number in self.orders.items() if what not in ("cancelled", "waits for stock")]
        scene.samklang("order", "release", *(f"{CHANNEL}/{number}" for number in ready))
        scene.until(lambda: all(self._status(n) >= 300 for n in ready), "the warehouse may pick them", 60)
        self.wms.do("/_sandbox/start", {"order": late})
        self.shop.do("/_sandbox/readdress", {"order": int(late), "street": "Nya vägen 3"})
        scene.say(f"Picking begins, and in the same moment somebody gives order {late} another address", "yellow")
        scene.until(lambda: self._stopped(late), "the edit is refused", 60)
        scene.samklang("problems", expect=(3,))
        scene.samklang("order", "skip", f"{CHANNEL}/{late}", "--connection", "warehouse", "--why", "the buyer was told")
        parts = self.orders["in two parts"]
        first = next(iter(self._lines(parts)))
        self.wms.do("/_sandbox/pick", {"order": parts, "pieces": {first: 1}})
        rest = self.wms.do("/_sandbox/ship", {"order": parts, "rest": "back order"})["result"]
        early = [number for what, number in self.orders.items() if what.startswith("plain")]
        for number in early:
            self.wms.do("/_sandbox/ship-all", {"order": number})
        scene.until(lambda: self._captured() > len(early), "the money of the first orders is taken", 90)
        self.payout = Payout(scene, self.klarna, self.erp)
        for number in ready:
            if number not in (*early, parts):
                self.wms.do("/_sandbox/ship-all", {"order": number})
        scene.say(f"The warehouse sends {len(ready)} orders; of {parts} only the first half")
        scene.until(lambda: self._captured() >= len(ready), "the money of what was sent is taken", 90)
        self.wms.do("/_sandbox/ship-all", {"order": rest})
        scene.until(lambda: self._captured() >= len(ready) + 1, "the second half's money is taken", 60)
        scene.say("Each shipment took its money at Klarna once, and only then the shop mailed 'sent'", "green")

    def _afterwards(self) -> None:
        """The back order's goods come; a buyer regrets; what was sent is invoiced."""
        scene = self.scene
        waits, back = self.orders["waits for stock"], self.orders["comes back"]
        self.wms.do("/_sandbox/order-goods", {"number": "PO-2", "pieces": {self.scarce: 10}})
        self.wms.do("/_sandbox/receive", {"number": "PO-2"})
        scene.samklang("order", "release", f"{CHANNEL}/{waits}")
        scene.until(lambda: self._status(waits) >= 300, "the back order may be picked", 60)
        self.wms.do("/_sandbox/ship-all", {"order": waits})
        row = next(iter(self._lines(back)))
        self.wms.do("/_sandbox/return-as-inbound", {"order": back, "pieces": {row: 1}})
        scene.say(f"The missing goods came and order {waits} is sent; of {back} one article comes back (regret)")
        end = time.monotonic() + 60
        while time.monotonic() < end and (
            self._klarna(back)["refunded_amount"] == 0 or len(self._invoices()) < len(self.orders) - 1
        ):
            scene.ask("sync", "--connection", "warehouse")
            scene.ask("sync", "--connection", "webshop")
        scene.say(f"Klarna has paid {self._klarna(back)['refunded_amount'] / 100:.2f} kr back", "green")

    # ------------------------------------------------------------------------------------------------ looking

    def _order(self, number: str) -> Any:
        return self.wms.snapshot()["orders"][number]

    def _lines(self, number: str) -> dict[str, Any]:
        return {line["rowNumber"]: line for line in self._order(number)["orderLines"]}

    def _held(self, number: str) -> int:
        """Pieces of goods on the warehouse's order."""
        return sum(int(Decimal(str(line["orderedNumberOfItems"]))) for line in self._lines(number).values())

    def _pieces(self, number: str) -> int:
        """Pieces of goods on the shop's order."""
        items = self.shop.snapshot()["orders"][number]["items"]
        return sum(int(Decimal(str(count))) for _, count in items.values())

    def _status(self, number: str) -> int:
        return int(self._order(number)["orderInfo"]["orderStatus"]["number"])

    def _stopped(self, number: str) -> bool:
        found = self.scene.ask("journey", f"{CHANNEL}/{number}")
        return any(row["connection"] == "warehouse" and row["state"] == "stopped" for row in found["systems"])

    def _klarna(self, number: str) -> Any:
        return self.klarna.snapshot()[self.payments[number]]

    def _captured(self) -> int:
        return sum(len(order["captures"]) for order in self.klarna.snapshot().values())

    def _invoices(self) -> dict[str, Any]:
        """Order number → its booked invoice in the ERP."""
        rows = self.erp.snapshot()["invoices"].values()
        prefix = f"{CHANNEL}/"
        return {
            row["ExternalInvoiceReference1"].removeprefix(prefix): row
            for row in rows
            if str(row.get("ExternalInvoiceReference1") or "").startswith(prefix) and row["Booked"]
        }

    def _compare(self) -> list[Line]:
        """Shop, warehouse, Klarna and ERP beside each other."""
        shop, invoices = self.shop.snapshot()["orders"], self._invoices()
        sent = {number for what, number in self.orders.items() if what != "cancelled"}
        differ: list[str] = []
        for number in sorted(sent):
            if shop[number]["status"] != "Behandlad":
                differ.append(f"{number} stands at {shop[number]['status']} in the shop")
            total = Decimal(str(shop[number]["total"]))
            if number not in invoices or Decimal(str(invoices[number]["Total"])) != total:
                differ.append(f"{number}: {total} in the shop, {invoices.get(number, {}).get('Total')} invoiced")
        taken = {number: Decimal(self._klarna(number)["captured_amount"]) / 100 for number in self.orders.values()}
        billed = {number: Decimal(str(row["Total"])) for number, row in invoices.items()}
        wrong = [f"{n}: {taken[n]} taken, {billed.get(n)} invoiced" for n in sorted(sent) if taken[n] != billed.get(n)]
        mails = self.shop.do("/_sandbox/mails", method="GET")
        doubled = len(mails) - len({(mail["order"], mail["about"]) for mail in mails})
        return [
            Line("orders sent", str(len(sent)), str(len(invoices)), differ),
            Line("captured, invoiced", f"{sum(taken.values()):.2f}", f"{sum(billed.values()):.2f}", wrong),
            Line("mails", str(len(mails)), str(len(mails)), [f"{doubled} mails twice"] if doubled else []),
        ]
