"""What connectors that give statements hand over, read as the hub reads it."""

from __future__ import annotations

from samklang.accounting.statements.base import Statement
from samklang.accounting.statements.reading import read_statement
from samklang.connectors.contract import Paper


def read(paper: Paper) -> Statement:
    """The one statement of a provider that a paper holds."""
    (made,) = read_statement(paper.data)
    assert isinstance(made, Statement)
    return made
