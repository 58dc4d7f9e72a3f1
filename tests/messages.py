"""The catalogues of src/samklang/locale: what people read in Swedish and Russian, kept without gettext's own tools.

`./run python -m tests.messages` reads every text of code, templates and connectors' manifests, brings each django.po up
to date (new texts come in empty, translations stay; those whose text is gone are remembered at the end, for when it
comes back), compiles the django.mo beside it, and lists what is not translated.
Both files are committed, so a wheel and a fresh checkout speak all three languages. A fuzzy entry counts as empty.
"""

from __future__ import annotations

import ast
import re
import struct
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path

import samklang
from tests.sentences import Message, in_told

SOURCE = Path(samklang.__file__).parent
LOCALE = SOURCE / "locale"
#: Function → places of context, text and plural among its arguments.
_PLACES = {"gettext": (None, 0, None), "ngettext": (None, 0, 1), "pgettext": (0, 1, None), "npgettext": (0, 1, 2)}
_CALLS = {"_": _PLACES["gettext"], "gettext_noop": _PLACES["gettext"]} | {
    name + end: places for name, places in _PLACES.items() for end in ("", "_lazy")
}
_STRING = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_IN_TEMPLATE = re.compile(rf"(?<!\w)(_|n?p?gettext)\(({_STRING}(?:\s*,\s*{_STRING})*)", re.DOTALL)
_PERCENT = re.compile(r"%\(\w+\)[sd]|%[sd]")
_BRACE = re.compile(r"\{\w+\}")

#: Whose errors people read.
_TELLING = (
    "records/", "rules/", "connectors/", "derivations/", "hub/", "reconciliation/", "accounting/", "people/",
    "console/", "api/", "packages/",
)  # fmt: skip
#: Modules of nothing but errors: each says of itself what it is and what to do.
_FAMILIES = ("connectors/errors.py", "api/v1/errors.py")
#: Errors beside those families; `__init__` is what an error makes of its values (`super().__init__(…)`).
_ERRORS = {
    "InvalidRecord", "InvalidRules", "FieldError", "Refused", "Unreadable", "Problem", "wrong", "_wrong", "__init__",
    "_differs", "_refuse", "Suggestion", "Answer", "_Answer", "give_up", "Ignored", "Sample", "say",
}  # fmt: skip
#: Whose tables are of other systems' words.
_FOREIGN = ("accounting/statements/", "accounting/bank/", "api/v1/foreign.py")
#: Below those folders, what people who write connectors read.
_NOT_TELLING = ("connectors/checks/", "connectors/registers.py", "api/v1/openapi.py", "api/reference.py")
#: An answer of a form that is words, not a code.
_WORDY = re.compile(r"[a-z]{4,}|.* .*")


#: What each message becomes: one text, or one for each plural form. The header stands under the empty message.
Catalogue = dict[Message, tuple[str, ...]]
HEADER = Message("")


def _message(name: str, texts: list[str | None]) -> Message | None:
    context, text, plural = (None if at is None else texts[at] if at < len(texts) else None for at in _CALLS[name])
    return Message(text, plural or "", context or "") if text else None


def in_python(source: str) -> Iterator[Message]:
    """The messages of a module; only texts that stand there whole can be found."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            if name in _CALLS:
                texts = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
                if found := _message(name, [text if isinstance(text, str) else None for text in texts]):
                    yield found


def in_template(source: str) -> Iterator[Message]:
    """The messages of a template, in their order."""
    from django.utils.translation.template import templatize

    for name, listed in _IN_TEMPLATE.findall(templatize(source)):
        texts: list[str | None] = [ast.literal_eval(one) for one in re.findall(_STRING, listed, re.DOTALL)]
        if found := _message(name, texts):
            yield found


def _classes(source: str) -> set[str]:
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def in_errors(source: str) -> Iterator[Message]:
    """What each kind of error says of itself (the first line of its docstring) and what to do about it (`do`): problems
    keep these in English, pages look them up."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and {getattr(base, "id", "") for base in node.bases} - {"Schema"}:
            yield Message((ast.get_docstring(node) or "").split("\n")[0])
            for one in node.body:
                named = one.targets[0] if isinstance(one, ast.Assign) else getattr(one, "target", None)
                value = getattr(one, "value", None)
                if getattr(named, "id", "") == "do" and isinstance(value, ast.Constant):
                    yield Message(str(value.value))


