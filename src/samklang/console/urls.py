"""Addresses of the pages. All are read-only: what changes something is on the command line until there are logins."""

from django.urls import path

from samklang.console import views

app_name = "console"
urlpatterns = [
    path("", views.start, name="start"),
    path("map", views.map_part, name="map"),
    path("orders", views.orders, name="orders"),
    path("orders/<path:key>", views.journey, name="journey"),
    path("products", views.products, name="products"),
    path("problems", views.problems, name="problems"),
    path("flows", views.flows, name="flows"),
    path("transfers", views.transfers, name="transfers"),
    path("static/<slug:stamp>/<str:name>", views.static_file, name="static"),
]
