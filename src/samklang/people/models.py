"""Tables of people. A user is one person with one e-mail address; a member is what that person is in one tenant."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from samklang.hub.models import Tenant
from samklang.people.rights import ALLOWS, May, Role


class Users(BaseUserManager["User"]):
    """Makes and finds users by e-mail, whatever its letters' case."""

    def make(self, email: str, password: str | None = None, **more: Any) -> User:
        """A new user; without a password only a one-time address or an invitation lets them in."""
        user = self.model(email=clean(email), **more)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The user who logs in under this address."""
        return self.get(email=clean(username or ""))


def clean(email: str) -> str:
    """An address as it is kept and compared."""
    return email.strip().lower()


class User(AbstractBaseUser):
    """One person. Logs in by e-mail; the rights are the member's (one for each tenant)."""

    email = models.EmailField(unique=True)  # as `clean` gives it
    name = models.CharField(max_length=100, default="", blank=True)
    language = models.CharField(max_length=10, default="", blank=True)  # of LANGUAGES; "" = what the browser asks for
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = Users()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Member(models.Model):
    """A user's place in a tenant."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="places")
    role = models.CharField(max_length=12, choices=Role.choices)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "user"], name="one_place"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant}"

    @property
    def may(self) -> May:
        """What the role allows."""
        return May(ALLOWS[self.role])


class Ticket(models.Model):
    """An address that lets somebody in once. Only its hash is kept; whoever uses it deletes the row."""

    hash = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, models.CASCADE, null=True)  # None: the first visit, which makes the first owner
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"for {self.user or 'the first visit'}"


class Invitation(models.Model):
    """Somebody who may become a member, once they have shown that the address is theirs (people/members.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    email = models.EmailField()  # as `clean` gives it
    role = models.CharField(max_length=12, choices=Role.choices)
    hash = models.CharField(max_length=64, unique=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "email"], name="one_invitation"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="known_role_invited"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.tenant}"


class Token(models.Model):
    """A key to the API, for a program. It may do what its scopes say and its maker may still do (people/tokens.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    name = models.CharField(max_length=80)
    hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)  # rights
    made_by = models.ForeignKey(User, models.CASCADE)
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)  # None: does not
    used_at = models.DateTimeField(null=True)  # to the minute

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """Who did what, when, to which thing. Rows are only ever added (people/audit.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False)
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, db_index=False)  # None: not a person, or one who is gone
    actor = models.CharField(max_length=200)  # as the reader knows them: e-mail, token's name, command line
    what = models.CharField(max_length=100)  # in English, a message that can be translated
    about = models.CharField(max_length=300, default="", blank=True)  # the thing: order nordljus/1001, connection shop
    details = models.JSONField(default=dict)  # never a secret, never a buyer's data

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-id"], name="note_recent"),
            models.Index(fields=["tenant", "user", "-id"], name="note_user"),
            models.Index(fields=["tenant", "about", "-id"], name="note_about"),
        ]

    def __str__(self) -> str:
        return f"{self.actor}: {self.what} {self.about}".strip()


class Cached(models.Model):
    """Django's cache, in the database so that all processes count together: tries to log in, codes that were used."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "cached"

    def __str__(self) -> str:
        return self.cache_key
