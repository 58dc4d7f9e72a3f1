"""The hub's tables. Every table carries the tenant first, so that data can later be spread by tenant.

setup     Tenant, Connection, Channel, Company, Master, Flow, RuleSet, ConfigVersion; what the configuration may become:
          Draft, PlanRun with its PlanLines
road      Stored (what masters last said), Binding (record ↔ external id, wanted and delivered), FeedState (how far a
          feed was read), Hook (webhooks, stored before answered), Lease (one drainer per lane), Pace (limits over all
          workers)
looks     found again by people: OrderHead (orders by day, channel and state), Term (any record by number, name or
          address); counted by day: OrdersOfDay, Touched; read by people: Transfer, ExchangeRow, Problem with
          ProblemItem and ProblemNote, Brake, Step (journey); what a person decided of one order: Hold, Amendment; of
          many at once: Bulk
telling   what other programs are told: Subscription, Event, Message
keeping   what became of the database as a whole: Move, Restore (no tenant: they concern all)

The tables that grow with the traffic have no foreign keys in the database: each row would cost a look-up and a lock per
key, all on the same few parents. Django removes their rows when a tenant or connection goes.
"""

from __future__ import annotations

from samklang.hub.models.keeping import Move, Restore
from samklang.hub.models.looks import (
    Amendment,
    Brake,
    Bulk,
    ExchangeRow,
    Hold,
    OrderHead,
    OrdersOfDay,
    Problem,
    ProblemItem,
    ProblemNote,
    Step,
    Term,
    Touched,
    Transfer,
)
from samklang.hub.models.road import Binding, FeedState, Hook, Lease, Pace, Stored
from samklang.hub.models.setup import (
    Channel,
    Company,
    ConfigVersion,
    Connection,
    Draft,
    Flow,
    Master,
    PlanLine,
    PlanRun,
    RuleSet,
    Tenant,
)
from samklang.hub.models.telling import Event, Message, Subscription

__all__ = [
    "Amendment",
    "Binding",
    "Brake",
    "Bulk",
    "Channel",
    "Company",
    "ConfigVersion",
    "Connection",
    "Draft",
    "Event",
    "ExchangeRow",
    "FeedState",
    "Flow",
    "Hold",
    "Hook",
    "Lease",
    "Master",
    "Message",
    "Move",
    "OrderHead",
    "OrdersOfDay",
    "Pace",
    "PlanLine",
    "PlanRun",
    "Problem",
    "ProblemItem",
    "ProblemNote",
    "Restore",
    "RuleSet",
    "Step",
    "Stored",
    "Subscription",
    "Tenant",
    "Term",
    "Touched",
    "Transfer",
]
