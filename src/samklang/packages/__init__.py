"""What is agreed with a tenant where a hub is run for others: a package with features and a quota of orders, and hours.

Without a package (the default: whoever runs Samklang for themselves) nothing is gated and nothing is shown. `offer`
holds the packages as data, `terms` which of them a tenant has, `gates` what of the configuration they include, `quota`
counts orders, `watch` tells when many are used, `hours` keeps the service account. Orders are never stopped.
"""
