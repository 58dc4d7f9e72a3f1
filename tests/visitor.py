"""Somebody who opens pages in tests: a signed-in client, of any role, in any tenant."""

from __future__ import annotations

from typing import Any

from django.test import Client


def visitor(tenant: Any = None, role: str = "owner", email: str = "") -> Client:
    """A client that is signed in as somebody with this role; without a tenant, in the only one (made where none is)."""
    from samklang.hub.models import Tenant
    from samklang.people.models import Member, User

    tenant = tenant or Tenant.objects.order_by("pk").first() or Tenant.objects.create(slug="nordljus", name="Nordljus")
    email = email or f"{role}@{tenant.slug}.example"
    user = User.objects.filter(email=email).first() or User.objects.make(email, "correct horse battery", name=role)
    Member.objects.update_or_create(tenant=tenant, user=user, defaults={"role": role})
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client
