"""One worker per lane. A lease has an end, so a dead worker never blocks, and a number that only grows, so a worker
that was thought dead and comes back is known by its old number and its writes are refused."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from django.db import close_old_connections, connection, transaction

from samklang.hub.models import Lease

LENGTH = 60.0  # seconds; renewed at a third of it


class Held:
    """A lease that is ours. `token` is its number; `lost` becomes true when it could not be renewed in time."""

    def __init__(self, tenant: int, name: str, token: int) -> None:
        self.tenant = tenant
        self.name = name
        self.token = token
        self.lost = False

    def renew(self) -> bool:
        """Push the end forward; False when somebody else has taken the lease."""
        renewed = Lease.objects.filter(tenant_id=self.tenant, name=self.name, token=self.token).update(
            until=time.time() + LENGTH
        )
        self.lost = not renewed
        return bool(renewed)


def take(tenant: int, name: str) -> Held | None:
    """The lease, or None while another holds it."""
    now = time.time()
    with transaction.atomic():
        lease, made = Lease.objects.select_for_update().get_or_create(
            tenant_id=tenant, name=name, defaults={"token": 1, "until": now + LENGTH}
        )
        if not made:
            if lease.until > now:
                return None
            lease.token += 1
            lease.until = now + LENGTH
            lease.save(update_fields=["token", "until"])
    return Held(tenant, name, lease.token)


@contextlib.contextmanager
def holding(tenant: int, name: str) -> Iterator[Held | None]:
    """Take the lease for the block and renew it in the background; gives None while another holds it."""
    held = take(tenant, name)
    if held is None:
        yield None
        return
    done = threading.Event()

    def keep() -> None:
        try:
            while not done.wait(LENGTH / 3):
                close_old_connections()
                if not held.renew():
                    return
        finally:
            connection.close()

    keeper = threading.Thread(target=keep, daemon=True, name=f"lease-{name}")
    keeper.start()
    try:
        yield held
    finally:
        done.set()
        keeper.join()
        Lease.objects.filter(tenant_id=tenant, name=name, token=held.token).update(until=0)
