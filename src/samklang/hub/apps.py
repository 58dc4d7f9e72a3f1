"""Django's entry to the hub's tables."""

from django.apps import AppConfig


class HubConfig(AppConfig):
    """The hub: tenants, connections, bindings; intake, store, delivery."""

    name = "samklang.hub"
    label = "hub"

    def ready(self) -> None:
        """Logs and traces are set up wherever the hub runs."""
        from samklang import logs
        from samklang.hub.keeping import otel

        logs.configure()
        otel.configure()
