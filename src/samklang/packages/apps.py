"""Django's entry to the tables of packages."""

from django.apps import AppConfig


class PackagesConfig(AppConfig):
    """What is agreed with tenants, what they use of it, and their hours."""

    name = "samklang.packages"
    label = "packages"

    def ready(self) -> None:
        """What a package does not include is not switched on."""
        from samklang.hub.setup import gates
        from samklang.packages.gates import gate

        gates.GATES.append(gate)
