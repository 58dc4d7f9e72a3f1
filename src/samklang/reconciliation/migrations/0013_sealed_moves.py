"""A line or a source row of another voucher cannot be put into a posted one either (0002 refuses new ones, and changes
of its own)."""

from django.db import migrations

MESSAGE = "a posted voucher is never changed"
VOUCHER, LINE, REF = ("reconciliation_voucher", "reconciliation_voucherline", "reconciliation_voucherref")
MOVED = (
    "OLD.voucher_id <> NEW.voucher_id AND EXISTS"
    f" (SELECT 1 FROM {VOUCHER} v WHERE v.id = NEW.voucher_id AND v.state IN ('posted', 'reversed'))"
)
TRIGGERS = (("voucher_line_moved", LINE), ("voucher_ref_moved", REF))


def seal(apps, schema_editor):
    run = schema_editor.execute
    for name, table in TRIGGERS:
        if schema_editor.connection.vendor == "sqlite":
            run(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW WHEN {MOVED}"
                f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
            continue
        run(
            f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {MOVED} THEN RAISE EXCEPTION '{MESSAGE}'"
            " USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$ LANGUAGE plpgsql"
        )
        run(f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def unseal(apps, schema_editor):
    for name, table in TRIGGERS:
        on = f" ON {table} CASCADE" if schema_editor.connection.vendor != "sqlite" else ""
        schema_editor.execute(f"DROP TRIGGER {name}{on}")
        if on:
            schema_editor.execute(f"DROP FUNCTION {name}()")


class Migration(migrations.Migration):

    dependencies = [
        ('reconciliation', '0012_about'),
    ]

    operations = [
        migrations.RunPython(seal, unseal),
    ]
