from django.db import migrations, models


def begin(apps, schema_editor):
    """What is whole already is no news."""
    rows = apps.get_model("reconciliation", "Statement").objects.filter(open=0)
    rows.update(reconciled_at=models.F("at"))


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0004_exports")]

    operations = [
        migrations.AddField("statement", "reconciled_at", models.DateTimeField(null=True)),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
