"""Tokens of the API: shown once, kept as a hash, never worth more than whoever made them.

A token's rights are its scopes as far as its maker still has them: when the maker leaves the tenant or becomes less
in it, so does the token. Who sees to a program that shall outlive people makes a user for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from samklang.people.models import Member, Token
from samklang.people.rights import ALLOWS, May, Right
from samklang.people.tickets import digest

_SIGN = "samklang_"  # lets people, and those who search repositories for leaked keys, see what it is
_EXACT = timedelta(minutes=1)


class Known:
    """A token that was found, and what it may do now."""

    def __init__(self, token: Token, rights: frozenset[Right]) -> None:
        self.token = token
        self.tenant = token.tenant
        self.rights = rights
        self.may = May(rights)


def make(maker: Member, name: str, scopes: Iterable[Right], expires_at: datetime | None) -> tuple[Token, str]:
    """A new token in the maker's tenant, and the text of it, which nobody can show again. ValueError for a scope that
    the maker has no right to."""
    wanted = sorted(set(scopes))
    if not set(wanted) <= ALLOWS[maker.role]:
        raise ValueError("a token cannot be given a right that its maker does not have")
    text = _SIGN + secrets.token_urlsafe(32)
    row = Token.objects.create(
        tenant=maker.tenant, name=name, hash=digest(text), scopes=wanted, made_by=maker.user, expires_at=expires_at
    )
    return row, text


def find(text: str) -> Known | None:
    """The token of this text, if it may be used now. Writes down that it was, to the minute."""
    if not text.startswith(_SIGN):
        return None
    now = timezone.now()
    rows = Token.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), hash=digest(text), made_by__is_active=True)
    token = rows.select_related("tenant", "made_by").first()
    if token is None:
        return None
    maker = Member.objects.filter(tenant=token.tenant, user=token.made_by).first()
    if maker is None:
        return None
    if token.used_at is None or token.used_at < now - _EXACT:
        Token.objects.filter(pk=token.pk).update(used_at=now)
    return Known(token, ALLOWS[maker.role] & {Right(scope) for scope in token.scopes})
