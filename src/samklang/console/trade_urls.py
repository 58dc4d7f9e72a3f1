"""Addresses of the reading pages: the map, orders and their journeys, articles, customers, problems, logs, reports."""

from django.urls import path

from samklang.console import articles, bulks, customers, journey, logs, orders, problems, reports, search, start

pages = [
    path("", start.start, name="start"),
    path("search", search.search, name="search"),
    path("orders", orders.orders, name="orders"),
    path("orders/act", orders.orders_act, name="orders-act"),
    path("export/orders.<slug:kind>", orders.orders_file, name="orders-file"),
    path("export/customers.<slug:kind>", customers.customers_file, name="customers-file"),
    path("export/<slug:what>.<slug:kind>", articles.articles_file, name="articles-file"),
    path("bulk/<int:number>", bulks.bulk, name="bulk"),
    path("bulk/<int:number>/end", bulks.bulk_end, name="bulk-end"),
    path("orders/<path:key>/hop/<int:number>", journey.hop, name="hop"),
    path("orders/<path:key>/act/<slug:what>", journey.act, name="journey-act"),
    path("orders/<path:key>/at/<slug:what>", journey.act_at, name="journey-act-at"),
    path("orders/<path:key>/address", journey.address, name="journey-address"),
    path("orders/<path:key>", journey.journey, name="journey"),
    path("products", articles.products, name="products"),
    path("products/<path:key>", articles.product, name="product"),
    path("stock", articles.stock, name="stock"),
    path("customers", customers.customers, name="customers"),
    path("customers/<path:key>", customers.customer, name="customer"),
    path("problems", problems.problems, name="problems"),
    path("problems/<int:number>", problems.problem, name="problem"),
    path("problems/<int:number>/assign", problems.problem_assign, name="problem-assign"),
    path("problems/<int:number>/comment", problems.problem_comment, name="problem-comment"),
    path("problems/<int:number>/<slug:what>", problems.problem_act, name="problem-act"),
    path("brakes/<int:number>/<slug:what>", problems.brake_act, name="brake-act"),
    path("transfers", logs.transfers, name="transfers"),
    path("calls", logs.calls, name="calls"),
    path("calls/<int:number>", logs.call, name="call"),
    path("statistics", reports.statistics, name="statistics"),
]
