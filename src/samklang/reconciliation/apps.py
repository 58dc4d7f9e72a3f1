"""Django's entry to the tables of the books."""

from django.apps import AppConfig


class ReconciliationConfig(AppConfig):
    """Reconciliation: statements, matches, vouchers."""

    name = "samklang.reconciliation"
    label = "reconciliation"

    def ready(self) -> None:
        """When the key for secrets is changed, what we keep sealed is too; an order's journey ends in the books."""
        from samklang.hub import secrets
        from samklang.hub.looks import journeys
        from samklang.reconciliation.kept import encrypt_anew
        from samklang.reconciliation.stations import stations

        secrets.kept_elsewhere.append(encrypt_anew)
        journeys.MORE.append(stations)
