"""What a rule is: plain data, tagged by `do` (actions) and `is` (conditions), strict about every name.

Fields are named by path (see `paths`). Text in `value`, `values`, `message` and `reason` is a template: `{path}` stands
for a field of the record. Decimals are written as text ("12.50"). Every action and condition has an example in
docs/how-to/rules.md, and a test holds that page to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

import msgspec

from samklang.records.base import Value

Scalar = str | int | bool


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all that rules are made of: unknown names are errors."""


class _Condition(_Strict, frozen=True, tag_field="is"):
    """Base of conditions. Where a path names several values, one that fits is enough."""


class Equals(_Condition, frozen=True, tag="equals"):
    """The field has the value; numbers compare as numbers, dates as dates (`today` is allowed)."""

    field: str
    value: Scalar
    ignore_case: bool = False


class NotEquals(_Condition, frozen=True, tag="not_equals"):
    """No value of the field is the given one."""

    field: str
    value: Scalar
    ignore_case: bool = False


class OneOf(_Condition, frozen=True, tag="in"):
    """The field has one of the values."""

    field: str
    values: tuple[Scalar, ...]
    ignore_case: bool = False


class Contains(_Condition, frozen=True, tag="contains"):
    """The text stands somewhere in the field."""

    field: str
    value: str
    ignore_case: bool = False


class StartsWith(_Condition, frozen=True, tag="starts_with"):
    """The field begins with the text."""

    field: str
    value: str
    ignore_case: bool = False


class Matches(_Condition, frozen=True, tag="matches"):
    """The regular expression is found in the field (`^…$` for the whole); see `patterns` for what is refused."""

    field: str
    value: str
    ignore_case: bool = False


class Greater(_Condition, frozen=True, tag="greater"):
    """The field is above the number, or after the date; text that is no number is neither greater nor less."""

    field: str
    value: str | int


class Less(_Condition, frozen=True, tag="less"):
    """The field is below the number, or before the date."""

    field: str
    value: str | int


class Empty(_Condition, frozen=True, tag="empty"):
    """The field is missing, blank, or has no rows."""

    field: str


class NotEmpty(_Condition, frozen=True, tag="not_empty"):
    """The field holds something."""

    field: str


class All(_Condition, frozen=True, tag="all"):
    """Every condition holds (none given: yes)."""

    of: tuple[Condition, ...]


class AnyOf(_Condition, frozen=True, tag="any"):
    """At least one condition holds (none given: no)."""

    of: tuple[Condition, ...]


class Not(_Condition, frozen=True, tag="not"):
    """The condition does not hold."""

    of: Condition


Condition = (
    Equals | NotEquals | OneOf | Contains | StartsWith | Matches | Greater | Less | Empty | NotEmpty | All | AnyOf | Not
)


class _Action(_Strict, frozen=True, tag_field="do"):
    """Base of actions."""


class Set(_Action, frozen=True, tag="set"):
    """Give the field a value; text is a template."""

    field: str
    value: Value


class Clear(_Action, frozen=True, tag="clear"):
    """Give the field its empty form, or take the entry out of attributes and custom."""

    field: str


class Copy(_Action, frozen=True, tag="copy"):
    """Put what one field holds into another; nothing happens where the first is missing."""

    from_: str = msgspec.field(name="from")
    to: str


class Replace(_Action, frozen=True, tag="replace"):
    """Search and replace in text. With `regex`, `find` is an expression and `with` may say `\\1`."""

    field: str
    find: str
    with_: str = msgspec.field(name="with", default="")
    regex: bool = False
    ignore_case: bool = False


class Filter(_Action, frozen=True, tag="filter"):
    """Keep the rows for which the condition holds; its paths are the row's."""

    rows: str
    keep: Condition


class AddRow(_Action, frozen=True, tag="add_row"):
    """Append a row; text in `values` is a template on the record."""

    rows: str
    values: Mapping[str, Value]


class Map(_Action, frozen=True, tag="map"):
    """Translate the field's value by a table; what the table lacks is kept, replaced by `default`, or fails."""

    field: str
    table: Mapping[str, Value]
    otherwise: Literal["keep", "default", "fail"] = "keep"
    default: Value = ""
    ignore_case: bool = False


class StripHtml(_Action, frozen=True, tag="strip_html"):
    """Turn HTML into plain text with line breaks; with `keep`, into clean HTML of those tags only."""

    field: str
    keep: tuple[str, ...] = ()


class Merge(_Action, frozen=True, tag="merge"):
    """Join fields into one text, such as attributes into the title; empty ones and repetitions are left out."""

    fields: tuple[str, ...]
    into: str
    separator: str = " "


class AdjustPrice(_Action, frozen=True, tag="adjust_price"):
    """Change an amount: `percent` first, then `add`, then round to a multiple of `round_to`, then `add_after`."""

    field: str = "amount"
    percent: Decimal = Decimal(0)
    add: Decimal = Decimal(0)
    round_to: Decimal | None = None
    rounding: Literal["half_up", "up", "down"] = "half_up"
    add_after: Decimal = Decimal(0)


class ReplaceSku(_Action, frozen=True, tag="replace_sku"):
    """Replace SKUs by a table everywhere in the record; SKUs are found by their compare form."""

    table: Mapping[str, str]
    otherwise: Literal["keep", "fail"] = "keep"


class SetAddress(_Action, frozen=True, tag="set_address"):
    """Set fields of an address (text is a template); `others` says what happens to the fields not named."""

    address: str
    values: Mapping[str, Value]
    others: Literal["keep", "clear"] = "keep"


class Carrier(_Strict, frozen=True):
    """What a shipping method means to the warehouse or the transport system."""

    carrier: str
    service: str = ""


class MapCarrier(_Action, frozen=True, tag="map_carrier"):
    """Set `carrier_code` and `service_code` from the shop's shipping method, whatever its case and outer blanks."""

    table: Mapping[str, Carrier]
    from_: str = msgspec.field(name="from", default="shipping_method")
    otherwise: Literal["keep", "fail"] = "fail"


class Ignore(_Action, frozen=True, tag="ignore"):
    """The record goes no further, and nobody is asked about it."""

    reason: str = ""


class Fail(_Action, frozen=True, tag="fail"):
    """The record stops and a person is asked; `message` says why, `do_this` what to do."""

    message: str
    field: str = ""
    do_this: str = ""


class Plugin(_Action, frozen=True, tag="plugin"):
    """Let an installed plugin change the record; it finds `options` in its context."""

    name: str
    options: Mapping[str, Value] = {}


Action = (
    Set
    | Clear
    | Copy
    | Replace
    | Filter
    | AddRow
    | Map
    | StripHtml
    | Merge
    | AdjustPrice
    | ReplaceSku
    | SetAddress
    | MapCarrier
    | Ignore
    | Fail
    | Plugin
)


class Rule(_Strict, frozen=True):
    """One rule. Without `when` it always applies.

    `on` names the record types that it is for (empty: all that the chain is for). With `each`, such as `lines[]`, the
    rule works on those rows one by one, and every path in it is the row's.
    """

    then: Action
    when: Condition | None = None
    on: tuple[str, ...] = ()
    each: str = ""
    name: str = ""
    enabled: bool = True
