"""A real mail server on loopback, and a tenant with people."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.conf import settings

from tests.hub.conftest import World, world

__all__ = ["World", "world"]


class Box:
    """What the server took. `refuse` maps an address to the answer that it gets; `down` answers nobody."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse: dict[str, str] = {}
        self.down = ""

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.down:
            return self.down
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"] == address]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    part = mail.get_body(("html",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    found = Box()
    with socket.create_server(("127.0.0.1", 0)) as free:  # aiosmtpd calls itself, so it must know its port
        port = free.getsockname()[1]
    server = Controller(found, hostname="127.0.0.1", port=port)
    server.start()
    for name, value in {
        "MAIL": f"smtp+plain://127.0.0.1:{port}", "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": port, "EMAIL_HOST_USER": "", "EMAIL_HOST_PASSWORD": "",
        "EMAIL_USE_TLS": False, "EMAIL_USE_SSL": False, "PUBLIC_URL": "https://hub.example",
        "DEFAULT_FROM_EMAIL": "Samklang <samklang@hub.example>",
    }.items():  # fmt: skip
        monkeypatch.setattr(settings, name, value)
    yield found
    server.stop()


def person(world: World, email: str, role: str = "operator", language: str = "en") -> Any:
    """A member of the world's tenant."""
    from samklang.people.models import Member, User

    user = User.objects.make(email, name=email.partition("@")[0], language=language)
    return Member.objects.create(tenant=world.tenant, user=user, role=role)
