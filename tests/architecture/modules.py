"""The planner's modules as syntax trees, each parsed once for all tests of the architecture."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.conftest import ROOT


@cache
def trees() -> dict[str, ast.Module]:
    """Give the tree of every module by its file's name, planner/record.py."""
    files = sorted((ROOT / "planner").rglob("*.py"))
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text("utf-8")) for file in files}


@cache
def nodes(file: str) -> tuple[ast.AST, ...]:
    """Give all nodes of a module's tree."""
    return tuple(ast.walk(trees()[file]))


def module_name(file: str) -> str:
    """Give a file's dotted name.

    >>> module_name("planner/catalog/__init__.py"), module_name("planner/record.py")
    ('planner.catalog', 'planner.record')
    """
    parts = Path(file).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
