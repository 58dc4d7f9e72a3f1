"""The documentation is a contract: what it names exists, and what exists is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/samklang/connectors/*/README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_files_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if not t.startswith(("http:", "https:")) and not (page.parent / t).exists()]
    assert missing == []


def test_every_environment_variable_is_documented_and_exists() -> None:
    sources = [*ROOT.glob("src/**/*.py"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/**/*.js"), ROOT / "run"]
    used = {name for path in sources for name in re.findall(r"\bSAMKLANG_[A-Z_]*[A-Z]\b", path.read_text())}
    documented = set(re.findall(r"\bSAMKLANG_[A-Z_]*[A-Z]\b", (ROOT / "docs/reference/settings.md").read_text()))
    internal = {name for name in used if name.startswith(("SAMKLANG_SECRET", "SAMKLANG_TEST", "SAMKLANG_HOOK"))}
    assert used - internal - documented == set()
    assert documented - used == set()


def test_decisions_are_short_and_listed() -> None:
    listed = (ROOT / "docs/decisions/README.md").read_text()
    for page in sorted(ROOT.glob("docs/decisions/0*.md")):
        assert page.name in listed
        assert len(page.read_text().split()) <= 300, page.name


def test_no_machine_paths_registry_hosts_or_secrets_in_the_repository() -> None:
    import subprocess

    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    wrong = re.compile(
        rb"/(?:home|Users)/\w+/|/root/|pypi\.org|registry\.npmjs|pythonhosted|-----BEGIN [A-Z ]*PRIVATE KEY"
    )
    found = [name for name in files if name != "tests/unit/test_docs.py" and wrong.search((ROOT / name).read_bytes())]
    assert found == []


def test_what_people_must_do_about_returns_is_on_a_page() -> None:
    """O-18: the shop's return instructions are changed, and who does what is agreed with the warehouse."""
    page = (ROOT / "docs/how-to/warehouse.md").read_text()
    returns = page[page.index("## Returns") :]
    for words in ("not collected", "regret", "complaint", "Write into your shop's terms", "when the warehouse moves"):
        assert words in returns


def test_every_test_that_a_page_names_is_there() -> None:
    there = "\n".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    for page in PAGES:
        for name in sorted(set(re.findall(r"`(test_\w+)`", page.read_text()))):
            assert f"def {name}(" in there, f"{page.relative_to(ROOT)} names {name}"
        for name in sorted(set(re.findall(r"`((?:tests|benchmarks)/[\w/]+\.py)`", page.read_text()))):
            assert (ROOT / name).exists(), f"{page.relative_to(ROOT)} names {name}"
