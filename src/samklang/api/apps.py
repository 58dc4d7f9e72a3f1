"""Django's entry to the API's own tables."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The public REST API and what other systems call."""

    name = "samklang.api"
    label = "api"
