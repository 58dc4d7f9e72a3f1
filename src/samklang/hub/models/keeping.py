"""What became of the database as a whole (hub/keeping): of no tenant, they concern all."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone


class Move(models.Model):
    """A move of the whole hub to another database (keeping/moving.py). The row is written before anything is copied and
    comes along with the copy; `done` is set first in the old database, which is left with it, then in the new one,
    which is used only from then on."""

    number = models.UUIDField(unique=True)
    begun_at = models.DateTimeField()
    to = models.TextField()  # address without its password
    done = models.BooleanField(default=False)


class Restore(models.Model):
    """The database came out of a backup: what was done after that was made is not in it (keeping/backups.py)."""

    at = models.DateTimeField()

    @classmethod
    def lately(cls) -> bool:
        """Whether creates must be looked for first, because a lost hub may have done them: for a month, as a connection
        may be paused meanwhile."""
        return cls.objects.filter(at__gt=timezone.now() - timedelta(days=30)).exists()
