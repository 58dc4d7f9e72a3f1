"""PostgreSQL's upkeep of the three tables that change all the time. SQLite has no such settings.

A deleted or replaced row stays in its page until a vacuum. By default one begins when a fifth of the table is dead: of
a million bindings 200,000 rows, and their entries in five indexes. At two hundredths it comes ten times as often and
takes a tenth; statistics come as often, for the planner must know that hardly any binding is open.

binding   A sweep writes `generation` of every binding that it sees, a column without an index. Such an update leaves
          the indexes alone if the new version finds room in its page ("HOT"). Whole pages are touched at once, so half
          of each is kept free. 200,000 bindings after three sweeps: with full pages the table had grown from 38 to
          75 MB and its indexes from 29 to 42; with half pages both stayed (78 and 29 MB), in half the time.
record    Its one index is the primary key, so every update can be HOT; single records change here and there, and a
          tenth of a page is room for one of 1 KB at most times.
exchange  Never updated, deleted from the old end by the hour (hub/retention.py): full pages.
"""

from django.db import migrations

_SETTINGS = {
    "binding": {"fillfactor": 50, "autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.02},
    "record": {"fillfactor": 90, "autovacuum_vacuum_scale_factor": 0.02, "autovacuum_analyze_scale_factor": 0.05},
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
