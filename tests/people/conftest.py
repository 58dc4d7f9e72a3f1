"""A tenant, and the mails that were sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def tenant(database: Path) -> Any:
    from samklang.hub.models import Tenant

    return Tenant.objects.create(slug="nordljus", name="Nordljus Handel AB")


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every mail that was sent, at once, in order."""
    from django.conf import settings
    from django.core import mail

    from samklang.people import accounts

    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.locmem.EmailBackend")
    monkeypatch.setattr(settings, "MAIL", "smtp://mail.example")
    monkeypatch.setattr(accounts, "_send", lambda message: message.send())
    monkeypatch.setattr(mail, "outbox", outbox := [], raising=False)
    return outbox


def anybody(**more: Any) -> Client:
    """Somebody who is not signed in."""
    return Client(SERVER_NAME="localhost", **more)
