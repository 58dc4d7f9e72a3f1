"""One worker per lane, whatever dies and whatever the clocks say.

A lease carries a number that grows with every taking. Whoever claims work under it renews it in the same transaction,
so a worker that was thought dead and comes back finds that its number is an old one and can write nothing.

Clocks are not compared between machines: a taker watches by its own clock whether the owner still renews, as
Kubernetes' leader election does. An owner that is known to be dead (a process of this machine that no longer runs) is
followed at once; one that only falls silent, after `LENGTH` seconds. The owner stops sending earlier than that, after
two thirds of the time without a successful renewal, so two never send at once.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import structlog
from django.db import DatabaseError, close_old_connections, connection, transaction

from samklang.hub.models import Lease

log = structlog.get_logger()

LENGTH = 30.0  # seconds of silence after which another may take over; renewed at a third of it


def _clock() -> float:
    """Seconds that also pass while the machine sleeps, where the system can tell (Linux)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@functools.cache
def _machine() -> str:
    """This machine, or container: where process numbers mean something."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    return f"{socket.gethostname()}/{uuid.getnode():x}"


@functools.cache
def _life(pid: int) -> str:
    """Tells this life of a process number from an earlier one; made anew after a fork."""
    return f"{pid}-{uuid.uuid4().hex[:8]}"


def _myself() -> str:
    return f"{_machine()} {_life(os.getpid())}"


def _is_dead(owner: str) -> bool:
    """Whether the owner was a process of this machine that no longer runs (another machine's: never known)."""
    machine, _, life = owner.rpartition(" ")
    pid = life.partition("-")[0]
    if machine != _machine() or not pid.isdigit():
        return False
    if int(pid) == os.getpid():
        return life != _life(os.getpid())
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class Held:
    """A lease that is ours. `token` is its number; `silent` says that the owner before us fell silent: it may still
    have a call under way."""

    def __init__(self, tenant: int, name: str, token: int, since: float, silent: bool = False) -> None:
        self.tenant = tenant
        self.name = name
        self.token = token
        self.silent = silent
        self._taken = False  # by another
        self._until = since + LENGTH * 2 / 3

    @property
    def valid(self) -> bool:
        """Whether we may still send under it."""
        return not self._taken and _clock() < self._until

    def renew(self) -> bool:
        """Tell that we live; False when somebody else has taken the lease. In a transaction it also locks the lease:
        what is written with it, is written by its holder."""
        since = _clock()
        with connection.cursor() as cursor:  # plain, as every claim does it
            cursor.execute(
                "UPDATE hub_lease SET beat=beat+1 WHERE tenant_id=%s AND name=%s AND token=%s",
                [self.tenant, self.name, self.token],
            )
            mine = cursor.rowcount == 1
        if mine:
            self._until = since + LENGTH * 2 / 3
            return True
        self._taken = True
        return False


#: Leases that this process holds now. One that is written down as ours and is not here was left by a lost connection.
_held: set[tuple[int, str]] = set()

#: What this process last saw of leases that others hold: (tenant, name) → ((token, beat), since when).
_watched: dict[tuple[int, str], tuple[tuple[int, int], float]] = {}


def _is_silent(lease: Lease) -> bool:
    """Whether the owner has not renewed for `LENGTH` seconds by our own clock."""
    place, state, now = (lease.tenant_id, lease.name), (lease.token, lease.beat), _clock()
    if _watched.get(place, (None, 0.0))[0] != state:
        _watched[place] = (state, now)
    return now - _watched[place][1] > LENGTH


def take(tenant: int, name: str) -> Held | None:
    """The lease, or None while another holds it."""
    since, place = _clock(), (tenant, name)
    try:
        with transaction.atomic():
            lease, _ = Lease.objects.select_for_update().get_or_create(tenant_id=tenant, name=name)
            silent = False
            left = lease.owner == _myself() and place not in _held
            if lease.owner and not left and not _is_dead(lease.owner):
                silent = _is_silent(lease)
                if not silent:
                    return None
            lease.token, lease.beat, lease.owner = lease.token + 1, 0, _myself()
            lease.save(update_fields=["token", "beat", "owner"])
            _held.add(place)  # before others see whose it is: another thread would think it left behind
    except BaseException:  # also a thread that is ended
        _held.discard(place)
        raise
    _watched.pop(place, None)
    return Held(tenant, name, lease.token, since, silent)


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
                try:
                    if not held.renew():
                        return
                except DatabaseError as error:  # it may be back in time; until then `valid` runs out by itself
                    log.warning("lease could not be renewed", lease=name, error=str(error))
        finally:
            connection.close()

    keeper = threading.Thread(target=keep, daemon=True, name=f"lease-{name}")
    keeper.start()
    try:
        yield held
    finally:
        done.set()
        keeper.join()
        _held.discard((tenant, name))
        Lease.objects.filter(tenant_id=tenant, name=name, token=held.token).update(owner="")
