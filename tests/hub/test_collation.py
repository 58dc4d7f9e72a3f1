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


def test_parts_of_a_key_are_a_range_of_it(world: World) -> None:
    """On a Swedish database `a#1` does not lie between `a#` and `a$`."""
    from samklang.hub.models import Binding

    for key in ("o/1#1", "o/1#2", "o/10#1", "o/1", "å|1"):
        Binding.objects.create(tenant=world.tenant, connection=world.erp_row, type="capture", key=key)
    found = Binding.objects.filter(key__gte="o/1#", key__lt="o/1$").order_by("key")
    assert list(found.values_list("key", flat=True)) == ["o/1#1", "o/1#2"]
    everything = list(Binding.objects.order_by("key").values_list("key", flat=True))
    assert everything == sorted(everything)
