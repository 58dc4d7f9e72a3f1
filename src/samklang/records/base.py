"""The record: one canonical thing with a type and a key, its canonical bytes and its content hash.

Canonical bytes are JSON with fields in declared order, mapping keys sorted, decimals as plain strings and defaults
left out. Leaving defaults out means that a new field with a default does not change the hash of records that do not
use it, so an upgrade never makes every record look changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from hashlib import blake2b
from typing import Any, ClassVar, TypeVar

import msgspec

#: Values that custom data and attributes may hold: what JSON can carry, with decimals as strings.
Value = str | int | bool | None | list[Any] | dict[str, Any]


class InvalidRecord(ValueError):
    """A value that no canonical record may hold; names the field and the remedy.

    Attributes: `field` (path in the record), `value` (what came), `do_this` (what a person should do at the source).
    """

    def __init__(self, field: str, value: object, reason: str, do_this: str) -> None:
        super().__init__(f"{field} is {str(value)[:80]!r}: {reason}")
        self.field = field
        self.value = value
        self.reason = reason
        self.do_this = do_this


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of all record types.

    `custom` keeps source fields that have no canonical place, by connection name, so that rules can read them and a
    target can be given them. Mappings inside a record are read-only by agreement: records are shared and hashed.
    """

    custom: Mapping[str, Mapping[str, Value]] = {}

    #: Name of the type in flows, tables and documents; same as the tag in the encoded form.
    type: ClassVar[str]
    #: The record is about one order, which its field `order` names; its key begins with that order's key.
    of_order: ClassVar[bool] = False
    #: Systems give such a record an id of its own; else it hangs on another record's.
    own_id: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """What makes this record the same thing in every system (SKU, order number …), in compare form."""
        raise TypeError(f"{self.__class__.__name__} has no key")

    def needs(self) -> tuple[tuple[str, str], ...]:
        """(type, key) of what a target must know before it can take this record; the hub waits for it."""
        return ()

    def parts(self) -> tuple[tuple[str, str], ...]:
        """(type, key) of what lives inside this record but has ids of its own at the systems, such as variants."""
        return ()


R = TypeVar("R", bound=type[Record])

#: What others refer to comes before them; facts follow in the order in which they are registered.
_FIRST = ("product", "price_list", "price", "stock", "customer", "order", "order_status", "shipment", "capture")

_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="string")
_classes: dict[str, type[Record]] = {}
_decoders: dict[str, msgspec.json.Decoder[Record]] = {}


def register(cls: R) -> R:
    """Class decorator: makes the record type known by its tag."""
    tag = cls.__struct_config__.tag
    assert isinstance(tag, str)
    cls.type = tag
    cls.of_order = "order" in cls.__struct_fields__
    _classes[tag] = cls
    _decoders[tag] = msgspec.json.Decoder(cls)
    return cls


def record_types() -> tuple[str, ...]:
    """All record types, in the order in which they depend on each other (a product before its price …)."""
    return tuple(sorted(_classes, key=lambda type_: _FIRST.index(type_) if type_ in _FIRST else len(_FIRST)))


def types_of_order() -> frozenset[str]:
    """Types that belong to one order each: the order itself and all that hangs on it."""
    return frozenset({"order", *(tag for tag, cls in _classes.items() if cls.of_order)})


def record_class(type_: str) -> type[Record]:
    """The class of a record type; KeyError names the known ones."""
    try:
        return _classes[type_]
    except KeyError:
        raise KeyError(f"no record type {type_!r}; known: {', '.join(record_types())}") from None


def encode(record: Record) -> bytes:
    """Canonical bytes: equal content gives equal bytes, on every machine and in every release."""
    _share_defaults(record)
    return _encoder.encode(record)


def _share_defaults(part: msgspec.Struct) -> None:
    """Make values equal to their field's default the very same object, in the part and all that it holds.

    msgspec leaves a default out by identity, so `unit="C62"` read from a file would be written and the default `C62`
    not: two encodings of equal content. The part is frozen and the new value equal, so nobody can see the change.
    """
    defaults, parts, rows = _plan(type(part))
    for name, default in defaults:
        value = getattr(part, name)
        if value is not default and value == default:
            msgspec.structs.force_setattr(part, name, default)
    for name in parts:
        if (value := getattr(part, name)) is not None:
            _share_defaults(value)
    for name in rows:
        for row in getattr(part, name):
            _share_defaults(row)


@cache
def _plan(cls: type[msgspec.Struct]) -> tuple[tuple[tuple[str, object], ...], tuple[str, ...], tuple[str, ...]]:
    """For a struct class: (field, default) that identity may miss, fields that hold a struct, fields of struct rows."""
    info = msgspec.inspect.type_info(cls)
    assert isinstance(info, msgspec.inspect.StructType)
    defaults, parts, rows = [], [], []
    for field in info.fields:
        if field.default != "" and isinstance(field.default, str | Decimal | msgspec.Struct):
            defaults.append((field.name, field.default))
        kinds = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        if any(isinstance(kind, msgspec.inspect.StructType) for kind in kinds):
            parts.append(field.name)
        if any(
            isinstance(kind, msgspec.inspect.VarTupleType) and isinstance(kind.item_type, msgspec.inspect.StructType)
            for kind in kinds
        ):
            rows.append(field.name)
    return tuple(defaults), tuple(parts), tuple(rows)


def decode(type_: str, body: bytes) -> Record:
    """The record back from its canonical bytes. Fields of a newer release are ignored."""
    return _decoders[type_].decode(body)


def content_hash(body: bytes) -> bytes:
    """16 bytes of BLAKE2b over canonical bytes; what decides whether anything changed."""
    return blake2b(body, digest_size=16).digest()
