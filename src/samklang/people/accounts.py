"""How somebody proves who they are: allauth, as we want it (docs/decisions/014-accounts.md)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from allauth.account import signals as account_signals
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa import signals as mfa_signals
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_noop

from samklang.hub import secrets
from samklang.people import audit
from samklang.people.models import User

log = structlog.get_logger()
_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_post = ThreadPoolExecutor(1, "mail")  # one server, one mail after the other


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up by themselves; mails are ours, and no answer waits for them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited, or added on the command line."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send it behind the reader's back: else the time an answer takes would tell whether an address is known here,
        and a server of mails that is down would spoil the change of a password."""
        _send(self.render_mail(template_prefix, email, {**context, "address": settings.PUBLIC_URL}))

    def format_email_subject(self, subject: str) -> str:
        """Whose mail it is comes first."""
        return f"Samklang: {subject}"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Under our own name, whatever name the browser used."""
        user, _, rest = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": user, "key": rest})
        return f"{settings.PUBLIC_URL}{path}"

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's account."""
        return reverse("account")


def _send(message: Any) -> Future[None]:
    def send() -> None:
        try:
            message.send()
        except OSError as error:  # SMTP's errors are such, too
            log.warning("a mail could not be sent", error=type(error).__name__)

    return _post.submit(send)


def mails_are_out() -> None:
    """Wait until every mail so far was sent or given up."""
    _post.submit(lambda: None).result()


class SecondFactor(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keys of authenticator apps lie encrypted like every other secret."""

    def encrypt(self, text: str) -> str:
        """Under the hub's key."""
        return secrets.seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """What `encrypt` was given."""
        return str(secrets.unseal(encrypted_text.encode()))


def encrypt_anew(rotate: Callable[[bytes], bytes]) -> None:
    """Every key of an authenticator app and every seed of recovery codes, when the hub's key changes."""
    rows = list(Authenticator.objects.select_for_update().all())
    for row in rows:
        for name in ("secret", "seed"):
            if name in row.data:
                row.data[name] = rotate(row.data[name].encode()).decode()
    Authenticator.objects.bulk_update(rows, ["data"])


def let_in(request: HttpRequest, user: User, how: str) -> None:
    """Sign somebody in who has proved to be `user` by a one-time address or an invitation (`how` says which)."""
    login(request, user, backend=_BACKEND)
    record_authentication(request, user, method="link")
    UserSession.objects.create_from_request(request)
    _note(user, how)


def _note(user: AbstractBaseUser, what: str) -> None:
    """In every tenant that the user has a place in: their owners want to know."""
    assert isinstance(user, User)
    for place in user.places.select_related("tenant"):
        audit.note(audit.Actor.person(place.tenant, user), what, f"person {user.email}")


_TOLD = (
    (account_signals.user_logged_in, gettext_noop("signed in")),
    (account_signals.password_set, gettext_noop("password chosen")),
    (account_signals.password_changed, gettext_noop("password changed")),
    (account_signals.password_reset, gettext_noop("password reset by mail")),
    (mfa_signals.authenticator_added, gettext_noop("second factor switched on")),
    (mfa_signals.authenticator_removed, gettext_noop("second factor switched off")),
    (mfa_signals.authenticator_reset, gettext_noop("recovery codes made anew")),
)


def listen() -> None:
    """Note in the audit what people do with their accounts."""
    for signal, what in _TOLD:

        def tell(sender: object, user: AbstractBaseUser, what: str = what, **_: Any) -> None:
            _note(user, what)

        signal.connect(tell, weak=False, dispatch_uid=f"samklang {what}")
