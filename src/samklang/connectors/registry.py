"""Finds connectors: the folders beside this file, and packages that declare the entry point `samklang.connectors`."""

from __future__ import annotations

import importlib
import inspect
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path

import msgspec

from samklang.connectors.contract import Connector, Manifest


def load_manifest(package: str) -> Manifest:
    """manifest.toml of a connector package; msgspec.ValidationError names the field that is wrong."""
    text = (files(package) / "manifest.toml").read_bytes()
    return msgspec.toml.decode(text, type=Manifest)


@cache
def packages() -> dict[str, str]:
    """Connector name → package."""
    here = Path(__file__).parent
    found = {folder.parent.name: f"{__package__}.{folder.parent.name}" for folder in here.glob("*/manifest.toml")}
    found |= {point.name: point.value for point in entry_points(group="samklang.connectors")}
    return dict(sorted(found.items()))


@cache
def connector_class(name: str) -> type[Connector]:
    """The class of a connector; KeyError lists the known names."""
    try:
        package = packages()[name]
    except KeyError:
        raise KeyError(f"no connector {name!r}; known: {', '.join(packages())}") from None
    module = importlib.import_module(package)
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Connector) and not inspect.isabstract(value)
    ]
    if len(classes) != 1:
        raise TypeError(f"{package} must hold exactly one Connector class, found {len(classes)}")
    return classes[0]


def manifest(name: str) -> Manifest:
    """The manifest of a connector."""
    return connector_class(name).manifest
