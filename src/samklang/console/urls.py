"""Addresses of the pages. Whatever belongs to a tenant lies under /t/<tenant>/; who may open it, each view says."""

from django.urls import include, path

from samklang.console import (
    account,
    audit,
    book_urls,
    connect,
    doors,
    mails,
    package,
    people,
    setup_urls,
    statics,
    style,
    tokens,
    trade_urls,
    webhooks,
)

pages = [
    *trade_urls.pages,
    *setup_urls.pages,
    *book_urls.pages,
    path("people", people.people, name="people"),
    path("people/invite", people.invite, name="invite"),
    path("people/invited/<int:number>/withdraw", people.withdraw, name="withdraw"),
    path("people/<int:number>", people.change, name="role"),
    path("people/<int:number>/remove", people.remove, name="remove"),
    path("tokens", tokens.tokens, name="tokens"),
    path("tokens/<int:number>/revoke", tokens.revoke, name="revoke"),
    path("webhooks", webhooks.webhooks, name="webhooks"),
    path("webhooks/<int:number>", webhooks.webhook, name="webhook"),
    path("webhooks/<int:number>/<slug:what>", webhooks.act, name="webhook-act"),
    path("webhooks/<int:number>/messages/<int:message>", webhooks.resend, name="webhook-resend"),
    path("package", package.package, name="package"),
    path("package/agree", package.agree, name="package-agree"),
    path("package/hours", package.log_hours, name="package-hours"),
    path("audit", audit.audit, name="audit"),
    path("nothing", doors.nothing, name="nothing"),
]
urlpatterns = [
    path("", doors.index, name="index"),
    path("logout", doors.leave, name="logout"),
    path("login-back", connect.login_back, name="login-back"),
    path("enter/<str:token>", doors.ticket, name="ticket"),
    path("invitation/<str:token>", people.invitation, name="invitation"),
    *account.routes,
    *mails.routes,
    path("t/<slug:tenant>/", include((pages, "console"))),
    path("static/<slug:stamp>/<str:name>", statics.static_file, name="static"),
    path("style", style.style, name="style"),
]
