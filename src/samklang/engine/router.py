"""Procrastinate's tables belong on PostgreSQL only; on SQLite its migrations are passed by."""

from __future__ import annotations

from django.db import connections


class OnlyOnPostgreSQL:
    """A database router (Django's setting DATABASE_ROUTERS)."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool | None:
        """Whether an app's tables may stand in a database; None = no opinion."""
        return connections[db].vendor == "postgresql" if app_label == "procrastinate" else None
