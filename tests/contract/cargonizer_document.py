"""Cargonizer's requests against the names in the vendor's own examples of a consignment.

The examples are two consignments; a name below `consignments` must stand in one of them at the same place. What the
vendor's other examples and public clients have beside that is listed here. Answers are in no example: they are XML with
the names that public clients read.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from samklang.connectors.kit import xml
from tests.contract.openapi import SPECS

_ADDRESSES = {
    ("POST", "/consignments.xml"): set[str](),
    ("GET", "/consignments.xml"): {"text", "from", "page"},
    ("GET", "/transport_agreements.xml"): set[str](),
}
#: In the vendor's notes of a body, though not in the two examples.
_MORE = {f"/consignments/consignment/parts/consignee/{name}" for name in ("address2", "email", "mobile")}
_MORE |= {"/consignments/consignment@print", "/consignments/consignment/references/consignee"}
_NEEDED = ("product", "parts/consignee/name", "parts/consignee/country", "parts/consignee/postcode", "items/item")


class Document:
    """What the examples hold."""

    def __init__(self, examples: Iterable[bytes]) -> None:
        self._names = set(_MORE).union(*(_names(xml.parse(one)) for one in examples))

    def knows(self, path: str) -> bool:
        return path.endswith(".xml")

    def check_request(self, method: str, path: str, query: Iterable[tuple[str, str]], body: bytes) -> None:
        """Address, query and names fit."""
        where = f"{method} {path}"
        assert (method, path) in _ADDRESSES, f"{where} is not documented"
        for name, _ in query:
            assert name in _ADDRESSES[method, path], f"{where}: {name} is no parameter"
        assert bool(body) == (method == "POST"), f"{where}: a body where none belongs, or none"
        if body:
            root = xml.parse(body)
            unknown = _names(root) - self._names
            assert not unknown, f"{where}: the examples have no {sorted(unknown)}"
            for one in root:
                missing = [name for name in _NEEDED if one.find(name) is None]
                assert not missing, f"{where}: {missing} missing"

    def check_answer(self, method: str, path: str, status: int, body: bytes) -> None:
        """It is XML of the right kind."""
        root = xml.parse(body)
        kind = "transport-agreements" if "agreements" in path else "consignments"
        assert root.tag == (kind if status < 300 else "errors"), f"{method} {path} {status}: {root.tag}"
        for one in root.iterchildren("consignment"):
            assert one.findtext("id") and one.findtext("number"), f"{method} {path}: a consignment without id"


def _names(root: xml.Element) -> set[str]:
    """Every element by its path, every attribute behind an @."""
    found = set()
    for node in root.iter():
        path = "/" + "/".join([str(up.tag) for up in reversed(list(node.iterancestors()))] + [str(node.tag)])
        found |= {path, *(f"{path}@{name}" for name in node.attrib)}
    return found


def load() -> Document:
    """The examples, or a skip that says where they are looked for."""
    files = [SPECS / "cargonizer" / f"consignment-{name}.xml" for name in ("basic", "advanced")]
    if not all(file.exists() for file in files):
        pytest.skip("the vendor's examples are not here; set SAMKLANG_SPECS to the folder that holds specs/cargonizer")
    return Document(file.read_bytes() for file in files)
