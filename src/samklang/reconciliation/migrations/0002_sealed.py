"""A posted voucher is never changed: not by us, not by hand. It may only become reversed (RECONCILIATION §3).

SQLite forgets triggers when Django rebuilds a table: whoever alters one of these tables later puts them on again
(tests/reconciliation/test_sealed.py fails until then).
"""

from django.db import migrations

KEPT = (
    "tenant_id", "company_id", "key", "series", "date", "about", "text", "source", "currency", "turnover",
    "line_count", "reverses", "hash", "number", "approved_by", "approved_at", "posted_at",
)
SEALED = "('posted', 'reversed')"
VOUCHER, LINE, REF = ("reconciliation_voucher", "reconciliation_voucherline", "reconciliation_voucherref")
MESSAGE = "a posted voucher is never changed"


def _differs(distinct):
    fields = " OR ".join(f"OLD.{field} {distinct} NEW.{field}" for field in KEPT)
    back = f"NEW.state NOT IN {SEALED} OR (OLD.state = 'reversed' AND NEW.state <> 'reversed')"
    return f"OLD.state IN {SEALED} AND ({fields} OR {back})"


def _of_sealed(row):
    return f"EXISTS (SELECT 1 FROM {VOUCHER} v WHERE v.id = {row}.voucher_id AND v.state IN {SEALED})"


#: A line of a sealed voucher may only be put where one of its own is missing (a hub that is moved is copied like that).
FULL = (
    f"EXISTS (SELECT 1 FROM {VOUCHER} v WHERE v.id = NEW.voucher_id AND v.state IN {SEALED} AND v.line_count <="
    f" (SELECT count(*) FROM {LINE} l WHERE l.voucher_id = NEW.voucher_id))"
)


def _triggers(distinct):
    yield "voucher_kept", "UPDATE", VOUCHER, _differs(distinct)
    yield "voucher_stays", "DELETE", VOUCHER, f"OLD.state IN {SEALED}"
    for name, table in (("line", LINE), ("ref", REF)):
        yield f"voucher_{name}_kept", "UPDATE", table, _of_sealed("OLD")
        yield f"voucher_{name}_stays", "DELETE", table, _of_sealed("OLD")
    yield "voucher_line_added", "INSERT", LINE, FULL


def seal(apps, schema_editor):
    run = schema_editor.execute
    if schema_editor.connection.vendor == "sqlite":
        for name, what, table, when in _triggers("IS NOT"):
            run(
                f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW WHEN {when}"
                f" BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        return
    run(
        "CREATE FUNCTION voucher_sealed() RETURNS trigger AS $$ BEGIN"
        f" RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$ LANGUAGE plpgsql"
    )
    # A condition of a trigger may not ask other tables on PostgreSQL: the function asks them.
    for name, what, table, when in _triggers("IS DISTINCT FROM"):
        if table == VOUCHER:
            run(
                f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW WHEN ({when})"
                " EXECUTE FUNCTION voucher_sealed()"
            )
            continue
        row = "OLD" if what == "DELETE" else "NEW"
        run(
            f"CREATE FUNCTION {name}() RETURNS trigger AS $$ BEGIN IF {when} THEN RAISE EXCEPTION '{MESSAGE}'"
            f" USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {row}; END $$ LANGUAGE plpgsql"
        )
        run(f"CREATE TRIGGER {name} BEFORE {what} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def unseal(apps, schema_editor):
    for name, _what, table, _when in _triggers("IS NOT"):
        on = f" ON {table} CASCADE" if schema_editor.connection.vendor != "sqlite" else ""
        schema_editor.execute(f"DROP TRIGGER {name}{on}")
        if on and table != VOUCHER:
            schema_editor.execute(f"DROP FUNCTION {name}()")
    if schema_editor.connection.vendor != "sqlite":
        schema_editor.execute("DROP FUNCTION voucher_sealed()")


class Migration(migrations.Migration):

    dependencies = [
        ('reconciliation', '0001_first'),
    ]

    operations = [
        migrations.RunPython(seal, unseal),
    ]
