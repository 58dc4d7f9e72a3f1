"""SAMKLANG_MAIL names the server that takes our mails."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from samklang.settings import mail


def test_without_a_server_no_mail_is_sent() -> None:
    assert mail("") == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize(
    ("address", "port", "from_the_beginning", "starttls"),
    [
        ("smtps://hub%40example.se:p%2Fw@mail.example", 465, True, False),
        ("smtp://hub%40example.se:p%2Fw@mail.example:2525", 2525, False, True),
        ("smtp+plain://hub%40example.se:p%2Fw@mail.example", 25, False, False),
    ],
)
def test_the_scheme_says_how_it_is_encrypted(address: str, port: int, from_the_beginning: bool, starttls: bool) -> None:
    found = mail(address)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example", port)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("hub@example.se", "p/w")
    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (from_the_beginning, starttls)


@pytest.mark.parametrize("address", ["mail.example", "http://user:hemlig@mail.example", "smtp://"])
def test_anything_else_is_refused_without_quoting_the_password(address: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        mail(address)
    assert "hemlig" not in str(refused.value)
