"""`samklang demo`: the main job in about two minutes, on stand-ins.

A shop that starts empty and an ERP with some hundred articles are connected and planned; the plan is applied; then
orders come in while things go wrong: a customer whose data clash, a storm of 429, a killed hub. Then a second shop,
a warehouse and a payment provider join (chain.py), and a payout becomes balanced vouchers (payout.py). In the end all
systems are asked what they hold, and the exit code says whether they agree.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import urllib3
from rich import box
from rich.table import Table

from samklang.demo.chain import Chain
from samklang.demo.compare import Line, compare
from samklang.demo.stage import DemoFailed, Stage, System, stage
from samklang.sandboxes import swedish
from samklang.sandboxes.fortnox import FortnoxSandbox
from samklang.sandboxes.woocommerce import CONSUMER_KEY, CONSUMER_SECRET

_CHANNEL = "nordljus"
_SEED = 1
_PRESET = f"""
[[presets]]
channel = "{_CHANNEL}"
use = "erp rules"
erp = "erp"
"""
_KEYS = {
    "SAMKLANG_SECRET_SHOP_CONSUMER_KEY": CONSUMER_KEY,
    "SAMKLANG_SECRET_SHOP_CONSUMER_SECRET": CONSUMER_SECRET,
    "SAMKLANG_SECRET_ERP_CLIENT_SECRET": FortnoxSandbox.client_secret,
}


class Told(NamedTuple):
    """How it ended: the compared lines, and the seconds it took."""

    lines: list[Line]
    seconds: float

    @property
    def agree(self) -> bool:
        """Whether both sides hold the same."""
        return not any(line.differences for line in self.lines)


def run(articles: int = 520, orders: int = 16, port: int = 0, keep: bool | None = None) -> int:
    """Tell the whole story. `keep`: go on serving at the end (default: when a person watches). Returns the exit code:
    0 when both sides agree, 1 when they do not or a step failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    folder = Path(os.environ.get("SAMKLANG_DATA", "var")).resolve() / "demo"
    try:
        with stage(folder) as scene:
            told = _story(scene, articles, orders, port)
            _close(scene, told)
            if sys.stdout.isatty() if keep is None else keep:
                _linger(scene)
            return 0 if told.agree else 1
    except DemoFailed as failure:
        sys.stderr.write(f"The demo failed: {failure}\n")
        return 1


def _story(scene: Stage, articles: int, orders: int, port: int) -> Told:
    began = time.monotonic()
    scene.title("Two systems that do not know each other")
    shop = scene.sandbox("woocommerce", "--products", "0", "--seed", str(_SEED))
    erp = scene.sandbox("fortnox", "--articles", str(articles), "--seed", str(_SEED))
    scene.say(f"The shop is empty. The ERP has {articles} articles; a variant is an article of its own there.")
    scene.title("Connect them")
    _connect(scene, shop, erp)
    scene.title("The plan: what would happen, before it does")
    file = _configuration(scene)
    scene.samklang("plan", str(file), expect=(3,))
    scene.title("Apply it: the initial sync")
    scene.samklang("apply", str(file), "--yes", "--why", "demo")
    scene.title("Live: orders come in by webhook")
    scene.start_hub(port)
    public = scene.hub_address
    scene.samklang("connect", "shop", "--public-url", public)
    special = _Live(scene, shop, erp, orders).play()
    scene.title(f"The journey of order {special}")
    scene.samklang("journey", special, expect=(0,))
    lines = compare(shop.snapshot(), erp.snapshot(), _CHANNEL)
    lines += Chain(scene, erp).play()
    return Told(lines, time.monotonic() - began)


def _connect(scene: Stage, shop: System, erp: System) -> None:
    scene.samklang(
        "connect", "shop", "woocommerce", "--set", f"url={shop.address}", "--channel", _CHANNEL, "--company",
        "Nordljus Handel AB", keys=_KEYS,
    )  # fmt: skip
    settings = ("client_id=sandbox", f"api_address={erp.address}", f"login_address={erp.address}")
    flags = [word for setting in settings for word in ("--set", setting)]
    scene.samklang("connect", "erp", "fortnox", *flags, "--redirect", "http://localhost:0/", approve=True, keys=_KEYS)


