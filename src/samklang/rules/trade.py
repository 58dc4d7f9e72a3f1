"""Actions that know what fields mean in trade: prices, SKUs, addresses, carriers."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from samklang.records.ids import sku, sku_key
from samklang.rules import kinds, model
from samklang.rules.actions import Act, check_names, compile_action
from samklang.rules.conditions import PartClass
from samklang.rules.outcome import Context, FieldError
from samklang.rules.paths import Path
from samklang.rules.plugins import Plugins
from samklang.rules.templates import compile_value
from samklang.rules.text import text

_ROUNDINGS = {"half_up": ROUND_HALF_UP, "up": ROUND_CEILING, "down": ROUND_FLOOR}
#: Where a SKU can stand, in any record type.
_SKU_FIELDS = ("sku", "code", "variants[].sku", "lines[].sku")


@compile_action.register
def _adjust_price(action: model.AdjustPrice, cls: PartClass, plugins: Plugins) -> Act:
    path = Path(cls, action.field).writable()
    if Decimal not in kinds.alternatives(path.type):
        raise FieldError(action.field, "is not an amount")
    if action.round_to is not None and action.round_to <= 0:
        raise FieldError("round_to", "must be above 0, such as 0.05 or 1")

    def adjusted(old: Any) -> Any:
        if old is None:
            return None
        try:
            amount = old * (100 + action.percent) / 100 + action.add
            if action.round_to is not None:
                amount = (amount / action.round_to).quantize(Decimal(1), _ROUNDINGS[action.rounding]) * action.round_to
        except ArithmeticError as error:
            raise FieldError(action.field, f"{old} changed by this rule is no possible amount") from error
        return amount + action.add_after

    return lambda part, context: path.change(part, adjusted)


@compile_action.register
def _replace_sku(action: model.ReplaceSku, cls: PartClass, plugins: Plugins) -> Act:
    fields = kinds.field_types(cls)
    holds_sku = [field for field in _SKU_FIELDS if field.partition("[")[0] in fields and _leads_to_text(cls, field)]
    # `code` is an article number only in a product; in a price list it is the list's own.
    paths = [Path(cls, field) for field in holds_sku if field != "code" or "variants" in fields]
    if not paths:
        kind = kinds.title(cls)
        raise FieldError("replace_sku", f"{kind} has no SKU")
    table = {sku_key(old): sku(new, "table") for old, new in action.table.items()}

    def replaced(path: Path, old: Any) -> Any:
        new = table.get(sku_key(old)) if old else old
        if new is None and action.otherwise == "fail" and path.text != "code":
            raise FieldError(path.text, f"“{old}” is not in the rule's table", "Add the SKU to the rule's table.")
        return old if new is None else new

    def act(part: Any, context: Context) -> Any:
        for path in paths:
            part = path.change(part, lambda old, path=path: replaced(path, old))  # type: ignore[misc]  # bound at once
        return part

    return act


def _leads_to_text(cls: PartClass, field: str) -> bool:
    rows, _, below = field.partition("[].")
    row = kinds.part_type(kinds.row_type(kinds.field_types(cls)[rows]))
    return not below or (row is not None and below in row.__struct_fields__)


@compile_action.register
def _set_address(action: model.SetAddress, cls: PartClass, plugins: Plugins) -> Act:
    path = Path(cls, action.address).writable()
    address = kinds.part_type(path.type)
    if address is None or "postcode" not in address.__struct_fields__:
        raise FieldError(action.address, "is not an address; orders have billing and shipping, customers too")
    check_names(action.values, address)
    fill = compile_value(action.values, cls)
    new_address = address

    def act(part: Any, context: Context) -> Any:
        values = fill(part, context)

        def changed(old: Any) -> Any:
            kept = old if old is not None and action.others == "keep" else new_address()
            return path.convert({**_fields(kept), **values})

        return path.change(part, changed)

    return act


def _fields(part: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__struct_fields__}


@compile_action.register
def _map_carrier(action: model.MapCarrier, cls: PartClass, plugins: Plugins) -> Act:
    source = Path(cls, action.from_)
    carrier, service = Path(cls, "carrier_code").writable(), Path(cls, "service_code").writable()
    table = {method.strip().casefold(): means for method, means in action.table.items()}

    def act(part: Any, context: Context) -> Any:
        method = text(source.read(part))
        means = table.get(method.strip().casefold())
        if means is None:
            if action.otherwise == "keep":
                return part
            raise FieldError(
                action.from_,
                f"shipping method “{method}” has no carrier (known: {', '.join(action.table)})",
                "Add the shipping method to the rule's table, or correct it in the shop.",
            )
        part = carrier.change(part, lambda old: means.carrier)
        return service.change(part, lambda old: means.service)

    return act
