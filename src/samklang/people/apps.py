"""Django's entry to the tables of people."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Users, their places in tenants, one-time addresses."""

    name = "samklang.people"
    label = "people"
