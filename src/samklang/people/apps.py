"""Django's entry to the tables of people."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Users, their places in tenants, one-time addresses, tokens, the audit."""

    name = "samklang.people"
    label = "people"

    def ready(self) -> None:
        """What happens to accounts is noted, and their secrets follow the hub's key."""
        from samklang.hub import secrets
        from samklang.hub.keeping import retention
        from samklang.people import accounts
        from samklang.people.models import Note

        accounts.listen()
        secrets.kept_elsewhere.append(accounts.encrypt_anew)
        retention.PASTS.append(retention.Past("audit", Note, "at"))
