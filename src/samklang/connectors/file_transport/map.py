"""A consignment as a file (CSV, XML by template, EDIFACT IFTMIN); what files say of it (CSV, EDIFACT IFTSTA)."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args
from xml.sax.saxutils import escape

import msgspec

from samklang import records as r
from samklang.connectors.errors import BadAnswer, Misconfigured
from samklang.connectors.file_transport import edifact
from samklang.connectors.kit import xml
from samklang.connectors.kit.consignments import Consignment

STATES: tuple[str, ...] = get_args(next(one.type for one in msgspec.structs.fields(r.Shipment) if one.name == "state"))
#: Our names of what a file may hold, in the order of an ordinary one.
FIELDS = (
    "reference", "order_no", "name", "attention", "address1", "address2", "postcode", "city", "country", "phone",
    "email", "carrier", "service", "parcels", "weight_kg", "contents",
)  # fmt: skip
_ENDINGS = {"csv": "csv", "xml": "xml", "iftmin": "edi"}


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a line of a file says of one consignment of an order."""

    reference: str
    number: str
    parcel: str = ""
    state: str = ""
    tracking_url: str = ""


def pairs(setting: str, what: str, known: tuple[str, ...]) -> dict[str, str]:
    """A setting such as `Order=reference; Namn=name` as a table; Misconfigured where it is none."""
    found: dict[str, str] = {}
    for entry in re.split(r"[;\n]", setting):
        if not entry.strip():
            continue
        left, sign, right = (part.strip() for part in entry.partition("="))
        if not (left and sign and right in known):
            raise Misconfigured(f"{what}: {entry.strip()!r} is no pair of theirs=ours; ours: {', '.join(known)}")
        found[left] = right
    return found


class Form:
    """How files look in both directions, by the connection's settings."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._kind = str(settings.get("format_out") or "csv")
        self._charset = str(settings.get("charset") or "utf-8")
        self._comma = str(settings.get("delimiter") or ";").replace("tab", "\t")
        self._columns = pairs(str(settings.get("columns") or ""), "columns", FIELDS) or {name: name for name in FIELDS}
        names = tuple(field.name for field in msgspec.structs.fields(News))
        self._in = pairs(str(settings.get("in_columns") or ""), "in_columns", names) or {name: name for name in names}
        self.states = pairs(str(settings.get("states") or ""), "states", (*STATES, "ignore"))
        if self._kind == "xml" and not settings.get("template"):
            raise Misconfigured(
                "The template of the XML is missing", do_this="Paste it into the connection's settings."
            )

    def name(self, reference: str) -> str:
        """The file of this reference, and of no other."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", reference).strip("-")[:60]
        digest = hashlib.blake2b(reference.encode(), digest_size=4).hexdigest()
        return f"{plain}-{digest}.{_ENDINGS[self._kind]}"

    def file(self, one: Consignment, order: r.Order) -> bytes:
        """The consignment as a file: the same each time. InvalidRecord when a character has no place in it."""
        values = _values(one)
        if self._kind == "iftmin":
            text = edifact.iftmin(one, order, self._settings)
        elif self._kind == "xml":
            text = _filled(str(self._settings["template"]), values)
        else:
            lines = io.StringIO(newline="")
            writer = csv.writer(lines, delimiter=self._comma, lineterminator="\r\n")
            writer.writerow(self._columns)
            writer.writerow(values[name] for name in self._columns.values())
            text = lines.getvalue()
        try:
            return text.encode(self._charset)
        except UnicodeEncodeError as error:
            raise r.InvalidRecord(
                "shipping", text[error.start : error.end], f"has no place in {self._charset}",
                "Correct the address in the shop, or choose another character set.",
            ) from error  # fmt: skip

    def news(self, data: bytes) -> Iterator[News]:
        """What a file says. ValueError when it is not of the form that was agreed."""
        text = data.decode(self._charset)
        if self._settings.get("format_in") == "iftsta":
            yield from (News(**one) for one in edifact.iftsta(text))
            return
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=self._comma, strict=True)
        needed = {theirs for theirs, ours in self._in.items() if ours in ("reference", "number")}
        missing = needed - {*(rows.fieldnames or ())}
        if missing:
            raise ValueError(f"the columns {', '.join(sorted(missing))} are missing")
        try:
            for row in rows:
                said = {ours: (row.get(theirs) or "").strip() for theirs, ours in self._in.items()}
                yield News(**said)
        except csv.Error as error:
            raise ValueError(f"line {rows.line_num}: {error}") from error


def _values(one: Consignment) -> dict[str, str]:
    plain = {
        name: str(getattr(one, name)) for name in FIELDS if name not in ("address1", "address2", "weight_kg")
    }  # fmt: skip
    weight = "" if one.kilos is None else str(one.kilos)
    return {**plain, "address1": one.address[0], "address2": one.address[1], "weight_kg": weight}


def _filled(template: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise Misconfigured(f"The template names {match[0]}; known: {', '.join(values)}")
        return escape(xml.clean(values[match[1]]), {'"': "&quot;"})

    text = re.sub(r"\{(\w+)\}", value, template)
    try:
        xml.parse(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode())
        return text
    except BadAnswer as error:
        raise Misconfigured(f"The template is no XML: {error.what}") from error
