"""Addresses of the pages that set a tenant up: connections, channels, flows, rules, the plan, the history."""

from __future__ import annotations

from django.urls import path

from samklang.console import connect, connections

pages = [
    path("connect", connect.catalogue, name="catalogue"),
    path("connect/<slug:connector>", connect.connect, name="connect"),
    path("connections", connections.connections, name="connections"),
    path("connections/<slug:name>", connections.connection, name="connection"),
    path("connections/<slug:name>/settings", connect.change, name="connection-change"),
    path("connections/<slug:name>/pause", connections.pause, name="connection-pause"),
    path("connections/<slug:name>/resume", connections.resume, name="connection-resume"),
    path("connections/<slug:name>/check", connections.check, name="connection-check"),
    path("connections/<slug:name>/hooks", connections.hooks, name="connection-hooks"),
]
