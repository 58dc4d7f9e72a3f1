"""PostgreSQL's upkeep of the three tables that change all the time. SQLite has no such settings.

A deleted or replaced row stays in its page until a vacuum. By default one begins when a fifth of the table is dead: of
a million bindings 200,000 rows, five indexes with them. Two hundredths make it ten times as frequent and ten times as
short, so the dead never weigh more than a sweep's page reads; statistics follow as often, for the planner must see that
hardly any binding is open.

binding   A sweep writes `generation` of every binding it sees, a column without an index. Such an update stays in its
          page and leaves the five indexes alone (a "HOT" update) if there is room for the new version: a fifth is
          kept free. Changes of `state` cannot be HOT, for `binding_open` holds it.
record    The one index is the primary key, so every update can be HOT. Bodies are about 1 KB, 7 to a page: a fifth
          free is room for one at a time, and a vacuum is not needed for it to be used again.
exchange  Never updated, deleted from the old end by the hour (hub/retention.py): full pages, and a vacuum while what
          was deleted is still a small piece.
"""

from django.db import migrations

_SETTINGS = {
    "binding": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02},
    "record": {"fillfactor": 80, "autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.05},
    "exchange": {"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.05},
}


def keep_small(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, settings in _SETTINGS.items():
            given = ", ".join(f"{name} = {value}" for name, value in settings.items())
            schema_editor.execute(f"ALTER TABLE {table} SET ({given})")


def as_before(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table, settings in _SETTINGS.items():
            schema_editor.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")


class Migration(migrations.Migration):

    dependencies = [
        ("hub", "0003_move_restore"),
    ]

    operations = [
        migrations.RunPython(keep_small, as_before, elidable=False),
    ]
