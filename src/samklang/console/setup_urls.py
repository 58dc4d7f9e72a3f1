"""Addresses of the pages that set a tenant up: connections, channels, flows, tables, rules, the plan, the history."""

from __future__ import annotations

from django.urls import path

from samklang.console import connect, connections, flow, flows, history, maps, plans, rules

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
    path("flows", flows.flows, name="flows"),
    path("flows/<slug:channel>/cell", flows.cell, name="flow-cell"),
    path("flows/<slug:channel>/preset", flows.preset, name="flow-preset"),
    path("flows/<slug:channel>/<slug:type_>/<slug:target>", flow.flow, name="flow"),
    path("flows/<slug:channel>/<slug:type_>/<slug:target>/anew", flow.anew, name="flow-anew"),
    path("flows/<slug:channel>/<slug:type_>/<slug:target>/when", rules.flow_when, name="flow-when"),
    path("maps", maps.tables, name="maps"),
    path("maps/<slug:channel>/<slug:of>/<slug:source>/<slug:target>", maps.table, name="map"),
    path("maps/<slug:channel>/<slug:of>/<slug:source>/<slug:target>/anew", maps.anew, name="map-anew"),
    path("rules", rules.rules, name="rules"),
    path("rules/<slug:connection>/<slug:direction>/<slug:type_>", rules.chain, name="chain"),
    path("rules/<slug:connection>/<slug:direction>/<slug:type_>/arrange", rules.arrange, name="chain-arrange"),
    path("rules/<slug:connection>/<slug:direction>/<slug:type_>/<int:number>", rules.rule, name="rule"),
    path("channels", flow.channels, name="channels"),
    path("channels/new", flow.channel, name="channel-new"),
    path("channels/<slug:code>/edit", flow.channel, name="channel"),
    path("channels/<slug:code>/gone", flow.channel_gone, name="channel-gone"),
    path("connections/<slug:name>/words", flow.status_words, name="status-words"),
    path("plan", plans.plan, name="plan"),
    path("plan/ask", plans.ask, name="plan-ask"),
    path("plan/<int:number>/stop", plans.stop, name="plan-stop"),
    path("plan/<int:number>/apply", plans.apply, name="plan-apply"),
    path("plan/from-now/<slug:channel>/<slug:target>", plans.from_now, name="plan-from-now"),
    path("brakes", plans.brakes, name="brakes"),
    path("brakes/<int:number>", plans.brake, name="brake"),
    path("history", history.history, name="history"),
    path("history/<int:number>", history.version, name="version"),
    path("history/<int:number>/back", history.back, name="version-back"),
    path("history/import", history.upload, name="import"),
    path("history/samklang.toml", history.export, name="export"),
    path("draft/drop", flows.drop, name="draft-drop"),
]
