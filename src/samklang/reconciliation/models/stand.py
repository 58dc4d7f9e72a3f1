"""How far the books are: the last run, what the ledger allows, and statements that come by themselves."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from samklang.hub.models import Company, Connection, Tenant


class Books(models.Model):
    """How far a company's books are: what the last run has seen, and how it ended; what the last check has found."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.OneToOneField(Company, models.PROTECT)
    wanted = models.BigIntegerField(default=0)  # grows when something has happened that the books must know
    done = models.BigIntegerField(default=0)  # what `wanted` was when the last good run began
    read_until = models.FloatField(default=0)  # epoch seconds: orders changed before were seen
    ran_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0)
    error = models.TextField(default="", blank=True)
    checked_at = models.DateTimeField(null=True)
    checked = models.IntegerField(default=0)  # vouchers that were compared with what was approved
    changed = models.JSONField(default=list)  # keys of those that are something else now
    differing = models.IntegerField(default=0)  # kept figures that are not what they are derived to be


class LedgerState(models.Model):
    """What the ledger last said of itself (connectors/contract.py, Ledger): drafts are judged by it."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.OneToOneField(Connection, models.CASCADE)
    at = models.DateTimeField()
    body = models.BinaryField()


class Source(models.Model):
    """How the statements of a company come from a connection by themselves: its last run (fetching.py)."""

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    company = models.ForeignKey(Company, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    ran_at = models.DateTimeField(null=True)
    well_at = models.DateTimeField(null=True)  # the last run that ended well
    taken = models.IntegerField(default=0)  # papers of the last run
    refused = models.IntegerField(default=0)
    total = models.IntegerField(default=0)  # of all runs
    error = models.TextField(default="", blank=True)  # why the last run broke off
    read_until = models.DateField(null=True)  # the day of the last run that ended well: the next goes on from there
    swept_on = models.DateField(null=True)  # the day of the last run that asked for everything

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "company", "connection"], name="one_source")]


class Fetched(models.Model):
    """A paper that a connection has given, so that it is not asked for again; `error` is why it was refused.

    `day` is the one by which it is listed, where the connection tells: one that was refused is asked for from there.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE)
    connection = models.ForeignKey(Connection, models.CASCADE)
    name = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now=True)
    error = models.TextField(default="", blank=True)
    day = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "connection", "name"], name="one_fetched")]
