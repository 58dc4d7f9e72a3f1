"""Movements → vouchers. Model A: one per channel, day and kind; model B: one per capture or refund of an order.

A company whose ledger keeps no invoices gets the open invoices of a day in the day's voucher, one line for each.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from samklang.accounting.company import Company
from samklang.accounting.draft import Draft
from samklang.accounting.fx import Exchange
from samklang.accounting.places import Place
from samklang.accounting.problems import Problem, Refused
from samklang.accounting.sales import Kind, Movement, movements, post
from samklang.accounting.voucher import Source, Voucher
from samklang.records import Order

_SOURCES: dict[Kind, Source] = {
    "sales": "sales", "refunds": "refunds", "prepaid": "sales", "delivered": "sales",
}  # fmt: skip
#: What a key has after what it is of: a correction's count, or the halves that the row limit made.
_VERSION_OR_PART = re.compile(r"(/[12])*(@\d+)?$")


class Booked(NamedTuple):
    """What a set of facts became: vouchers, and what a person must look at. Nothing is in both."""

    vouchers: tuple[Voucher, ...]
    problems: tuple[Problem, ...]


class Sales(NamedTuple):
    """The vouchers of captures and refunds, the orders that could not be booked, and what was: see expected.py."""

    vouchers: tuple[Voucher, ...]
    problems: tuple[Problem, ...]
    movements: tuple[Movement, ...]
    refused: frozenset[str]  # keys of the orders that could not be booked


class _Group(NamedTuple):
    """What shares a voucher; `invoice` is the movement's id where it has one of its own."""

    day: date
    channel: str
    kind: Kind
    invoice: str


class _Posted(NamedTuple):
    """A movement and its lines."""

    movement: Movement
    draft: Draft


def book_sales(
    orders: Iterable[Order],
    company: Company,
    exchange: Exchange,
    delivered: Mapping[str, date] | None = None,
    posted: Collection[str] = (),
    stand: Mapping[str, Place] | None = None,
) -> Sales:
    """Vouchers for all captures and refunds of the orders, oldest first; `delivered` is the day per order key.

    `posted` are the keys of vouchers that the ledger has, or ids of payments in them: what belongs to one of them may
    lie in a closed period.
    `stand` is where orders are posted already, by key: there they stay.

    An order that cannot be booked (VAT, amounts, a missing account or rate, a closed period) is a problem as a whole;
    its neighbours are booked.
    """
    groups: defaultdict[_Group, list[_Posted]] = defaultdict(list)
    there = frozenset(posted) | {_VERSION_OR_PART.sub("", key) for key in posted}
    problems, refused = [], set()
    for order in orders:
        delivery, place = (delivered or {}).get(order.key), (stand or {}).get(order.key)
        try:
            found = [
                _posted(movement, company, exchange, there) for movement in movements(order, company, delivery, place)
            ]
        except Refused as error:
            problems.append(error.problem)
            refused.add(order.key)
            continue
        for one in found:
            groups[_group(one.movement)].append(one)
    vouchers = [
        voucher
        for group in sorted(groups)
        for voucher in _vouchers(group, sorted(groups[group], key=lambda one: one.movement.id), company)
    ]
    booked = [one.movement for group in sorted(groups) for one in groups[group]]
    return Sales(
        vouchers=tuple(vouchers),
        problems=tuple(sorted(problems, key=lambda problem: (problem.where, problem.code))),
        movements=tuple(sorted(booked, key=lambda movement: (movement.day, movement.id, movement.kind))),
        refused=frozenset(refused),
    )


def _posted(movement: Movement, company: Company, exchange: Exchange, there: Collection[str]) -> _Posted:
    """The movement's own lines. A missing account stops its order here, before it can stop the whole day."""
    known = movement.id in there or _key(_group(movement), company) in there
    if movement.day >= company.begins and not known:
        company.check_open(movement.day, movement.order)
    draft = Draft(company, company.channels[movement.channel].dimensions)
    post(draft, movement, company, exchange)
    return _Posted(movement, draft)


def _group(movement: Movement) -> _Group:
    return _Group(movement.day, movement.channel, movement.kind, movement.id if movement.own else "")


def _vouchers(group: _Group, found: Sequence[_Posted], company: Company, part: str = "") -> list[Voucher]:
    """The group's voucher, halved until each half fits the ledger's row limit (edge case 48)."""
    draft = Draft(company)
    for posted in found:
        draft.add(posted.draft)
    voucher = draft.voucher(*_heading(group, [posted.movement for posted in found], company, part))
    if voucher is None:
        return []
    if len(voucher.lines) <= company.row_limit or len(found) == 1:
        return [voucher]
    half = len(found) // 2
    return [
        *_vouchers(group, found[:half], company, f"{part}/1"),
        *_vouchers(group, found[half:], company, f"{part}/2"),
    ]


def _key(group: _Group, company: Company) -> str:
    """Key of the group's voucher, or what the keys of its parts begin with."""
    if group.invoice:
        return f"{company.code}/{_document(group)}/{group.invoice}"
    return f"{company.code}/{group.kind}/{group.channel}/{group.day}"


def _document(group: _Group) -> Literal["invoice", "credit_invoice"]:
    return "invoice" if group.kind == "sales" else "credit_invoice"


def _heading(group: _Group, found: Sequence[Movement], company: Company, part: str) -> tuple[Source, date, str, str]:
    """Source, date, text and key of the group's voucher."""
    text, first, key = company.chart.text, found[0], _key(group, company) + part
    if group.invoice:
        source: Source = "invoice_part" if first.part else "invoice"
        return source, group.day, text(_document(group), order=first.order_no), key
    if group.kind == "refunds" and len({movement.order for movement in found}) == 1:
        return "refunds", group.day, text("refund", order=first.order_no), key
    return _SOURCES[group.kind], group.day, text(group.kind, day=group.day), key
