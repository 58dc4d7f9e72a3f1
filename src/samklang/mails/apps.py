"""Django's entry to the tables of mails."""

from django.apps import AppConfig


class MailsConfig(AppConfig):
    """Mails to the people of a tenant."""

    name = "samklang.mails"
    label = "mails"
