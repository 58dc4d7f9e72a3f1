"""What is wrong: problems on records whose deliveries stopped, what waits, a brake, problems that went away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from django.db import connection as database
from django.db import transaction

from benchmarks.filled.house import House, moment, pages
from benchmarks.numbered import article_key, order_key, word
from samklang.connectors.errors import Rejected
from samklang.hub import problems
from samklang.hub.models import Brake, Connection, Problem, ProblemItem

_CLOSED = 20  # for so many open problems there is one that went away lately
_OF_ORDERS = 10  # every tenth problem is of orders
_WIDE, _WIDER = 10, 1000  # every so many-th has many records, or very many
_MANY, _VERY_MANY = 20, 2000


class _Trouble(NamedTuple):
    """The n-th problem and its records."""

    n: int
    target: Connection
    type: str
    keys: list[str]


def fill(house: House) -> None:
    """Problems with their records; then what only waits. ValueError when there are too few articles to be wrong."""
    if house.size.articles < 4 * house.size.problems:
        raise ValueError("there must be four articles for each problem")
    for page in pages(_all(house), 200):
        for target in (house.erp, house.shops["se"]):
            _report(house, target, [one for one in page if one.target == target])
    _over(house)
    _spread(house)
    _waiting(house)


def _all(house: House) -> Iterator[_Trouble]:
    """Every record has one problem at most, so each problem takes the next records: articles from the first on, of
    orders the newest."""
    size = house.size
    articles, orders = iter(range(size.articles)), iter(range(size.orders - 1, -1, -1))
    for n in range(size.problems + size.problems // _CLOSED):
        count = 1 + n % 3
        if n % _WIDE == 3:
            count = min(_MANY, size.articles // size.problems)
        if n % _WIDER == 5:
            count = min(_VERY_MANY, size.articles // 100)
        if n % _OF_ORDERS == 9:
            yield _Trouble(n, house.erp, "order", [order_key(next(orders)) for _ in range(1 + n % 2)])
        else:
            yield _Trouble(n, house.shops["se"], "product", [article_key(next(articles)) for _ in range(count)])


def _report(house: House, target: Connection, some: list[_Trouble]) -> None:
    found = [
        problems.Trouble(
            "out", one.type, key,
            Rejected(
                f"{word(one.n)} '{key}' is not known to the system", where=f"{one.type} {key}",
                do_this=f"Make {word(one.n)} there, then retry.",
            ),
        )
        for one in some
        for key in one.keys
    ]  # fmt: skip
    problems.report(house.tenant.pk, target.pk, found)
    keys: dict[str, list[str]] = defaultdict(list)
    for one in some:
        keys[one.type] += one.keys
    for type_, these in keys.items():
        house.not_in_step(target, type_, these, "stopped", troubled=True)


def _over(house: House) -> None:
    """The last ones went away again."""
    last = Problem.objects.filter(tenant=house.tenant, closed_at=None).order_by("-pk")
    gone = list(last.values_list("pk", flat=True)[: house.size.problems // _CLOSED])
    items = ProblemItem.objects.filter(tenant=house.tenant, problem__in=gone)
    for connection, type_ in set(items.values_list("connection_id", "type")):
        keys = list(items.filter(connection=connection, type=type_).values_list("key", flat=True))
        problems.clear(house.tenant.pk, connection, "out", type_, keys)


def _spread(house: House) -> None:
    """Problems came one after the other in the last ten days, not all now."""
    rows = list(Problem.objects.filter(tenant=house.tenant, closed_at=None).order_by("pk").values_list("pk", flat=True))
    step = 10 * 86_400 / max(1, len(rows))
    with transaction.atomic(), database.cursor() as cursor:
        cursor.executemany(
            "UPDATE hub_problem SET first_at=%s, last_at=%s WHERE id=%s",
            [
                (moment(house.now - step * (len(rows) - n)), moment(house.now - step * (len(rows) - n) / 2), pk)
                for n, pk in enumerate(rows)
            ],
        )


def _waiting(house: House) -> None:
    """Deliveries under way, and a mass change behind a brake."""
    size, now = house.size, house.now
    middle = [article_key(n) for n in range(size.articles // 2, size.articles)]
    newest = [order_key(n) for n in range(size.orders - 1 - size.orders // 500, size.orders)]
    held = [f"{key}|@se" for key in middle[: size.articles // 250]]
    with transaction.atomic():
        house.not_in_step(house.shops["se"], "price", [f"{key}||SEK|1" for key in middle[:50]], "due", due_at=now - 40)
        house.not_in_step(house.wms, "order", newest[:100], "waiting", waiting_on="variant kopp-x")
        house.not_in_step(house.wms, "order", newest[100:], "due", due_at=now - 5)
        house.not_in_step(house.shops["se"], "stock", held, "held", risk="zero", risk_at=now)
        Brake.objects.create(
            tenant=house.tenant, connection=house.shops["se"], type="stock", risk="zero", count=len(held),
            of=size.articles,
        )  # fmt: skip
