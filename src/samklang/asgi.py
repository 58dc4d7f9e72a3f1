"""The web application, for any ASGI server; `samklang serve` runs it beside the engine."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "samklang.settings")
application = get_asgi_application()