def in_manifest(source: str) -> Iterator[Message]:
    """The messages of a connector's manifest.toml: questions of its form, their help, answers that are words, and what
    the system cannot do. The connector itself knows nothing of languages; pages look its texts up."""
    facts = tomllib.loads(source)
    for setting in facts.get("settings", ()):
        for text in (setting["title"], setting.get("help", ""), *setting.get("choices", ())):
            if text and (text not in setting.get("choices", ()) or _WORDY.fullmatch(text)):
                yield Message(text)
    yield from map(Message, facts.get("cannot", ()))


@cache
def messages() -> dict[Message, list[str]]:
    """Every message of code, templates and manifests → the files that have it."""
    found: dict[Message, list[str]] = {}
    here: Iterable[Message]
    errors = _ERRORS.union(*(_classes((SOURCE / where).read_text(encoding="utf-8")) for where in _FAMILIES))
    for path in sorted(
        one for one in SOURCE.rglob("*") if one.suffix in (".py", ".html", ".txt") or one.name == "manifest.toml"
    ):
        text, where = path.read_text(encoding="utf-8"), path.relative_to(SOURCE).as_posix()
        if path.suffix == ".py":
            here = in_python(text) if "gettext" in text else ()
            if where in _FAMILIES:
                here = chain(here, in_errors(text))
            if where.startswith(_TELLING) and not where.startswith(_NOT_TELLING):
                here = chain(here, in_told(text, errors, tables=not where.startswith(_FOREIGN)))
        elif path.suffix == ".toml":
            here = in_manifest(text)
        else:
            here = in_template(text) if "{%" in text or "{{" in text else ()
        for message in here:
            if where not in found.setdefault(message, []):
                found[message].append(where)
    return found


def remembered(po: str) -> Catalogue:
    """Translations of texts that are gone: gettext calls them obsolete and marks each line."""
    living = read(po)
    return {one: texts for one, texts in read(re.sub(r"(?m)^#~ ", "", po)).items() if one not in living}


def read(po: str) -> Catalogue:
    """A .po file; fuzzy entries have empty texts, what is only remembered is left out."""
    found: Catalogue = {}
    for entry in re.split(r"\n\s*\n", po):
        parts: dict[str, str] = {}
        name = ""
        for line in entry.splitlines():
            if line.startswith("#"):
                continue
            word, _, rest = line.partition(" ") if line.startswith("msg") else (name, "", line)
            name = word
            parts[name] = parts.get(name, "") + ast.literal_eval(rest.strip())
        if "msgid" in parts:
            texts = tuple(text for word, text in parts.items() if word.startswith("msgstr"))
            if re.search(r"^#,.*\bfuzzy\b", entry, re.MULTILINE) and parts["msgid"]:
                texts = ("",) * len(texts)
            found[Message(parts["msgid"], parts.get("msgid_plural", ""), parts.get("msgctxt", ""))] = texts
    return found


def forms(catalogue: Catalogue) -> int:
    """How many plural forms the language has, as the header says."""
    said = re.search(r"nplurals=(\d+)", catalogue[HEADER][0])
    assert said, "the header has no Plural-Forms"
    return int(said[1])


def updated(old: Catalogue, memory: Catalogue, found: Iterable[Message]) -> tuple[Catalogue, Catalogue]:
    """The catalogue with exactly the messages that were found, and what is remembered from now on."""
    known, several = memory | old, forms(old)
    fresh = {HEADER: old[HEADER]} | {one: known.get(one, ("",) * (several if one.plural else 1)) for one in found}
    return fresh, {one: texts for one, texts in known.items() if one not in fresh and all(texts)}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    lines = [part.replace("\n", "\\n") for part in escaped.splitlines(keepends=True)]
    return f'"{escaped}"' if not lines or lines == [escaped] else '""\n' + "\n".join(f'"{line}"' for line in lines)


