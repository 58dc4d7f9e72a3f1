"""EDIFACT by UN/CEFACT's directories D.93A to D.04A: IFTMIN (instruction) out, IFTSTA (status) in.

Only the segments that Swedish carriers commonly take; what a receiver asks for beyond them is agreed with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from pydifact.exceptions import EDISyntaxError
from pydifact.segmentcollection import Interchange, Message
from pydifact.segments import Segment

from samklang.connectors.kit.consignments import Consignment
from samklang.records import Order

#: Character sets and what EDIFACT calls them.
CHARSETS = {"utf-8": "UNOY", "iso-8859-1": "UNOC"}
_LONGEST = 35
_REFERENCES = ("CU", "ON")  # the consignor's reference, an order number


def iftmin(one: Consignment, order: Order, settings: Mapping[str, Any]) -> str:
    """An instruction of one consignment; its times are the order's, so that it is the same each time."""
    control = str(int(hashlib.blake2b(one.reference.encode(), digest_size=5).hexdigest(), 16))[:14]
    directory = str(settings.get("directory") or "04A")
    sender, receiver = (str(settings.get(name) or "") for name in ("edi_sender", "edi_receiver"))
    message = Message("1", ("IFTMIN", "D", directory, "UN"))
    rows: list[Segment | None] = [
        Segment("BGM", "610", one.reference, "9"),
        Segment("DTM", ["137", f"{order.placed_at:%Y%m%d%H%M}", "203"]),
        Segment("TSR", "", one.service) if one.service else None,
        Segment("RFF", ["CU", one.reference]),
        Segment("RFF", ["ON", one.order_no]),
        Segment("TDT", "20", "", "", "", one.carrier),
        Segment("NAD", "CZ", sender),
        Segment(
            "NAD", "CN", "", "", _lines(one.name, one.attention)[:5], _lines(*one.address)[:4], one.city, "",
            one.postcode, one.country,
        ),
        Segment("CTA", "IC", ["", one.attention or one.name]) if one.phone or one.email else None,
        Segment("COM", [one.phone, "TE"]) if one.phone else None,
        Segment("COM", [one.email, "EM"]) if one.email else None,
        Segment("GID", "1", [str(one.parcels), "PK"]),
        Segment("FTX", "AAA", "", "", one.contents),
        Segment("MEA", "WT", "G", ["KGM", str(one.kilos)]) if one.kilos is not None else None,
    ]  # fmt: skip
    for row in rows:
        if row is not None:
            message.add_segment(row)
    with _quietly():
        syntax: Any = (CHARSETS[str(settings.get("charset") or "utf-8")], "3")  # the library writes texts only
        whole = Interchange(sender, receiver, control, syntax, order.placed_at)
        whole.add_message(message)
        return str(whole.serialize())


def iftsta(text: str) -> Iterator[dict[str, str]]:
    """For each parcel (or consignment without any) what its latest status is. ValueError when the file is not whole,
    or is another message."""
    try:
        with _quietly():
            messages = [
                (str(message.identifier[0]), list(message.segments)) for message in _interchange(text).get_messages()
            ]
    except (EDISyntaxError, StopIteration, IndexError) as error:
        raise ValueError(f"it is no whole EDIFACT: {error}") from error
    for kind, segments in messages:
        if kind != "IFTSTA":
            raise ValueError(f"it holds {kind}, not IFTSTA")
        yield from _statuses(segments)


def _statuses(segments: list[Segment]) -> Iterator[dict[str, str]]:
    general, here, parcels = "", dict[str, str](), list[str]()
    for segment in [*segments, Segment("CNI", "")]:  # the last one ends like those before it
        tag, first = str(segment.tag), [_parts(element) for element in segment.elements]
        if tag == "CNI":
            if here:
                yield from ({**here, "parcel": parcel} for parcel in parcels or [""])
            here, parcels = ({"number": first[1][0], "reference": general} if len(first) > 1 else {}), []
        elif tag == "RFF" and first and first[0][0] in _REFERENCES and len(first[0]) > 1:
            if here and (not here["reference"] or first[0][0] == "CU"):
                here["reference"] = first[0][1]
            elif not here:
                general = first[0][1]
        elif tag == "STS" and here and len(first) > 1:
            here["state"] = first[1][0]
        elif tag == "GIN" and here:
            parcels += [part for element in first[1:] for part in element if part]


def _interchange(text: str) -> Any:
    return Interchange.from_str(text)


def _parts(element: Any) -> list[str]:
    return [str(part) for part in element] if isinstance(element, list | tuple) else [str(element)]


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's word that it has no tables of segments: the receiver judges what we send."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _lines(*said: str) -> list[str]:
    """Texts in pieces of 35 characters, which is what a name or street has room for."""
    return [text[at : at + _LONGEST] for text in said for at in range(0, len(text), _LONGEST)]
