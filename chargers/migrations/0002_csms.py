"""What the built-in CSMS needs: identities found fast, and transaction numbers that no two processes share."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chargers", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="charger",
            index=models.Index(fields=["identity"], name="charger_by_identity"),
        ),
        # One step is one block of numbers (chargers/csms/numbers.py). OCPP 1.6 transaction ids are 32 bits wide.
        migrations.RunSQL(
            "CREATE SEQUENCE chargers_csms_transaction INCREMENT BY 10000 MINVALUE 1 MAXVALUE 2147470001 CYCLE",
            "DROP SEQUENCE chargers_csms_transaction",
        ),
    ]
