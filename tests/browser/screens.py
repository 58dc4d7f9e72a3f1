"""Pictures of the main pages: light and dark, Swedish, English and Russian, wide and on a phone.

    ./run python -m tests.browser.screens [--only orders,journey] [--languages sv,en,ru] [--looks light,dark]
                                          [--sizes wide,phone] [--edges]

They go to `screens/`, which is not kept in the repository. For people to look at: nothing is compared. A page that
answers 4xx or 5xx, or whose console says that something is wrong, is named, and the command fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.configured import book_pages, configure, keep_books
from tests.browser.edges import edges, nothing_yet

SIZES = {"wide": (1360, 860), "phone": (390, 844)}
FOLDER = Path(__file__).parents[2] / "screens"


def pages(site: Any) -> Iterator[tuple[str, str]]:
    """(name, address) of what is shot."""
    from samklang.hub.models import Problem

    kept = book_pages(keep_books(site.merchant.tenant))  # before a plan is counted: it would be outdated
    problem = Problem.objects.filter(tenant=site.merchant.tenant, type="order").order_by("pk").first()
    for name, path in (
        ("start", ""), ("orders", "orders"), ("journey", "orders/se/10470"), ("journey-stopped", "orders/se/10499"),
        ("products", "products"), ("product", "products/kopp-1"), ("stock", "stock"), ("customers", "customers"),
        ("problems", "problems"), ("problem", f"problems/{problem.pk if problem else 0}"), ("transfers", "transfers"),
        ("calls", "calls"), ("statistics", "statistics"), ("search", "search?q=anna"), ("connections", "connections"),
        ("flows", "flows"),
    ):  # fmt: skip
        yield name, site.at(path)
    for name, path in configure(site.merchant).items():
        yield name, site.at(path)
    for name, path in kept.items():
        yield name, site.at(path)
    for name, path in (
        ("customer", f"customers/{_buyer(site.merchant.tenant)}"), ("matrix-whole", "flows?whole=1"),
        ("connection-shop", "connections/nordljus-se"), ("channel-new", "channels/new"),
        ("orders-found", "orders?q=anna&stand=fulfilment:shipped"), ("orders-none", "orders?q=nobody-like-that"),
    ):  # fmt: skip
        yield name, site.at(path)
    own = ("account", "account/mails", "account/password", "account/second", "account/sessions")
    for name in (*own, "style", "forgot"):
        yield name.replace("/", "-"), f"{site.address}/{name}"
    yield "login", f"{site.address}/login"


def _buyer(tenant: Any) -> str:
    from samklang.hub.models import Stored

    key = Stored.objects.filter(tenant=tenant, type="customer").order_by("key").values_list("key", flat=True).first()
    return key or ""


def edge_pages(site: Any) -> Iterator[tuple[str, str]]:
    """The same of pages with data at the edges, and of a tenant without any."""
    for name, path in edges(site.merchant).items():
        yield name, site.at(path)
    for name, path in nothing_yet(site.merchant).items():
        yield name, f"{site.address}/{path}"


def shoot(
    browser: Browser, site: Any, wanted: list[tuple[str, str]], languages: list[str], looks: list[str], sizes: list[str]
) -> tuple[int, list[str]]:
    """All pictures: how many, and what was wrong with which of them."""
    from samklang.people.models import User
    from tests.browser.conftest import errors_of

    FOLDER.mkdir(exist_ok=True)
    count, failed = 0, []
    for language, look, size in product(languages, looks, sizes):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=look, locale=language,  # type: ignore[arg-type]  # a look is text
            device_scale_factor=1,
        )  # fmt: skip
        site.sign_in(context)
        User.objects.update(language=language)
        page = context.new_page()
        wrong = errors_of(page)
        for name, address in wanted:
            if name == "login":
                context.clear_cookies()
            picture = f"{name}-{language}-{look}-{size}"
            failed += [f"{picture}: {said}" for said in _shot(page, address, FOLDER / f"{picture}.png", wrong)]
            count += 1
        context.close()
    return count, failed


def _shot(page: Page, address: str, picture: Path, wrong: list[str]) -> list[str]:
    """Take one picture; what was wrong: the status of the answer, what the console of the page said."""
    wrong.clear()
    answer = page.goto(address)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=picture, full_page=True)
    status = answer.status if answer is not None else 0
    refused = [f"{address} answered {status}"] if not 200 <= status < 400 else []
    return [*refused, *wrong]


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--languages", default="sv,en,ru")
    parser.add_argument("--looks", default="light,dark")
    parser.add_argument("--sizes", default="wide,phone")
    parser.add_argument("--only", default="", help="pages with one of these in their name")
    parser.add_argument("--edges", action="store_true", help="data at the edges, and a tenant without any")
    args = parser.parse_args()

    from tests.browser.conftest import CHROMIUM, FLAGS, Site, own_database, serving
    from tests.browser.merchant import Merchant
    from tests.conftest import _home, migrate, move_to, sqlite

    template = _home / "template.db"
    move_to(sqlite(template))
    migrate()
    with tempfile.TemporaryDirectory() as folder, own_database(template, Path(folder)), sync_playwright() as playwright:
        import os

        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        merchant = Merchant()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with serving() as address:
            site = Site(address, merchant)
            all_pages = edge_pages(site) if args.edges else pages(site)
            wanted = [one for one in all_pages if any(part in one[0] for part in args.only.split(","))]
            count, failed = shoot(
                browser, site, wanted, args.languages.split(","), args.looks.split(","), args.sizes.split(",")
            )
        browser.close()
    sys.stdout.write(f"{count} pictures in {FOLDER}\n")
    sys.stderr.writelines(f"{said}\n" for said in failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