def written(catalogue: Catalogue, memory: Catalogue, found: Mapping[Message, list[str]]) -> str:
    """The .po file; files are named without line numbers, which would change with every edit."""
    gone = _entries(dict(sorted(memory.items())), {})
    return "\n".join(_entries(catalogue, found) + [re.sub(r'(?m)^(?=msg|")', "#~ ", one) for one in gone])


def _entries(catalogue: Catalogue, found: Mapping[Message, list[str]]) -> list[str]:
    entries = []
    for one, texts in catalogue.items():
        lines = [f"#: {where}" for where in found.get(one, ())]
        if one != HEADER and _PERCENT.search(one.id + one.plural):
            lines.append("#, python-format")
        elif one != HEADER and _BRACE.search(one.id):
            lines.append("#, python-brace-format")
        if one.context:
            lines.append(f"msgctxt {_quoted(one.context)}")
        lines.append(f"msgid {_quoted(one.id)}")
        if one.plural:
            lines.append(f"msgid_plural {_quoted(one.plural)}")
            lines += [f"msgstr[{number}] {_quoted(text)}" for number, text in enumerate(texts)]
        else:
            lines.append(f"msgstr {_quoted(texts[0])}")
        entries.append("\n".join(lines) + "\n")
    return entries


def compiled(catalogue: Catalogue) -> bytes:
    """The .mo file: what is wholly translated, sorted; the same catalogue gives the same bytes."""
    rows = sorted((one.key.encode(), "\0".join(texts).encode()) for one, texts in catalogue.items() if all(texts))
    start = 28 + 16 * len(rows)
    tables: list[bytes] = []
    body = b""
    for column in zip(*rows, strict=True):
        for text in column:
            tables.append(struct.pack("<II", len(text), start + len(body)))
            body += text + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(rows), 28, 28 + 8 * len(rows), 0, 28) + b"".join(tables) + body


def untranslated(catalogue: Catalogue, found: Iterable[Message]) -> list[Message]:
    """Messages that people would read in English."""
    return [one for one in found if not all(catalogue.get(one, ("",)))]


def misfits(catalogue: Catalogue) -> list[str]:
    """Translations that cannot take the place of their message, and why."""
    several, wrong = forms(catalogue), []
    for one, texts in catalogue.items():
        if one == HEADER or not all(texts):
            continue
        if len(texts) != (several if one.plural else 1):
            wrong.append(f"{one.id!r} has {len(texts)} plural forms, the language {several}")
        for text in texts:
            pattern = _PERCENT if _PERCENT.search(one.id + one.plural) else _BRACE
            if not set(pattern.findall(text)) <= (may := set(pattern.findall(one.id + one.plural))):
                wrong.append(f"{text!r} has placeholders that {one.id!r} has not")
            elif not one.plural and set(pattern.findall(text)) != may:
                wrong.append(f"{text!r} lacks placeholders of {one.id!r}")
            if [text[:1].isspace(), text[-1:].isspace()] != [one.id[:1].isspace(), one.id[-1:].isspace()]:
                wrong.append(f"{text!r} begins or ends otherwise than {one.id!r}: a space or new line")
    return wrong


def catalogues() -> dict[str, Path]:
    """Language → its .po file."""
    return {path.parts[-3]: path for path in sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))}


def main() -> int:
    """Bring all catalogues up to date and say what is left to translate."""
    found, left = messages(), 0
    for language, path in catalogues().items():
        before = path.read_text(encoding="utf-8")
        catalogue, memory = updated(read(before), remembered(before), found)
        path.write_text(written(catalogue, memory, found), encoding="utf-8")
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        for one in untranslated(catalogue, found):
            left += 1
            print(f"{language}: {one.id!r} in {', '.join(found[one])}")
        for wrong in misfits(catalogue):
            left += 1
            print(f"{language}: {wrong}")
    print(f"{len(found)} messages, {left} left")
    return left > 0


if __name__ == "__main__":
    sys.exit(main())
