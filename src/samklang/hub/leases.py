"""One worker per lane. A lease has an end, so a dead worker never blocks (one that died on this machine not even until
then), and a number that only grows, so a worker that was thought dead and comes back is known by its old number and
its writes are refused."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

from django.db import close_old_connections, connection, transaction

from samklang.hub.models import Lease

LENGTH = 60.0  # seconds; renewed at a third of it


def _myself() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that no longer runs (another machine's: never known)."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit() or int(pid) == os.getpid():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


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
            tenant_id=tenant, name=name, defaults={"token": 1, "until": now + LENGTH, "owner": _myself()}
        )
        if not made:
            if lease.until > now and not _is_dead(lease.owner):
                return None
            lease.token += 1
            lease.until, lease.owner = now + LENGTH, _myself()
            lease.save(update_fields=["token", "until", "owner"])
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
