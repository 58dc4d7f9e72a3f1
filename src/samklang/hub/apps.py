"""Django's entry to the hub's tables."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HubConfig(AppConfig):
    """The hub: tenants, connections, bindings; intake, store, delivery."""

    name = "samklang.hub"
    label = "hub"

    def ready(self) -> None:
        """Logs and traces are set up wherever the hub runs; tables compare alike in every database."""
        from samklang import logs
        from samklang.hub.collation import by_code_points
        from samklang.hub.keeping import otel

        logs.configure()
        otel.configure()
        post_migrate.connect(by_code_points, sender=self)
