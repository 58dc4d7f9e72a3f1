"""Keys are compared by code points, whatever the database itself sorts by."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from tests.hub.conftest import World


@pytest.mark.parametrize("home", ["postgresql"])
def test_every_text_of_our_tables_is_compared_by_code_points(database: Path, home: str) -> None:
    from django.apps import apps

    from samklang.hub.collation import _OTHERS

    ours = [model._meta.db_table for model in apps.get_app_config("hub").get_models()]
    assert len(ours) > 20
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, [ours])
        assert cursor.fetchall() == []


@pytest.mark.parametrize("home", ["postgresql"])
def test_a_table_that_changes_is_known_to_the_planner(world: World, home: str) -> None:
    from samklang.hub.collation import by_code_points
    from samklang.hub.models import Binding

    for key in ("o/1", "o/2"):
        Binding.objects.create(tenant=world.tenant, connection=world.erp_row, type="order", key=key)
    with connection.cursor() as cursor:
        cursor.execute('ALTER TABLE binding ALTER COLUMN key TYPE varchar(300) COLLATE "default"')
        cursor.execute("SELECT 1 FROM pg_stats WHERE tablename='binding' AND attname='key'")
        assert cursor.fetchone() is None
        by_code_points()
        cursor.execute("SELECT datcollate FROM pg_database WHERE datname = current_database()")
        if cursor.fetchone()[0] not in ("C", "POSIX"):  # else it compares so by itself, and nothing is changed
            cursor.execute("SELECT 1 FROM pg_stats WHERE tablename='binding' AND attname='key'")
            assert cursor.fetchone() is not None


def test_parts_of_a_key_are_a_range_of_it(world: World) -> None:
    """On a Swedish database `a#1` does not lie between `a#` and `a$`."""
    from samklang.hub.models import Binding

    for key in ("o/1#1", "o/1#2", "o/10#1", "o/1", "å|1"):
        Binding.objects.create(tenant=world.tenant, connection=world.erp_row, type="capture", key=key)
    found = Binding.objects.filter(key__gte="o/1#", key__lt="o/1$").order_by("key")
    assert list(found.values_list("key", flat=True)) == ["o/1#1", "o/1#2"]
    everything = list(Binding.objects.order_by("key").values_list("key", flat=True))
    assert everything == sorted(everything)
