"""All addresses. The console's pages answer only where they are switched on (settings.SAMKLANG_CONSOLE)."""

from django.urls import include, path

from samklang.api import views

urlpatterns = [
    path("hooks/<slug:tenant>/<slug:connection_name>", views.hook),
    path("health", views.health),
    path("ready", views.ready),
    path("metrics", views.metrics),
    path("api/v1/", include("samklang.api.v1.urls")),
    path("", include("samklang.console.urls")),
]
