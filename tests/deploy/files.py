"""The files of deploy/ as Python sees them: compose, units with their drop-ins, the steps of the Containerfile."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = DEPLOY / "systemd"
SERVICES = ("samklang-web.service", "samklang-worker@.service", "samklang-backup.service")

Values = dict[str, list[str]]  # of one section: key → all its values, as systemd adds them up


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, as compose does."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if key.value != "<<"]
        if twice := {name for name in names if names.count(name) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"stands twice: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def compose() -> dict[str, Any]:
    """deploy/compose.yaml, merges done."""
    found: dict[str, Any] = yaml.load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"), _Strict)
    return found


def seconds(text: str) -> float:
    """`45s` or `6h` as seconds; a bare number is seconds."""
    number, unit = re.fullmatch(r"(\d+)([smh]?)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"": 1, "s": 1, "m": 60, "h": 3600}[unit]


class _Repeated(dict[str, str]):
    """Keeps every value of a key that stands several times, one per line."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self and isinstance(value, list):
            self[key].extend(value)  # type: ignore[attr-defined]
        else:
            super().__setitem__(key, value)


def _sections(path: Path) -> dict[str, Values]:
    parser = configparser.RawConfigParser(
        strict=False, dict_type=_Repeated, delimiters="=", comment_prefixes="#", empty_lines_in_values=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return {name: {key: value.split("\n") for key, value in parser.items(name)} for name in parser.sections()}


def unit(name: str) -> dict[str, Values]:
    """A unit with what its drop-in adds: section → key → values."""
    found = _sections(UNITS / name)
    if name.endswith(".service"):
        for path in sorted((UNITS / "samklang-.service.d").glob("*.conf")):
            for section, values in _sections(path).items():
                for key, more in values.items():
                    found.setdefault(section, {}).setdefault(key, []).extend(more)
    return found


class Step(NamedTuple):
    """One instruction of the Containerfile: COPY, RUN … and the rest of its line."""

    name: str
    rest: str

    @property
    def words(self) -> list[str]:
        """Its arguments, in the JSON form or as a shell has them."""
        return list(yaml.safe_load(self.rest)) if self.rest.startswith("[") else shlex.split(self.rest)


def steps() -> list[list[Step]]:
    """The Containerfile's stages, each begun by its FROM."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[Step]] = []
    for line in lines:
        step = Step(*line.split(maxsplit=1))
        if step.name == "FROM":
            found.append([])
        found[-1].append(step)
    return found
