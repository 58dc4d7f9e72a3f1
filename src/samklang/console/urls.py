"""Addresses of the pages. Whatever belongs to a tenant lies under /t/<tenant>/; who may open it, each view says."""

from django.urls import include, path

from samklang.console import doors, statics, style, views

pages = [
    path("", views.start, name="start"),
    path("map", views.map_part, name="map"),
    path("orders", views.orders, name="orders"),
    path("orders/<path:key>", views.journey, name="journey"),
    path("products", views.products, name="products"),
    path("problems", views.problems, name="problems"),
    path("flows", views.flows, name="flows"),
    path("transfers", views.transfers, name="transfers"),
    path("nothing", doors.nothing, name="nothing"),
]
urlpatterns = [
    path("", doors.index, name="index"),
    path("login", doors.enter, name="login"),
    path("logout", doors.leave, name="logout"),
    path("enter/<str:token>", doors.ticket, name="ticket"),
    path("t/<slug:tenant>/", include((pages, "console"))),
    path("static/<slug:stamp>/<str:name>", statics.static_file, name="static"),
    path("style", style.style, name="style"),
]
