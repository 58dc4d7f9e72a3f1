"""A program that calls the API: a world with two systems, and tokens of any rights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.test import Client

from samklang.people.rights import Right
from tests.hub.conftest import World, world

__all__ = ["world"]
EVERYTHING = tuple(Right)


@pytest.fixture(autouse=True)
def fresh_pace() -> Iterator[None]:
    """No test calls on another's allowance."""
    from samklang.api.v1 import pace

    pace.forget()
    yield
    pace.forget()


class Caller:
    """Calls /api/v1/t/<tenant>… with a token."""

    def __init__(self, tenant: Any, rights: Iterable[Right] = EVERYTHING, role: str = "owner") -> None:
        from samklang.people import tokens
        from samklang.people.models import Member, User

        email = f"{role}@{tenant.slug}.example"
        user = User.objects.filter(email=email).first() or User.objects.make(email, name=role)
        member, _ = Member.objects.get_or_create(tenant=tenant, user=user, defaults={"role": role})
        self.token, self.text = tokens.make(member, "test", rights, None)
        self.tenant = tenant
        self.client = Client(headers={"Authorization": f"Bearer {self.text}"}, raise_request_exception=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response; `headers` with _ for -."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"content_type": "application/json"} if body is not None else {}
        address = f"/api/v1/t/{self.tenant.slug}{path}"
        return self.client.generic(method, address, _text(body), headers=names, **kind)

    def get(self, path: str, **headers: str) -> Any:
        """What a GET answers, which must be 200."""
        answer = self("GET", path, **headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """What a POST answers, which must have gone well."""
        answer = self("POST", path, body, **headers)
        assert answer.status_code in (200, 201, 202, 204), answer.content
        return answer.json() if answer.content else None

    def refused(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Status and code of a refusal, which must be problem details."""
        answer = self(method, path, body, **headers)
        assert answer.headers["Content-Type"] == "application/problem+json", answer.content
        told = answer.json()
        assert told["status"] == answer.status_code and told["detail"] and told["do_this"].endswith(".")
        return answer.status_code, told["code"]


def _text(body: Any) -> bytes:
    import json

    return b"" if body is None else body if isinstance(body, bytes) else json.dumps(body, default=str).encode()


@pytest.fixture
def call(world: World) -> Caller:
    return Caller(world.tenant)
