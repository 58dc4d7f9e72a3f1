"""People in a real browser: invited, with a role, with a second step, in their language."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Site

PASSWORD = "correct horse battery"
OWN = ("people", "tokens", "audit")


def fresh(browser: Browser, locale: str = "en-GB") -> Page:
    """A window in which nobody is signed in."""
    context = browser.new_context(locale=locale, viewport={"width": 1320, "height": 900})
    context.set_default_timeout(10_000)
    return context.new_page()


def code(secret: str) -> str:
    """What an authenticator app shows now."""
    from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", OWN)
def test_pages_about_people_can_be_read_by_everybody(
    page: Page, site: Site, axe: Callable[[Page], None], path: str, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(site.at(path))
    axe(page)
    page.set_viewport_size({"width": 360, "height": 740})
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", ["/login", "/forgot", "/enter/x", "/invitation/x"])
def test_the_ways_in_can_be_read_by_everybody(
    browser: Browser, site: Site, axe: Callable[[Page], None], path: str
) -> None:
    page = fresh(browser)
    page.goto(f"{site.address}{path}")
    axe(page)


def test_somebody_is_invited_joins_and_may_do_what_the_role_allows(page: Page, site: Site, browser: Browser) -> None:
    page.goto(site.at("people"))
    page.get_by_label("E-mail").fill("ada@byra.example")
    page.get_by_label("Role", exact=True).last.select_option("accountant")
    page.get_by_role("button", name="Invite").click()
    address = page.locator("pre").inner_text().partition("/invitation/")[2]
    ada = fresh(browser)
    ada.goto(f"{site.address}/invitation/{address}")
    expect(ada.get_by_role("heading", name="Join Nordljus Handel AB")).to_be_visible()
    ada.get_by_label("Your name").fill("Ada")
    ada.get_by_label("Password").fill("short")
    ada.get_by_role("button", name="Join").click()
    expect(ada.get_by_text("This password is too short")).to_be_visible()
    expect(ada.get_by_label("Your name")).to_have_value("Ada")
    ada.get_by_label("Password").fill(PASSWORD)
    ada.get_by_role("button", name="Join").click()
    ada.wait_for_url("**/t/nordljus/**")
    expect(ada.get_by_role("link", name="Orders", exact=True)).to_have_count(0)
    ada.goto(site.at("orders"))
    expect(ada.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    expect(ada.get_by_text("An owner can change your role")).to_be_visible()

    page.goto(site.at("people"))
    row = page.get_by_role("row", name=re.compile("ada@byra.example"))
    row.get_by_role("combobox").select_option("reader")
    row.get_by_role("button", name="Save").click()
    ada.goto(site.at("orders"))
    expect(ada.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    expect(ada.get_by_role("link", name="People", exact=True)).to_have_count(0)

    page.goto(site.at("people"))
    page.get_by_role("row", name=re.compile("ada@byra.example")).get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("ada@byra.example is no member any more.")).to_be_visible()
    ada.goto(site.at("orders"))
    expect(ada.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.goto(site.at("audit"))
    expect(page.get_by_role("row", name=re.compile("removed.*ada@byra.example"))).to_be_visible()


def test_the_second_step_is_switched_on_and_asked_for(
    context: BrowserContext, site: Site, browser: Browser, axe: Callable[[Page], None]
) -> None:
    site.sign_in(context, "operator")
    page = context.new_page()
    page.goto(f"{site.address}/account")
    axe(page)
    page.get_by_role("link", name="Switch on").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("img", name="Picture of the key")).to_be_visible()
    axe(page)
    secret = page.locator("#key").inner_text()
    page.get_by_label("Authenticator code").fill(code(secret))
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    axe(page)
    recovery = page.locator(".codes code").first.inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Second step on")).to_be_visible()

    other = fresh(browser)
    other.goto(site.at("orders"))
    other.get_by_label("Email").fill("operator@nordljus.example")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Second step")).to_be_visible()
    axe(other)
    other.get_by_label("Code").fill(recovery)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/t/nordljus/orders")

    page.goto(f"{site.address}/account/sessions")
    page.get_by_role("button", name="Sign out everywhere else").click()
    other.reload()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_language_is_chosen_at_the_door_and_kept(site: Site, browser: Browser) -> None:
    page = fresh(browser, "sv-SE")
    page.goto(f"{site.address}/login")
    assert page.locator("html").get_attribute("lang") == "sv"
    page.get_by_role("button", name="Русский").click()
    assert page.locator("html").get_attribute("lang") == "ru"
    page.reload()
    assert page.locator("html").get_attribute("lang") == "ru"


def test_a_token_is_made_shown_once_and_revoked(page: Page, site: Site) -> None:
    page.goto(site.at("tokens"))
    page.get_by_label("Name").fill("nightly report")
    page.get_by_label("see orders, products and problems").check()
    page.get_by_role("button", name="Make").click()
    assert page.locator("#token").inner_text().startswith("samklang_")
    page.goto(site.at("tokens"))
    expect(page.locator("#token")).to_have_count(0)
    page.get_by_role("button", name="Revoke nightly report").click()
    expect(page.get_by_text("The token opens nothing any more.")).to_be_visible()
