"""Run one stand-in in the foreground: python -m samklang.sandboxes NAME --port N …

Prints its address and keys, then answers until it is interrupted. Faults are switched on over /_sandbox/faults.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from starlette.types import ASGIApp

from samklang.sandboxes.base import Faulty, serve


def _woocommerce(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.woocommerce import CONSUMER_KEY, CONSUMER_SECRET, WooSandbox

    shop = WooSandbox(args.products, args.seed, args.tz, latency=args.latency, webhooks_twice=args.webhooks_twice)
    return shop.app, f"key {CONSUMER_KEY}, secret {CONSUMER_SECRET}"


def _fortnox(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.fortnox import FortnoxSandbox

    ledger = FortnoxSandbox(articles=args.articles, seed=args.seed, rate=args.rate)
    return ledger.app, "log in over /oauth-v1/auth"


def _klarna(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.klarna import PASSWORD, USER, KlarnaSandbox

    return KlarnaSandbox().app, f"user {USER}, password {PASSWORD}; POST /_sandbox/authorise makes a payment"


def _stripe(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.stripe import KEY, StripeSandbox

    return StripeSandbox().app, f"key {KEY}; POST /_sandbox/pay makes a charge, /_sandbox/pay_out a payout"


def _adyen(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.adyen import ACCOUNT, PASSWORD, USER, AdyenSandbox

    return AdyenSandbox().app, f"merchant account {ACCOUNT}, user {USER}, password {PASSWORD}; POST /_sandbox/pay"


def _paypal(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.paypal import CLIENT, SECRET, PayPalSandbox

    return PayPalSandbox().app, f"client {CLIENT}, secret {SECRET}; POST /_sandbox/pay makes a payment"


def _ongoing(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.ongoing import OngoingSandbox

    box = OngoingSandbox(args.articles, args.seed, stocked=not args.empty, auto=args.auto)
    return box.app, f"/{box.system}, user {box.user}, password {box.password}, goods owner {box.goods_owner}"


def _starweb(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.starweb import CLIENT_ID, CLIENT_SECRET, StarwebSandbox

    shop = StarwebSandbox(args.products, args.seed)
    return shop.app, f"client {CLIENT_ID}, secret {CLIENT_SECRET}; POST /_sandbox/place_order buys something"


def _nets_easy(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.nets_easy import SECRET_KEY, NetsSandbox

    return NetsSandbox().app, f"secret key {SECRET_KEY}; POST /_sandbox/reserve makes a payment"


def _visma_eekonomi(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.visma_eekonomi import VismaSandbox

    return VismaSandbox(articles=args.articles, seed=args.seed).app, "log in over /connect/authorize"


def _magento(args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.magento import CONSUMER, TOKEN, MagentoSandbox

    shop = MagentoSandbox(args.products, args.seed)
    return shop.app, f"consumer {' '.join(CONSUMER)}, token {' '.join(TOKEN)}; POST /_sandbox/place_order buys"


def _unifaun(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.unifaun import BASE, KEY_ID, KEY_SECRET, UnifaunSandbox

    return UnifaunSandbox().app, f"{BASE}, key {KEY_ID}, secret {KEY_SECRET}; POST /_sandbox/print makes the label"


def _cargonizer(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.cargonizer import KEY, SENDER, CargonizerSandbox

    return CargonizerSandbox().app, f"key {KEY}, sender {SENDER}"


def _nshift_ship(_args: argparse.Namespace) -> tuple[ASGIApp, str]:
    from samklang.sandboxes.nshift_ship import ACTOR, CLIENT_ID, CLIENT_SECRET, LOGIN, NshiftShipSandbox

    return NshiftShipSandbox().app, f"actor {ACTOR}, client {CLIENT_ID}, secret {CLIENT_SECRET}, login {LOGIN}"


def main(argv: Sequence[str] | None = None) -> None:
    """Serve the chosen stand-in on loopback until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m samklang.sandboxes", description="Stand-ins of outside systems.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    shop = kinds.add_parser("woocommerce", help="a WooCommerce shop (wc/v3)")
    shop.add_argument("--products", type=int, default=500, help="families on the shelf; 0 = an empty shop")
    shop.add_argument("--tz", default="Europe/Stockholm", help="the shop's time zone")
    shop.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    shop.add_argument("--webhooks-twice", action="store_true", help="send every webhook twice")
    shop.set_defaults(build=_woocommerce)
    ledger = kinds.add_parser("fortnox", help="a Fortnox ledger (API 3)")
    ledger.add_argument("--articles", type=int, default=500, help="articles; 0 = an empty ledger")
    ledger.add_argument("--rate", type=int, default=25, help="requests allowed in 5 seconds; 0 = any number")
    ledger.set_defaults(build=_fortnox)
    kinds.add_parser("stripe", help="Stripe's payouts").set_defaults(build=_stripe)
    kinds.add_parser("adyen", help="Adyen's settlement reports").set_defaults(build=_adyen)
    kinds.add_parser("paypal", help="PayPal's transactions and balances").set_defaults(build=_paypal)
    kinds.add_parser("klarna", help="Klarna's order management").set_defaults(build=_klarna)
    warehouse = kinds.add_parser("ongoing", help="an Ongoing warehouse (goods owner REST)")
    warehouse.add_argument("--articles", type=int, default=200, help="articles; 0 = none")
    warehouse.add_argument("--empty", action="store_true", help="nothing on the shelves yet")
    auto = "work by itself: released orders are picked, sent and fetched, goods received, a step in so many seconds"
    warehouse.add_argument("--auto", type=float, nargs="?", const=5.0, metavar="SECONDS", help=auto)
    warehouse.set_defaults(build=_ongoing)
    other = kinds.add_parser("starweb", help="a Starweb shop (Shop API v2)")
    other.add_argument("--products", type=int, default=200, help="products on the shelf; 0 = an empty shop")
    other.set_defaults(build=_starweb)
    kinds.add_parser("nets_easy", help="Nexi Checkout (Nets Easy)").set_defaults(build=_nets_easy)
    books = kinds.add_parser("visma_eekonomi", help="a company in Visma eEkonomi (API v2)")
    books.add_argument("--articles", type=int, default=500, help="articles; 0 = an empty company")
    books.set_defaults(build=_visma_eekonomi)
    magento = kinds.add_parser("magento", help="a Magento 2 shop (REST with MSI)")
    magento.add_argument("--products", type=int, default=200, help="products on the shelf; 0 = an empty shop")
    magento.set_defaults(build=_magento)
    kinds.add_parser("unifaun", help="nShift Delivery (Unifaun)").set_defaults(build=_unifaun)
    kinds.add_parser("cargonizer", help="Logistra Cargonizer").set_defaults(build=_cargonizer)
    kinds.add_parser("nshift_ship", help="nShift Ship (Consignor)").set_defaults(build=_nshift_ship)
    for kind in kinds.choices.values():
        kind.add_argument("--port", type=int, default=0, help="0 = any free port")
        kind.add_argument("--seed", type=int, default=1, help="same seed, same data")
    args = parser.parse_args(argv)
    app, login = args.build(args)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with serve(Faulty(app, args.seed), args.port) as address:
        sys.stdout.write(f"{args.kind} at {address}  ({login})\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
