"""The stand-in's front page, for people who try Samklang in a browser: what is on the shelf, what was ordered, and a
button with which somebody buys."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from samklang.sandboxes.woocommerce import WooSandbox

_SHOWN = 12
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stand-in shop</title><style>body{{font:16px/1.5 system-ui;max-width:44rem;margin:3rem auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1.2rem}}table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #ccc}}</style>
<h1>A stand-in for a WooCommerce shop</h1><p>{articles} articles on the shelf, {orders} orders.</p>{buy}
<h2>Newest orders</h2><table><tr><th>Order<th>Status<th>Total{rows}</table></html>"""
_BUY = '<form method="post" action="/"><button>Somebody buys something</button></form>'
_EMPTY = "<p>The shelf is empty: nobody can buy yet.</p>"


def page(shop: WooSandbox) -> Response:
    """The page as the shop is now."""
    held = shop.snapshot()
    newest = list(held["orders"].items())[-_SHOWN:][::-1]
    cells = (f"<tr><td>{escape(number)}<td>{escape(one['status'])}<td>{escape(one['total'])}" for number, one in newest)
    articles = len(shop.catalogue.by_sku)
    text = _PAGE.format(
        articles=articles, orders=len(held["orders"]), buy=_BUY if articles else _EMPTY, rows="".join(cells)
    )
    return HTMLResponse(text)


def buy(shop: WooSandbox) -> Response:
    """Somebody buys, and sees the page again."""
    if shop.catalogue.by_sku:
        shop.place_order()
    return RedirectResponse("/", 303)
