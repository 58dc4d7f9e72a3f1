"""XML from and to outside systems: read without entities, document types, network or trees without end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from samklang.connectors.errors import BadAnswer

Element = etree._Element
#: What `write` takes: (name, attributes, text or elements inside).
Node = tuple[str, Mapping[str, object], "str | Sequence[Node]"]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(data: bytes, where: str = "") -> Element:
    """The root. BadAnswer when it is no whole XML (a page in HTML, half an answer) or declares a document type."""
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadAnswer(f"The answer is no whole XML: {error}", where=where) from error
    info: Any = root.getroottree().docinfo
    if info.doctype:
        raise BadAnswer("The answer declares a document type", where=where)
    return root


def text(node: Element, path: str) -> str:
    """The text of the first element at this path of direct children (`carrier/name`), "" where there is none."""
    return (node.findtext(path) or "").strip()


def texts(node: Element, name: str) -> Iterator[str]:
    """The texts of all elements of this name, however deep; empty ones are left out."""
    return (said for one in node.iter(name) if (said := (one.text or "").strip()))


def write(node: Node) -> bytes:
    """The document in UTF-8. Attributes and elements whose value is None or "" are left out."""
    return etree.tostring(_made(node), encoding="UTF-8", xml_declaration=True)


def _made(node: Node) -> Element:
    name, attributes, inside = node
    made = etree.Element(name, {key: clean(str(value)) for key, value in attributes.items() if value not in (None, "")})
    if isinstance(inside, str):
        made.text = clean(inside) or None
    else:
        made.extend(_made(one) for one in inside if one[2] or one[1])
    return made


def clean(said: str) -> str:
    """The text without characters that XML cannot hold, such as a form feed out of a shop's address field."""
    return _FORBIDDEN.sub("", said)