def _configuration(scene: Stage) -> Path:
    """samklang.toml: what the two connections made of it, and one preset."""
    file = scene.folder / "samklang.toml"
    file.write_text(scene.ask("export")["toml"] + _PRESET)
    scene.say(f"$ samklang export > {file.name}, and into it:", "bold cyan")
    scene.say(_PRESET.strip(), "dim")
    return file


class _Live:
    """The minute of orders."""

    def __init__(self, scene: Stage, shop: System, erp: System, orders: int) -> None:
        self.scene, self.shop, self.erp = scene, shop, erp
        self.orders = max(orders, 12)
        self.placed: list[str] = []
        self.customer: dict[str, Any] = {}

    def play(self) -> str:
        """Everything that happens; gives the number of the order that was under way when the hub was killed."""
        scene = self.scene
        customer = self._customer_error()
        self._place(self.orders // 4)
        self._until_taken(0.5)
        self._storm()
        self._place(self.orders // 4)
        self._until_taken(0.5)
        special = self._kill()
        self._place(self.orders - len(self.placed))
        self._until_taken(1.0)
        scene.say(f"{self._taken()} of {len(self.placed)} orders are in the ERP; one needs a person:", "green")
        scene.samklang("problems", expect=(3,))
        self._mend(customer)
        self._back()
        return special

    # ------------------------------------------------------------------------------------------------ orders

    def _order(self, **more: Any) -> Any:
        row = self.shop.do("/_sandbox/orders", {"payment_method": "swish", "company": False, **more})
        self.placed.append(str(row["id"]))
        return row

    def _place(self, count: int) -> None:
        for _ in range(count):
            self._order(registered=len(self.placed) % 3 == 0)
            time.sleep(0.25)
        self.scene.say(f"{len(self.placed)} orders placed in the shop")

    def _taken(self) -> int:
        return len(self.erp.snapshot()["orders"])

    def _until_taken(self, share: float, ill: int = 1) -> None:
        wanted = int((len(self.placed) - ill) * share)
        self.scene.until(lambda: self._taken() >= wanted, f"{wanted} orders are in the ERP", 60)

    # ------------------------------------------------------------------------------------------------ what goes wrong

    def _customer_error(self) -> int:
        """A buyer registers with the town in the postcode's field, and orders. Gives the customer's id in the shop."""
        buyer = next(swedish.parties(_SEED + 2000, companies=0))
        billing = {
            "first_name": buyer.first_name, "last_name": buyer.last_name, "address_1": buyer.street,
            "postcode": buyer.postcode, "city": buyer.city, "country": "SE", "email": buyer.email,
        }  # fmt: skip
        self.customer = {"email": buyer.email, "first_name": buyer.first_name, "last_name": buyer.last_name}
        typed = {**billing, "postcode": f"{buyer.postcode} {buyer.city}"}
        id_ = self._shop("POST", "/customers", {**self.customer, "billing": typed})["id"]
        self.customer["billing"] = billing
        sku = next(iter(self.shop.snapshot()["products"]))
        row = self._shop(
            "POST", "/orders",
            {
                "customer_id": id_, "billing": billing, "shipping": billing, "status": "processing",
                "payment_method": "swish", "line_items": [{"sku": sku, "quantity": 1}],
            },
        )  # fmt: skip
        self.placed.append(str(row["id"]))
        self.scene.say(f"Order {row['id']}: its buyer has registered with the postcode “{typed['postcode']}”")
        return int(id_)

    def _storm(self) -> None:
        self.scene.say("The ERP answers the next 20 requests with 429: slow down", "yellow")
        self.erp.do("/_sandbox/faults", [{"kind": "429", "times": 20, "path": "/3/", "seconds": 1.0}])

    def _kill(self) -> str:
        """SIGKILL while orders are on their way; two more come while the hub is dead."""
        before = self._taken()
        for _ in range(3):
            self._order()
        self.scene.until(lambda: self._taken() > before, "an order is on its way", 60)
        self.scene.say("kill -9: the hub dies in the middle of it", "bold red")
        self.scene.kill_hub()
        there = {row["ExternalInvoiceReference1"] for row in self.erp.snapshot()["orders"].values()}
        under_way = [number for number in self.placed[-3:] if f"{_CHANNEL}/{number}" not in there]
        special = (under_way or self.placed)[-1]
        for _ in range(2):
            self._order()
        self.scene.say("2 orders come while it is dead; their webhooks find nobody")
        self.scene.start_hub()
        return special

    def _mend(self, customer: int) -> None:
        self._shop("PUT", f"/customers/{customer}", self.customer)
        self.scene.say("Somebody corrects the customer in the shop, as the problem says. The rest happens by itself:")
        self._until_taken(1.0, ill=0)
        self.scene.samklang("problems")

    def _back(self) -> None:
        """The way back: deliveries, invoices, a cancellation, a count of stock, a price."""
        scene, erp = self.scene, self.erp
        cancelled = self.placed[-1]
        self.shop.do(f"/_sandbox/orders/{cancelled}", {"status": "cancelled"})
        scene.until(lambda: self._row(cancelled)["Cancelled"], "the cancellation is in the ERP", 30)
        scene.say(f"Order {cancelled} was cancelled in the shop: it is cancelled in the ERP")
        open_ = {row["ExternalInvoiceReference1"].rpartition("/")[2]: n for n, row in erp.snapshot()["orders"].items()}
        sent = self.placed[:-3]  # the last ones are still being packed
        for order in sent:
            erp.do("/_sandbox/deliver", {"order": open_[order]})
            erp.do("/_sandbox/invoice", {"order": open_[order]})
        articles = list(erp.snapshot()["articles"])
        for place, article in enumerate(itertools.islice(articles, 0, None, len(articles) // 5)):
            erp.do("/_sandbox/stock", {"article": article, "quantity": 40 + place})
            erp.do("/_sandbox/price", {"article": article, "price": f"{199 + place}.20"})
        erp.do("/_sandbox/name", {"article": articles[0], "name": "Nytt namn från affärssystemet"})
        scene.say(f"The ERP delivers and invoices {len(sent)} orders, counts stock, changes prices.")
        scene.samklang("sync")
        self._settle()

    def _settle(self) -> None:
        """The hub's own workers may still be sending the last things; give them a moment."""
        end = time.monotonic() + 30

        def busy() -> bool:
            if any(line.differences for line in compare(self.shop.snapshot(), self.erp.snapshot(), _CHANNEL)):
                return True
            return any(flow["due"] or flow["sending"] for flow in self.scene.ask("status")["flows"])

        while busy() and time.monotonic() < end:
            time.sleep(0.5)

    def _row(self, number: str) -> Any:
        rows = self.erp.snapshot()["orders"].values()
        return next(row for row in rows if row["ExternalInvoiceReference1"] == f"{_CHANNEL}/{number}")

    def _shop(self, method: str, path: str, body: object) -> Any:
        """Work in the shop as its own user."""
        login = urllib3.make_headers(basic_auth=f"{CONSUMER_KEY}:{CONSUMER_SECRET}")
        return self.shop.do(f"/wp-json/wc/v3{path}", body, method, **login)


def _close(scene: Stage, told: Told) -> None:
    scene.title("Do both sides agree?")
    table = Table("", "Shop", "Other side", "", box=box.SIMPLE_HEAD, pad_edge=False)
    for line in told.lines:
        table.add_row(line.what, line.shop, line.erp, "no" if line.differences else "agree")
    scene.console.print(table)
    for line in told.lines:
        for difference in line.differences[:5]:
            scene.say(f"{line.what}: {difference}", "red")
    verdict = "Both sides agree" if told.agree else "THE TWO SIDES DIFFER"
    scene.say(f"{verdict}, after {told.seconds:.0f} s.", "bold green" if told.agree else "bold red")


def _linger(scene: Stage) -> None:
    come_in = scene.ask("people", "add", "demo@example.com", "--role", "owner", "--name", "Demo")["address"]
    scene.say(f"\nThe hub keeps running; look around, signed in: {come_in}   (Ctrl-C ends it)", "bold")
    scene.say(f"In another terminal: SAMKLANG_DATA={scene.folder} ./run status", "dim")
    try:
        assert scene.hub
        scene.hub.wait()
    except KeyboardInterrupt:
        scene.say("Ended.")
