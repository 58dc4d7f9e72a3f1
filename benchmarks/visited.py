"""Every page and API list that is measured: its name in the table, and addresses for things drawn at random."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from benchmarks import numbered as no
from benchmarks.numbered import DAYS, Size

Asked = Callable[[random.Random], str]  # dice → address
_CONSOLE, _API = "/t/bench", "/api/v1/t/bench"


class Visit(NamedTuple):
    """One line of the table. `part`: as htmx asks for it."""

    name: str
    asked: Asked
    part: bool = False

    @property
    def api(self) -> bool:
        """Whether a program asks, with a token."""
        return self.name.startswith("API")


class Known(NamedTuple):
    """Numbers that only the database knows (benchmarks/counting.py tells them); `small` and `large` are problems with
    few and with many records; empty lists where there is nothing of the kind."""

    ledger: int
    company: int
    vouchers: list[int]
    payouts: list[int]
    small: int
    large: int
    calls: list[int]
    steps: list[tuple[str, int]]  # order, number
    now: float


def visits(size: Size, known: Known) -> list[Visit]:
    """All of them."""
    at = _Drawn(size, known)
    found = [
        *_start(at), *_orders(at), *_goods(at), *_people(at), *_problems(at, known), *_logs(at, known),
        *_books(at, known), *_set_up(), *_api(at, known),
    ]  # fmt: skip
    return [*found, *(_plain(f"/{name}") for name in ("health", "ready", "metrics"))]


def _plain(path: str) -> Visit:
    return Visit(path, lambda _: path)


class _Drawn:
    """Things that are drawn at random."""

    def __init__(self, size: Size, known: Known) -> None:
        self.size, self.known = size, known

    def order(self, dice: random.Random) -> int:
        return dice.randrange(self.size.orders)

    def article(self, dice: random.Random) -> int:
        return dice.randrange(self.size.articles)

    def everywhere(self, dice: random.Random) -> int:
        """An article that both shops sell."""
        return self.article(dice) // no.ABROAD * no.ABROAD

    def buyer(self, dice: random.Random) -> int:
        return self.size.buyer(self.order(dice))

    def business(self, dice: random.Random) -> int:
        return self.size.buyer(self.order(dice) // no.BY_BUSINESS * no.BY_BUSINESS)

    def day(self, dice: random.Random, within: int = DAYS) -> str:
        return f"{datetime.fromtimestamp(self.known.now, UTC) - timedelta(days=dice.randrange(1, within)):%Y-%m-%d}"

    def month_ago(self, _: random.Random) -> str:
        return f"{datetime.fromtimestamp(self.known.now, UTC) - timedelta(days=30):%Y-%m-%d}"

    def after(self, dice: random.Random) -> str:
        """A later page of the orders."""
        return f"{self.known.now - dice.random() * DAYS * 86_400!r}~{no.order_key(self.order(dice))}"


def _page(name: str, path: str, **values: Asked | str) -> Visit:
    """A page at this path, with a query."""

    def asked(dice: random.Random) -> str:
        said = "&".join(f"{key}={quote(v if isinstance(v, str) else v(dice))}" for key, v in values.items())
        return f"{_CONSOLE}/{path}" + (f"?{said}" if said else "")

    return Visit(name, asked)


def _start(at: _Drawn) -> list[Visit]:
    return [
        _page("start", ""),
        _page("start, refreshed", "")._replace(part=True),
        _page("find: a name", "search", q=lambda dice: no.name(at.buyer(dice)).split()[0]),
        _page("find: an e-mail address", "search", q=lambda dice: no.email(at.buyer(dice))),
        _page("find: nothing", "search", q="nobody has this"),
    ]


def _orders(at: _Drawn) -> list[Visit]:
    return [
        _page("orders", "orders"),
        _page("orders, later", "orders", after=at.after),
        _page("orders, channel", "orders", channel="fi"),
        _page("orders, goods: delivered", "orders", stand="fulfilment:delivered"),
        _page("orders, goods: picking", "orders", stand="fulfilment:picking"),
        _page("orders, cancelled", "orders", stand="lifecycle:cancelled"),
        _page("orders, cancelled, channel, later", "orders", stand="lifecycle:cancelled", channel="fi", after=at.after),
        _page("orders, picking, channel", "orders", stand="fulfilment:picking", channel="fi"),
        _page("orders, refunded (none)", "orders", stand="payment:refunded", channel="fi"),
        _page("orders, of a day", "orders", since=at.day, until=at.day),
        _page("orders, of a month, channel, paid", "orders", since=lambda dice: at.day(dice, 30), channel="se",
              stand="payment:captured"),
        _page("orders, not in step", "orders", delivery="open"),
        _page("orders, stopped", "orders", delivery="stopped"),
        _page("orders, stopped, channel", "orders", delivery="stopped", channel="fi"),
        _page("orders, search: number", "orders", q=lambda dice: no.order_no(at.order(dice))),
        _page("orders, search: begin of many", "orders", q="10"),
        _page("orders, search: a name", "orders", q=lambda dice: no.name(at.buyer(dice)).split()[-1]),
        _page("orders, search: a name, cancelled", "orders", q="anna", stand="lifecycle:cancelled"),
        _page("orders, search: parcel", "orders", q=lambda dice: no.tracking_no(at.order(dice))),
        _page("orders, search: number elsewhere", "orders", q=lambda dice: str(at.order(dice) + 110_000)),
        Visit("an order's journey", lambda dice: f"{_CONSOLE}/orders/{no.order_key(at.order(dice))}"),
        Visit("a hop of it", _hop(at.known), part=True),
    ]  # fmt: skip


def _hop(known: Known) -> Asked:
    def asked(dice: random.Random) -> str:
        order, number = dice.choice(known.steps)
        return f"{_CONSOLE}/orders/{order}/hop/{number}"

    return asked


def _goods(at: _Drawn) -> list[Visit]:
    def later(dice: random.Random) -> str:
        return f"{at.known.ledger}.{no.article_key(at.article(dice))}"

    return [
        _page("products", "products"),
        _page("products, later", "products", after=later),
        _page("products, search: number", "products", q=lambda dice: no.article_no(at.article(dice))),
        _page("products, search: a word", "products", q=lambda dice: no.article_name(at.article(dice)).split()[1]),
        _page("products, search: bar code", "products", q=lambda dice: no.gtin(at.article(dice))),
        _page("products, not in step", "products", delivery="open"),
        _page("products, a word, not in step", "products", q="blå", delivery="open"),
        Visit("a product", lambda dice: f"{_CONSOLE}/products/{no.article_key(at.everywhere(dice))}"),
        _page("stock", "stock"),
        _page("stock, later", "stock", after=later),
        _page("stock, search: number", "stock", q=lambda dice: no.article_no(at.article(dice))),
        _page("stock, search: a word", "stock", q=lambda dice: no.article_name(at.article(dice)).split()[1]),
        _page("stock, not in step", "stock", delivery="open"),
    ]


def _people(at: _Drawn) -> list[Visit]:
    return [
        _page("customers", "customers"),
        _page("customers, search: a name", "customers", q=lambda dice: no.name(at.buyer(dice)).split()[-1]),
        _page("customers, search: e-mail", "customers", q=lambda dice: no.email(at.buyer(dice))),
        Visit("a customer", lambda dice: f"{_CONSOLE}/customers/mail:{no.email(at.buyer(dice))}"),
        Visit("a customer with many orders", lambda dice: f"{_CONSOLE}/customers/mail:{no.email(at.business(dice))}"),
        _page("people", "people"),
        _page("tokens", "tokens"),
        _page("audit", "audit"),
        _page("audit, about an order", "audit", about=lambda dice: f"order {no.order_key(at.order(dice) // 4 * 4)}"),
        _page("audit, about nothing", "audit", about="voucher"),
    ]


def _problems(at: _Drawn, known: Known) -> list[Visit]:
    return [
        _page("problems", "problems"),
        _page("problems, later", "problems", after=lambda dice: str(known.small + dice.randrange(at.size.problems))),
        _page("problems, search: a word", "problems", q=lambda dice: no.word(dice.randrange(at.size.problems))),
        _page("problems, search: in all", "problems", q="is not known"),
        _page("problems, search: nothing", "problems", q="zzzz"),
        _page("problems, search: code", "problems", q="SYNC-402"),
        _page("problems, connection", "problems", connection="ledger"),
        _page("problems, mine", "problems", view="mine"),
        _page("problems, over", "problems", view="closed"),
        _page("a problem", f"problems/{known.small}"),
        _page("a problem of many records", f"problems/{known.large}"),
        _page("brakes", "brakes"),
    ]


def _logs(at: _Drawn, known: Known) -> list[Visit]:
    return [
        _page("transfers", "transfers"),
        _page("transfers, all", "transfers", all="1"),
        _page(
            "transfers, later", "transfers", after=lambda dice: str(dice.randrange(at.size.orders // 2, at.size.orders))
        ),
        _page("transfers, connection", "transfers", connection="ledger"),
        _page("transfers, out, of orders", "transfers", direction="out", what="order"),
        _page("transfers, what: none", "transfers", what="refunds"),
        _page("transfers, failed", "transfers", result="failed", all="1"),
        _page("transfers, failed, connection", "transfers", result="failed", all="1", connection="shop-fi"),
        _page("calls", "calls"),
        _page("calls, later", "calls", after=lambda dice: str(dice.choice(known.calls))),
        _page("calls, connection", "calls", connection="payments"),
        _page("calls, about an order", "calls", about=lambda dice: no.order_key(at.order(dice))),
        _page("calls, address: in many", "calls", q="orders"),
        _page("calls, address: in one", "calls", q=lambda dice: f"kl-{at.order(dice)}/"),
        _page("calls, address: in none", "calls", q="refunds"),
        _page("calls, failed", "calls", failed="1"),
        _page("calls, failed, connection", "calls", failed="1", connection="payments"),
        _page("calls, since", "calls", since=lambda dice: at.day(dice, 14)),
        _page("calls, address in none, since", "calls", q="refunds", since=lambda dice: at.day(dice, 14)),
        _page("calls, failed, address, connection", "calls", failed="1", q="captures", connection="payments"),
        Visit("a call", lambda dice: f"{_CONSOLE}/calls/{dice.choice(known.calls)}", part=True),
        *(_page(f"statistics, {days} days", "statistics", days=days) for days in ("7", "30", "90")),
    ]


def _books(at: _Drawn, known: Known) -> list[Visit]:
    def later(dice: random.Random) -> str:
        return f"{at.day(dice)}/{dice.choice(known.vouchers)}"

    books = f"books/{known.company}"
    return [
        _page("books: payouts", "books"),
        _page("books: payouts, later", "books", before=later),
        _page("books: payouts, open", "books", open="1"),
        _page("books: payouts, search", "books", q=lambda dice: f"SE{at.day(dice)[2:].replace('-', '')}"),
        Visit("books: a payout", lambda dice: f"{_CONSOLE}/books/payouts/{dice.choice(known.payouts)}"),
        _page("books: matching", f"{books}/matching"),
        _page("books: vouchers", f"{books}/vouchers"),
        _page("books: vouchers, later", f"{books}/vouchers", before=later),
        _page("books: vouchers, posted", f"{books}/vouchers", state="posted"),
        _page("books: vouchers, search", f"{books}/vouchers", q=at.day),
        _page("books: vouchers, search: nothing", f"{books}/vouchers", q="zzzz"),
        Visit("books: a voucher", lambda dice: f"{_CONSOLE}/books/vouchers/{dice.choice(known.vouchers)}"),
        Visit("books: a line's rows", lambda dice: f"{_CONSOLE}/books/vouchers/{dice.choice(known.vouchers)}?line=1"),
        _page("books: accounts", f"{books}/accounts"),
        _page("books: control", f"{books}/control"),
        _page("books: control, a month ago", f"{books}/control", since=at.month_ago, on=at.month_ago),
    ]


def _set_up() -> list[Visit]:
    return [
        _page("connections", "connections"), _page("a connection", "connections/shop-se"),
        _page("catalogue of connectors", "connect"), _page("channels", "channels"), _page("flows", "flows"),
        _page("a flow", "flows/se/order/ledger"), _page("rules", "rules"),
        _page("a chain of rules", "rules/shop-se/in/order"),
        _page("plan", "plan"), _page("history", "history"),
    ]  # fmt: skip


def _call(name: str, path: str, **values: Asked | str) -> Visit:
    plain = _page(name, path, **values).asked
    return Visit(f"API {name}", lambda dice: plain(dice).replace(_CONSOLE, _API, 1))


def _cursor(place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _api(at: _Drawn, known: Known) -> list[Visit]:
    def order(dice: random.Random) -> str:
        return no.order_key(at.order(dice))

    some: Mapping[str, str] = {"limit": "200"}
    return [
        _call("orders", "orders", **some),
        _call("orders, later", "orders", cursor=lambda dice: _cursor(at.after(dice))),
        _call("orders, search: a name", "orders", q="anna", **some),
        _call("orders, not in step", "orders", delivery="open", **some),
        Visit("API journey", lambda dice: f"{_API}/orders/{order(dice)}/journey"),
        _call("products", "products", **some),
        _call("products, search: a word", "products", q="blå", **some),
        Visit("API product", lambda dice: f"{_API}/products/{no.article_key(at.everywhere(dice))}"),
        _call("stock", "stock", **some),
        _call("stock, search: a word", "stock", q="blå", **some),
        _call("customers", "customers", **some),
        Visit("API customer", lambda dice: f"{_API}/customers/mail:{no.email(at.buyer(dice))}"),
        _call("prices", "records/price", **some),
        _call("prices of an article", "records/price", begin=lambda dice: no.article_key(at.article(dice))),
        _call("shipments of an order", "records/shipment", begin=lambda dice: f"{order(dice)}#"),
        Visit("API one record", lambda dice: f"{_API}/records/order/{order(dice)}"),
        _call("problems", "problems", **some),
        _call("problem", f"problems/{known.large}"),
        _call("transfers", "transfers", **some),
        _call("exchanges", "exchanges", **some),
        _call("exchanges, failed", "exchanges", failed="true", **some),
        _call("exchanges, address: in none", "exchanges", url="refunds"),
        _call("audit", "audit", **some),
        _call("statistics", "statistics", days="90"),
        _call("overview", "overview"),
        _call("configuration", "configuration"),
        _call("connections", "connections"),
    ]
