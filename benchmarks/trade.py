"""Sets up a tenant that trades: a shop and an ERP (benchmarks/stands.py), orders and customers in, their status back.

Run as a process of its own with the hub's environment; prints the secret that the shop signs its webhooks with.
"""

from __future__ import annotations

import argparse
import sys
import time

import django
import urllib3


def main() -> None:
    """Set up on a new database."""
    parser = argparse.ArgumentParser()
    parser.add_argument("shop")
    parser.add_argument("ledger")
    args = parser.parse_args()
    django.setup()
    from django.core.management import call_command

    from samklang.connectors.contract import Tokens
    from samklang.hub import flows
    from samklang.hub.hooks import hook_secret
    from samklang.hub.links import DatabaseTokens
    from samklang.hub.models import Channel, Connection, Tenant
    from samklang.hub.setup import config

    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.create(slug="bench", name="Bench AB")
    shop = Connection.objects.create(tenant=tenant, name="shop", connector="woocommerce", settings={"url": args.shop})
    config.set_secrets(shop, {"consumer_key": "ck_sandbox", "consumer_secret": "cs_sandbox"})
    settings = {"client_id": "sandbox", "api_address": args.ledger, "login_address": args.ledger}
    erp = Connection.objects.create(tenant=tenant, name="erp", connector="fortnox", settings=settings)
    config.set_secrets(erp, {"client_secret": "sandbox-secret"})
    given = urllib3.request("POST", f"{args.ledger}/_sandbox/tokens", json={}).json()["result"]
    tokens = Tokens(access=given["access_token"], refresh=given["refresh_token"], expires_at=time.time() + 3600)
    DatabaseTokens(erp).save(tokens)
    channel = Channel.objects.create(tenant=tenant, code="shop", connection=shop)
    for type_ in ("customer", "order"):
        flows.set_flow(channel, type_, shop, erp, enabled=True, **flows.manners(type_))
    flows.set_flow(channel, "order_status", erp, shop, enabled=True)
    sys.stdout.write(hook_secret(shop) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
