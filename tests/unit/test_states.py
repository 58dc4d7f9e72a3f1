"""The order's life: what may follow what, and what is late (MODEL §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samklang.records import OrderStatus
from samklang.records.states import AXES, axes_of, forward, may_follow, states

statuses = st.builds(
    OrderStatus,
    order=st.just("nordljus/1"),
    lifecycle=st.sampled_from(("", *states()["lifecycle"])),
    fulfilment=st.sampled_from(("", *states()["fulfilment"])),
    payment=st.sampled_from(("", *states()["payment"])),
)


@pytest.mark.parametrize(
    ("axis", "before", "after", "may"),
    [
        ("fulfilment", "ready", "picking", True),
        ("fulfilment", "none", "shipped", True),
        ("fulfilment", "waiting_stock", "ready", True),
        ("fulfilment", "ready", "waiting_stock", True),
        ("fulfilment", "picking", "ready", True),
        ("fulfilment", "shipped", "picking", False),
        ("fulfilment", "partly_shipped", "ready", False),
        ("fulfilment", "delivered", "shipped", False),
        ("lifecycle", "cancelled", "confirmed", False),
        ("lifecycle", "draft", "closed", True),
        ("payment", "captured", "authorised", False),
        ("payment", "disputed", "captured", True),
        ("payment", "refunded", "captured", False),
    ],
)
def test_what_may_follow_what(axis: str, before: str, after: str, may: bool) -> None:
    """O-08: an order only goes on; back from picking only where the warehouse has put it back."""
    assert may_follow(axis, before, after) is may  # type: ignore[arg-type]


@given(statuses, statuses)
def test_no_axis_ever_goes_where_it_may_not(before: OrderStatus, after: OrderStatus) -> None:
    kept, refused = forward(before, after)
    for axis in AXES:
        assert may_follow(axis, getattr(before, axis), getattr(kept, axis))
        assert getattr(kept, axis) in (getattr(before, axis), getattr(after, axis))
    assert bool(refused) == any(getattr(after, axis) not in ("", getattr(kept, axis)) for axis in AXES)


@given(statuses, statuses)
def test_hearing_the_same_twice_changes_nothing(before: OrderStatus, after: OrderStatus) -> None:
    once, _ = forward(before, after)
    assert forward(once, after)[0] == once or forward(before, after)[1]


def test_goods_that_have_left_cannot_be_cancelled() -> None:
    sent = OrderStatus(order="nordljus/1", lifecycle="confirmed", fulfilment="partly_shipped")
    kept, refused = forward(sent, OrderStatus(order="nordljus/1", lifecycle="cancelled"))
    assert kept.lifecycle == "confirmed"
    assert refused == ("confirmed → cancelled",)


def test_words_name_their_axis() -> None:
    assert axes_of(["confirmed", "waiting_stock"]) == {"lifecycle": "confirmed", "fulfilment": "waiting_stock"}
    assert axes_of(["payment:expired", "ignore"]) == {"payment": "expired"}
    with pytest.raises(ValueError, match="'expired' is no state"):
        axes_of(["expired"])
    with pytest.raises(ValueError, match="both about fulfilment"):
        axes_of(["shipped", "delivered"])
